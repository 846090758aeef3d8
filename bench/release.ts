/**
 * Enter to first byte: 1 MB held, the OTP typed at 100 ms a key through a named pipe, the first byte awaited at a TCP
 * socket. Both ends of the interval are on this process's clock: the write of Enter, and the arrival of data.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Fleet } from "../test/e2e/fleet.ts";
import { describeMachine, formatFigure } from "./machine.ts";

const RUNS = Number(process.argv[2] ?? 20);
let firstByte = Promise.withResolvers<number>();
const sink = createServer((socket) => {
  socket.once("data", () => firstByte.resolve(performance.now()));
  socket.on("data", () => {});
  socket.on("end", () => socket.end());
});
await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
const { port } = sink.address() as { port: number };

const fleet = await Fleet.start();
try {
  await fleet.addAgent({ lobby: { uri: `tcp:127.0.0.1:${port}` } });
  const alice = await fleet.addSender("alice");
  await fleet.startAgent("lobby");
  const file = fleet.path("document.bin");
  const measured: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    writeFileSync(file, randomBytes(1_000_000));
    const { otp, jobs } = await fleet.send(alice, "lobby", [file], { raw: true });
    await fleet.follow(alice, jobs[0]?.job ?? "", "held");
    firstByte = Promise.withResolvers();
    const keypad = await open(fleet.path("lobby.keypad"), "w");
    for (const digit of otp) {
      await keypad.write(digit);
      await delay(100);
    }
    const entered = performance.now();
    await keypad.write("\n");
    measured.push((await firstByte.promise) - entered);
    await keypad.close();
    await fleet.follow(alice, jobs[0]?.job ?? "");
  }
  console.log(describeMachine());
  console.log(`Enter to first byte, 1 MB held, tcp: printer: ${formatFigure(measured, "ms")}`);
} finally {
  await fleet.close();
  sink.close();
}
