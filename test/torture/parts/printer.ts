/** Printers that lie: never a false `printed`, never a document in another's, and whoever else prints goes on printing. */
import { setTimeout as delay } from "node:timers/promises";
import type { PrinterModel } from "../../agent/fake-device.ts";
import { type Part, type Plan, Rounds, type Tally } from "../part.ts";
import { Desk, type Seat } from "../printer/desk.ts";
import { ESCPOS_LIES } from "../printer/escpos-lies.ts";
import { countTaken, findLies } from "../printer/judgement.ts";
import { COMMON_LIES, type Lie, NETWORK_LIES, type Outcome, SERIAL_LIES } from "../printer/lie.ts";
import type { LyingPrinter } from "../printer/lying-printer.ts";
import { PJL_LIES } from "../printer/pjl-lies.ts";
import type { Random } from "../random.ts";
import type { SentDocument } from "../sent-document.ts";

/** What an agent may keep of a printer that talks without end. */
const GROWTH_MB_MAX = 64;
const NUDGE_MS = 700;
const AGAIN_MAX = 3;
/** An honest printer that was not believed any more is asked again, and believed once its answer came during a job. */
const TRUST_MAX = 6;
/** So many more with each job, until one takes longer than an answer. */
const TRUST_LINES = 2500;

type AnyLie = Lie<LyingPrinter<PrinterModel>>;
type Deal = readonly [Seat, AnyLie];

export const part: Part = {
  name: "printer",
  about: "printers that confirm what they did not print, fall silent, babble, run out and are unplugged",
  fullRounds: 500,
  needs: ["mkfifo", "socat"],
  run: async (plan) => {
    const desk = await Desk.open();
    const play = new Play(desk, plan);
    try {
      return await play.run();
    } finally {
      await desk.close();
    }
  },
};

function dealTo(seat: Seat): Deal[] {
  const own = seat.tongue === "escpos" ? ESCPOS_LIES : PJL_LIES;
  const wires = seat.printer.isSerial ? SERIAL_LIES : NETWORK_LIES;
  return [...COMMON_LIES, ...wires, ...(own as readonly AnyLie[])].map((lie) => [seat, lie]);
}

function shuffle<T>(all: readonly T[], random: Random): T[] {
  const places = all.map((each) => ({ each, place: random.fraction() }));
  return places.sort((one, other) => one.place - other.place).map(({ each }) => each);
}

class Play {
  readonly #desk: Desk;
  readonly #plan: Plan;
  readonly #outcomes = new Map<string, number>();
  readonly #names = new Set<string>();

  constructor(desk: Desk, plan: Plan) {
    this.#desk = desk;
    this.#plan = plan;
  }

