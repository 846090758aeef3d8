import { defineConfig } from "vitest/config";

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/{wire,client,broker,agent,keypad,escpos,pcl,cli,house}/**/*.test.ts"],
          testTimeout: 10_000,
          // Processes: the serial bindings belong to the main thread's event loop and end a worker thread's program.
          pool: "forks",
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          pool: "forks",
          maxWorkers: 2,
        },
      },
    ],
  },
});
