/** Peak resident memory of broker and agent, each freshly started, while one document passes: 100 MB, then 1 GB. */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Fleet } from "../test/e2e/fleet.ts";
import { describeMachine, readPeakMib } from "./machine.ts";

const SIZES_MB = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 1000];
console.log(describeMachine());
for (const megabytes of SIZES_MB) {
  const fleet = await Fleet.start();
  try {
    await fleet.addAgent({ lobby: {} });
    const alice = await fleet.addSender("alice");
    await fleet.startAgent("lobby");
    const file = fleet.path("document.bin");
    await pipeline(createReadStream("/dev/urandom", { end: megabytes * 1e6 - 1 }), createWriteStream(file));
    const { otp, jobs } = await fleet.send(alice, "lobby", [file], { raw: true });
    const job = jobs[0]?.job ?? "";
    await fleet.follow(alice, job, "held");
    await fleet.type("lobby", `${otp}\n`);
    const end = await fleet.follow(alice, job);
    const peaks = ["broker", "lobby"].map((name) => readPeakMib(fleet.program(name).pid ?? 0).toFixed(0));
    console.log(`${megabytes} MB (${end.state}): peak RSS broker ${peaks[0]} MiB, agent ${peaks[1]} MiB`);
  } finally {
    await fleet.close();
  }
}
