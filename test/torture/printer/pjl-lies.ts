/** How laser printers lie, each with what may come of it. */
import type { PjlLiar } from "./desk.ts";
import { type Lie, refillSoon } from "./lie.ts";

type PjlLie = Lie<PjlLiar>;

function trouble(name: string, fields: PjlLiar["model"]["trouble"], outcomes: PjlLie["outcomes"]): PjlLie {
  return {
    name,
    outcomes,
    begin: ({ model }) => {
      Object.assign(model.trouble, fields);
    },
  };
}

const isEnd = (said: Buffer): boolean => said.includes("USTATUS JOB\r\nEND");

export const PJL_LIES: readonly PjlLie[] = [
  trouble("reports no end", { end: "no" }, ["delivered"]),
  trouble("reports the end of another job", { end: "wrong-name" }, ["delivered"]),
  trouble("reports an end without pages", { end: "no-pages" }, ["delivered"]),
  trouble("reports an end with no page", { end: "none-printed" }, ["delivered"]),
  trouble("reports the end at the beginning", { end: "early" }, ["delivered"]),
  trouble("was cancelled at its panel", { end: "canceled" }, ["interrupted"]),
  trouble("answers nothing", { answers: "no" }, ["delivered"]),
  trouble("answers without the echo", { answers: "unsynchronised" }, ["delivered"]),
  trouble("answers rubbish", { answers: "rubbish" }, ["delivered"]),
  trouble("one byte at a time", { chunkBytes: 1, isCareless: true }, ["printed"]),
  {
    name: "reports the end twice",
    outcomes: ["printed"],
    begin: (printer) => {
      printer.habits.twist = (said, say) => {
        say(said);
        if (isEnd(said)) say(said);
      };
    },
  },
  {
    name: "keeps its report for the next job",
    outcomes: ["delivered"],
    begin: (printer) => {
      printer.habits.twist = (said, say) => {
        if (!isEnd(said)) say(said);
        else setTimeout(() => printer.say(said), 2500);
      };
    },
  },
  {
    name: "runs out of paper amid the job, and is given up",
    outcomes: ["interrupted"],
    begin: ({ model }, random) => {
      model.trouble.sheets = random.integer(1, 2);
    },
    end: ({ model }) => model.refill(),
  },
  {
    name: "runs out of paper amid the job, and gets some",
    outcomes: ["printed"],
    begin: (printer, random) => {
      printer.model.trouble.sheets = random.integer(1, 2);
      refillSoon(printer, random);
    },
    isPersonNeeded: true,
  },
  {
    name: "its cover flaps a hundred times a second",
    outcomes: ["printed", "delivered", "interrupted", "refused"],
    begin: (printer) => {
      let isOpen = false;
      const flap = (): Buffer => {
        isOpen = !isOpen;
        const code = isOpen ? "CODE=40021\r\nONLINE=FALSE" : "CODE=10001\r\nONLINE=TRUE";
        return Buffer.from(`@PJL USTATUS DEVICE\r\n${code}\r\n\f`);
      };
      printer.habits.babble = { everyMs: 10, speech: flap };
      printer.startBabbling();
    },
    isPersonNeeded: true,
  },
];
