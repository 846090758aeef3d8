/** One way in which a printer deceives or fails, and what the agent may make of it. */
import type { PrinterModel } from "../../agent/fake-device.ts";
import type { Random } from "../random.ts";
import type { LyingPrinter } from "./lying-printer.ts";

/** `refused`: the OTP was refused for the printer's sake, and the job is held as before. */
export type Outcome = "printed" | "delivered" | "interrupted" | "refused";

export interface Lie<P> {
  readonly name: string;
  readonly outcomes: readonly Outcome[];
  /** Before its document is released. */
  readonly begin: (printer: P, random: Random, body: Buffer) => void | Promise<void>;
  /** What honesty needs beside {@link LyingPrinter.beHonest}. */
  readonly end?: (printer: P) => void | Promise<void>;
  /** The job may stand still until its OTP is typed again. */
  readonly isPersonNeeded?: boolean;
}

/** Somebody comes with paper. */
export function refillSoon(
  printer: { readonly model: { refill(): void }; wake(): void },
  random: Random,
): void {
  const afterMs = random.integer(300, 1500);
  setTimeout(() => {
    printer.model.refill();
    printer.wake();
  }, afterMs);
}

const XOFF = Buffer.from([0x13]);
const XON = Buffer.from([0x11]);

type AnyLie = Lie<LyingPrinter<PrinterModel>>;

/** Whatever it speaks. */
export const COMMON_LIES: readonly AnyLie[] = [
  {
    name: "takes a few bytes at a time",
    outcomes: ["printed"],
    begin: ({ habits }, random) => {
      habits.sipBytes = random.integer(1, 200);
    },
  },
  {
    name: "unplugged amid the job",
    outcomes: ["interrupted"],
    begin: ({ habits }, random, body) => {
      habits.breakAfter = { bytes: random.integer(40, body.length), how: "reset" };
    },
    end: (printer) => printer.plugIn(),
  },
  {
    name: "hangs up amid the job",
    outcomes: ["interrupted"],
    begin: ({ habits }, random, body) => {
      habits.breakAfter = { bytes: random.integer(40, body.length), how: "end" };
    },
    end: (printer) => printer.plugIn(),
  },
  {
    name: "gone at the start",
    outcomes: ["refused"],
    begin: (printer) => printer.unplug(),
    end: (printer) => printer.plugIn(),
  },
  {
    name: "random bytes now and then",
    outcomes: ["printed", "delivered", "interrupted", "refused"],
    begin: (printer, random) => {
      printer.habits.babble = { everyMs: 5, speech: () => random.bytes(random.integer(1, 40)) };
      printer.startBabbling();
    },
    // An XOFF may have been among them.
    end: (printer) => {
      if (printer.isSerial) printer.say(XON);
    },
    isPersonNeeded: true,
  },
  {
    name: "an endless flood of random bytes",
    outcomes: ["printed", "delivered", "interrupted", "refused"],
    begin: (printer, random) => {
      const flood = random.bytes(65_536);
      printer.habits.babble = { everyMs: 0, speech: () => flood };
      printer.startBabbling();
    },
    // What of it lies in the buffers on the way would be heard for many jobs more.
    end: async (printer) => {
      await printer.unplug();
      await printer.plugIn();
    },
    isPersonNeeded: true,
  },
];

/** On a network only: a terminal's other side keeps what its reader does not take. */
export const NETWORK_LIES: readonly AnyLie[] = [
  {
    name: "takes nothing at all",
    outcomes: ["interrupted", "refused"],
    begin: ({ habits }) => {
      habits.isDeaf = true;
    },
  },
  {
    name: "stands still for a while",
    outcomes: ["printed", "delivered"],
    begin: (printer, random) => {
      printer.habits.isDeaf = true;
      setTimeout(
        () => {
          printer.habits.isDeaf = false;
          printer.wake();
        },
        random.integer(200, 1900),
      );
    },
    isPersonNeeded: true,
  },
];

/** Said again and again, as printers do: what is said before the line is open nobody hears. */
const HOLD = { everyMs: 20, speech: () => XOFF };

/** On a serial line only. */
export const SERIAL_LIES: readonly AnyLie[] = [
  {
    name: "XOFF for ever",
    outcomes: ["interrupted", "refused"],
    begin: (printer) => {
      printer.habits.babble = HOLD;
      printer.startBabbling();
    },
    end: (printer) => printer.say(XON),
  },
  {
    name: "XOFF for a while",
    outcomes: ["printed", "delivered", "refused"],
    begin: (printer, random) => {
      printer.habits.babble = HOLD;
      printer.startBabbling();
      const release = (): void => {
        printer.beHonest();
        printer.say(XON);
      };
      setTimeout(release, random.integer(200, 1900));
    },
    isPersonNeeded: true,
  },
];
