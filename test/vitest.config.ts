import { defineConfig } from "vitest/config";

/** Tests of one room that dial sockets, make certificates or derive passwords by the dozen: e2e's time, not unit's. */
const slow = [
  "test/client/**/*.test.ts",
  "test/agent/{agent,arrivals,confirmation,device,device-contract,device-serial,enrol,job-boundaries,link,release}.test.ts",
  "test/broker/{accounts,admin,conditions,enrolment,lists,registry-decoders,relay,second-copy}.test.ts",
  "test/cli/technician.test.ts",
  "test/escpos/library.test.ts",
  "test/fuzz/**/*.test.ts",
  "test/wire/{age,tls}.test.ts",
];

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/{wire,broker,agent,keypad,escpos,pcl,cli,deploy,house}/**/*.test.ts"],
          exclude: slow,
          testTimeout: 10_000,
          // Processes: the serial bindings belong to the main thread's event loop and end a worker thread's program.
          pool: "forks",
          // A process per file would spend most of the time on loading the same modules.
          isolate: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", ...slow],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          pool: "forks",
        },
      },
      {
        // Real drivers in a virtual machine (docs/lab.md): npm run lab.
        test: {
          name: "lab",
          include: ["test/lab/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          pool: "forks",
          maxWorkers: 1,
        },
      },
      {
        // Started by the lab, inside the virtual machine.
        test: {
          name: "guest",
          include: ["test/lab/guest/*.test.ts"],
          testTimeout: 60_000,
          pool: "forks",
          maxWorkers: 1,
        },
      },
    ],
  },
});