  async run(): Promise<Tally> {
    const rounds = new Rounds(this.#plan);
    const { random, seed } = this.#plan;
    const first = this.#desk.memory().rss;
    for (let deck: Deal[] = []; rounds.next(); ) {
      // Each is told at each printer before any is told again, so that a short run tells many of them.
      if (deck.length === 0) deck = shuffle(this.#desk.seats.flatMap(dealTo), random);
      const [seat, lie] = deck.pop() as Deal;
      const what = `round ${rounds.current} of seed ${seed}: ${seat.name} ${lie.name}`;
      await this.#round(what, seat, lie, random.fork());
    }
    const { rss, peak } = this.#desk.memory();
    if (peak - first > GROWTH_MB_MAX) throw new Error(`the agent grew from ${first} to ${peak} MB`);
    const told = Object.fromEntries([...this.#outcomes].sort());
    return {
      lies: rounds.current,
      kinds: this.#names.size,
      ...told,
      "MB at start": first,
      "MB at end": rss,
      "MB at most": peak,
    };
  }

  async #round(what: string, seat: Seat, lie: AnyLie, random: Random): Promise<void> {
    this.#plan.note(what);
    this.#names.add(`${seat.name} ${lie.name}`);
    const outcome = { is: "not begun" };
    try {
      await this.#beLiedTo(seat, lie, random, outcome);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`${what}, ${outcome.is}: ${why}`, { cause: error });
    }
    this.#plan.note(`${what}: ${outcome.is}`);
    this.#outcomes.set(outcome.is, (this.#outcomes.get(outcome.is) ?? 0) + 1);
  }

  async #beLiedTo(seat: Seat, lie: AnyLie, random: Random, outcome: { is: string }): Promise<void> {
    const printer: LyingPrinter<PrinterModel> = seat.printer;
    printer.forget();
    const document = await this.#desk.send(seat.name, makeDocument(seat, random));
    const calm = await this.#desk.send("calm", random.bytes(random.integer(16, 40_000)));
    await lie.begin(printer, random, document.body);
    const first = await this.#release(document, calm, lie);
    outcome.is = first;
    if (!lie.outcomes.includes(first)) throw new Error(`expected ${lie.outcomes.join(" or ")}`);
    await this.#judge(seat, document, first);
    await this.#beHonest(seat, lie);
    if (first === "interrupted" || first === "refused") await this.#printAgain(seat, document);
    await this.#trustAgain(seat, random);
  }

  /** Types; somebody else prints beside it; types again where it stands still for want of that. How it came to rest. */
  async #release(document: SentDocument, calm: SentDocument, lie: AnyLie): Promise<Outcome> {
    const verdict = await this.#desk.enter(document);
    await this.#printCalm(calm);
    if (verdict === "printer-care") return "refused";
    if (verdict !== "entered") throw new Error(`the OTP was answered with ${verdict}`);
    const resting = this.#desk.untilResting(document).then((state) => state as Outcome);
    while (lie.isPersonNeeded) {
      const state = await Promise.race([resting, delay(NUDGE_MS, null)]);
      if (state !== null) return state;
      if (this.#desk.row(document)?.state === "printing") await this.#desk.nudge(document);
    }
    return await resting;
  }

  async #printCalm(calm: SentDocument): Promise<void> {
    const verdict = await this.#desk.enter(calm);
    if (verdict !== "entered") throw new Error(`the calm printer's OTP was answered with ${verdict}`);
    const state = await this.#desk.untilResting(calm);
    if (state !== "delivered" || !this.#desk.hasCalmPrinted(calm))
      throw new Error(`the calm printer: ${state}`);
  }

  async #judge(seat: Seat, document: SentDocument, state: string): Promise<void> {
    // What left a serial line may still be on its way through the terminal, or stand there for want of paper.
    if (state === "delivered" && seat.printer.isSerial) {
      if (seat.tongue === "escpos") seat.printer.model.refill();
      seat.printer.wake();
      await this.#desk.until("taken", () => isTaken(seat, document));
    }
    const faults = findLies(seat, document, state, this.#desk.toldOf(document));
    if (faults.length > 0) throw new Error(faults.join("; "));
  }

  async #beHonest({ printer, tongue }: Seat, lie: AnyLie): Promise<void> {
    printer.beHonest();
    for (const key of Object.keys(printer.model.trouble)) Reflect.deleteProperty(printer.model.trouble, key);
    await lie.end?.(printer);
    if (tongue === "pjl") printer.model.openCover(false);
    printer.wake();
  }

  /** A document that did not come out does, and its printer takes no part of the first try for it. */
  async #printAgain(seat: Seat, document: SentDocument): Promise<void> {
    seat.printer.forget();
    const became: string[] = [];
    for (let entry = 0; entry < AGAIN_MAX; entry++) {
      const verdict = await this.#desk.enter(document);
      became.push(verdict);
      if (verdict === "entered") {
        const state = await this.#desk.untilResting(document);
        await this.#judge(seat, document, state);
        if (state === "printed" || state === "delivered") return;
        became.push(state);
      }
      await delay(1000);
    }
    throw new Error(`an honest printer did not print it again: ${became.join(", ")}`);
  }

  /** The next person's document is printed whole and for itself, and before long the printer is believed again. */
  async #trustAgain(seat: Seat, random: Random): Promise<void> {
    for (let job = 0; job < TRUST_MAX; job++) {
      seat.printer.forget();
      // One that was not believed is not waited for long: its answer may come while a document takes its time.
      const next = await this.#desk.send(seat.name, makeDocument(seat, random, 5 + job * TRUST_LINES));
      const verdict = await this.#desk.enter(next);
      if (verdict !== "entered") throw new Error(`the next job's OTP was answered with ${verdict}`);
      const state = await this.#desk.untilResting(next);
      await this.#judge(seat, next, state);
      if (!isWholeOnPaper(seat, next)) throw new Error("the next job did not come out as it was sent");
      if (state === "printed") return;
    }
    throw new Error("an honest printer is not believed any more");
  }
}

function isTaken({ printer }: Seat, document: SentDocument): boolean {
  return countTaken(printer, document) === document.body.length;
}

const WORDS = ["bread", "milk", "tea", "rice", "salt", "oil", "soap", "nails"] as const;

/** Text for receipts; pages for laser printers. */
function makeDocument({ tongue }: Seat, random: Random, linesMin = 5): Buffer {
  const name = random.bytes(10).toString("hex");
  const line = () => `${random.pick(WORDS)} ${random.integer(1, 99_999)}`;
  const lines = Array.from({ length: random.integer(linesMin, linesMin + 3000) }, line);
  if (tongue === "escpos") return Buffer.from(`${name}\n${lines.join("\n")}\n`);
  const page = (n: number) =>
    `${name} ${n} ${lines.slice(n * 20, n * 20 + random.integer(1, 700) + linesMin).join(" ")}\f`;
  return Buffer.from([1, 2, 3, 4].map(page).join(""));
}

/** As the printer understood it: nothing of another job between its lines. */
function isWholeOnPaper(seat: Seat, { body }: SentDocument): boolean {
  const text = body.toString("latin1");
  if (seat.tongue === "escpos") return seat.printer.model.text.endsWith(text.replaceAll("\n", ""));
  return seat.printer.model.pages.slice(-4).join("") === text;
}
