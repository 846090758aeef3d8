/** How receipt printers lie, each with what may come of it. */
import type { EscposLiar } from "./desk.ts";
import { type Lie, refillSoon } from "./lie.ts";

/** DLE EOT n answers, automatic status, `GS ( H` echo. */
const ECHO_HEAD = Buffer.from([0x37, 0x22]);
const isEcho = (said: Buffer): boolean => said.subarray(0, 2).equals(ECHO_HEAD);
/** Cover open, then all well, in automatic status. */
const FLAPS = [Buffer.from([0x38, 0, 0, 0x0f]), Buffer.from([0x10, 0, 0, 0x0f])];

type EscposLie = Lie<EscposLiar>;

function trouble(
  name: string,
  fields: EscposLiar["model"]["trouble"],
  outcomes: EscposLie["outcomes"],
): EscposLie {
  return {
    name,
    outcomes,
    begin: ({ model }) => {
      Object.assign(model.trouble, fields);
    },
  };
}

export const ESCPOS_LIES: readonly EscposLie[] = [
  trouble("confirms nothing", { fence: "no" }, ["delivered"]),
  trouble("confirms another job", { fence: "wrong" }, ["delivered"]),
  trouble("confirms the job before", { fence: "stale" }, ["delivered"]),
  trouble("answers nothing", { answers: "no" }, ["delivered"]),
  trouble("answers late", { answers: "late" }, ["delivered", "printed"]),
  trouble("answers three of four", { answers: "three" }, ["delivered"]),
  trouble("answers rubbish", { answers: "rubbish" }, ["delivered"]),
  trouble("one byte at a time, XOFF and XON between", { drips: true }, ["printed"]),
  {
    name: "confirms twice",
    outcomes: ["printed"],
    begin: (printer) => {
      printer.habits.twist = (said, say) => {
        say(said);
        if (isEcho(said)) say(said);
      };
    },
  },
  {
    name: "confirms before it was asked, and not after",
    outcomes: ["delivered"],
    begin: (printer) => {
      const { model } = printer;
      model.trouble.fence = "no";
      const early = Buffer.concat([ECHO_HEAD, Buffer.from("AAAA\0")]);
      printer.habits.twist = (said, say) => {
        say(early);
        say(said);
      };
    },
  },
  {
    name: "keeps its confirmation for the next job",
    outcomes: ["delivered"],
    begin: (printer) => {
      printer.habits.twist = (said, say) => {
        if (!isEcho(said)) say(said);
        else setTimeout(() => printer.say(said), 2500);
      };
    },
  },
  {
    name: "says all is well with no paper",
    outcomes: ["delivered", "interrupted"],
    begin: ({ model }, random, body) => {
      model.trouble.lies = true;
      model.runsOutIn(random.integer(0, body.length));
    },
    end: ({ model }) => model.refill(),
  },
  {
    name: "runs out of paper amid the job, and is given up",
    outcomes: ["interrupted"],
    begin: ({ model }, random, body) => model.runsOutIn(random.integer(1, body.length - 1)),
    end: ({ model }) => model.refill(),
  },
  {
    name: "runs out of paper amid the job, and gets some",
    outcomes: ["printed"],
    begin: (printer, random, body) => {
      printer.model.runsOutIn(random.integer(1, body.length - 1));
      refillSoon(printer, random);
    },
    isPersonNeeded: true,
  },
  {
    name: "its state flaps a hundred times a second",
    outcomes: ["printed", "delivered", "interrupted", "refused"],
    begin: (printer) => {
      let at = 0;
      printer.habits.babble = { everyMs: 10, speech: () => FLAPS[at++ % 2] ?? Buffer.alloc(0) };
      printer.startBabbling();
    },
    isPersonNeeded: true,
  },
];
