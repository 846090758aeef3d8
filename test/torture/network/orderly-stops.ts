/** SIGTERM at every state of a job, at the agent and at the broker: each ends in good order, and goes on where it was. */
import { setTimeout as delay } from "node:timers/promises";
import type { Tally } from "../part.ts";
import type { Random } from "../random.ts";
import { type Program, type Site, untilNews } from "./site.ts";

const BODY_BYTES = 3_000_000;
/** What is told of a job, and by whom, when SIGTERM comes. */
const MOMENTS = [
  ["east", "arriving"],
  ["east", "held"],
  ["east", "releasing"],
  ["east", "printing"],
  ["east", "delivered"],
  ["broker", "receiving"],
  ["broker", "stored"],
  ["broker", "held"],
  ["broker", "printing"],
] as const satisfies readonly (readonly [Program, string])[];

/** @throws Error when a document is lost or comes out unasked */
export async function stopInOrder(site: Site, random: Random, note: (line: string) => void): Promise<Tally> {
  for (const [program, state] of MOMENTS) {
    note(`SIGTERM at ${program} when a job is ${state}`);
    const telling = site.fleet.program(program);
    const isMoment = (line: { event?: string; state?: unknown }) =>
      (line.event === "state" || line.event === "job-state" || line.event === "job-begun") &&
      (line.state ?? "receiving") === state;
    const stopped = untilNews(telling, isMoment).then(() => site.restart(program, "SIGTERM"));
    const document = await site.send("east", random.bytes(BODY_BYTES));
    if (state === "arriving" || state === "held" || program === "broker")
      await Promise.race([stopped, delay(2000)]);
    await site.untilHeld(document);
    await site.print(document, random);
    await stopped;
    await site.until("it is out", () => site.isOut(document));
    await site.rest();
    const [out, entries] = [site.countOut(document), document.entries];
    if (out > entries) throw new Error(`${program} ${state}: entered ${entries} times, out ${out} times`);
  }
  return { "stops in order": MOMENTS.length };
}
