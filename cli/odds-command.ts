/** `platen odds`: how likely it is that somebody guesses a one-time password at the keypad. */
import type { Command } from "commander";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";
import { wholeNumber } from "./number-option.ts";
import { type Brake, countTries, oddsOfGuessing } from "./odds.ts";
import { layoutTable } from "./table.ts";

/** What the contract allows for an OTP, and how long people watch a fleet. */
const DIGITS = [6, 8, 10, 12] as const;
const DAYS = [1, 7, 30, 365] as const;
/** What a full bucket and a day give (agent/tries.ts). */
export const TRIES_PER_DAY_MAX = 725;

interface OddsOptions {
  readonly digits?: number;
  readonly jobs: number;
  readonly agents: number;
  /** Of a day. */
  readonly tries?: number;
  readonly days?: number;
}

export function addOddsCommand(program: Command): void {
  const odds = program
    .command("odds")
    .description("how likely it is that somebody guesses a one-time password at the keypad")
    .option("--digits <n>", "of the password; without it 6, 8, 10 and 12", wholeNumber(6, 12))
    .option("--jobs <n>", "documents that wait all the time", wholeNumber(1, 100_000), 50)
    .option("--agents <n>", "machines with a keypad, all guessed at", wholeNumber(1, 10_000), 1)
    .option(
      "--tries <n>",
      "entries a day at each; without it as many as a keypad takes",
      wholeNumber(1, TRIES_PER_DAY_MAX),
    )
    .option("--days <n>", "how long; without it a day, a week, a month, a year", wholeNumber(1, 3650))
    .action(act(showOdds));
  addExamples(odds, [
    ["platen odds", "50 documents wait, somebody types day and night"],
    ["platen odds --digits 8 --jobs 5 --tries 20 --days 30", "a quiet office, a patient guesser"],
    ["platen odds --digits 10 --agents 12", "a group of twelve printers: every keypad can be tried"],
    ["platen odds --json | jq 'select(.digits == 8)'", "JSON, a line for each"],
  ]);
}

async function showOdds({ options, terminal }: Context<OddsOptions & GlobalOptions>): Promise<void> {
  const { TRIES_MAX, REFILL_MS } = await import("../agent/tries.ts");
  const brake = { burst: TRIES_MAX, refillMs: REFILL_MS };
  const digits = options.digits === undefined ? DIGITS : [options.digits];
  const days = options.days === undefined ? DAYS : [options.days];
  const rows = digits.map((each) => days.map((day) => judge(each, day, options, brake)));
  for (const row of rows) for (const each of row) terminal.printJson(each);
  const heads = ["digits", ...days.map((day) => (day === 1 ? "1 day" : `${day} days`))];
  const cells = rows.map((row, i) => [String(digits[i]), ...row.map(({ odds }) => formatOdds(odds))]);
  terminal.print(explain(options, brake));
  terminal.print(`\n${layoutTable(heads, cells, terminal.width)}\n`);
  terminal.print(REMARK);
}

function judge(digits: number, days: number, { jobs, agents, tries: perDay }: OddsOptions, brake: Brake) {
  const most = countTries(brake, days);
  const tries = perDay === undefined ? most : Math.min(most, perDay * days);
  return { digits, days, jobs, agents, tries, odds: oddsOfGuessing({ digits, jobs, agents, tries }) };
}

function explain({ jobs, agents, tries }: OddsOptions, { burst, refillMs }: Brake): string {
  const documents = jobs === 1 ? "1 document waits" : `${jobs.toLocaleString("en")} documents wait`;
  const keypads = agents === 1 ? "the keypad" : `each of ${agents.toLocaleString("en")} keypads`;
  const pace =
    tries === undefined
      ? `as fast as it takes entries: ${burst} at once, then one every ${refillMs / 60_000} minutes`
      : `${tries.toLocaleString("en")} times a day`;
  return `While ${documents}, somebody tries a new password at ${keypads} ${pace}. The odds that one of the documents prints for them:`;
}

const REMARK =
  "At most so much: exact for documents that wait all the time at one keypad, less where they come and go. Documents that may still be printed a second time count as waiting. Ten wrong entries within an hour raise an alarm in the log. docs/security.md has the rest.";

/** `1 in 2,758`, or percent where that says more. */
export function formatOdds(odds: number): string {
  if (odds >= 0.1) return `${Math.min(100, odds * 100).toFixed(0)} %`;
  const one = 1 / odds;
  const digits = Math.max(0, Math.floor(Math.log10(one)) - 2);
  // Three digits, rounded towards the guesser.
  const rounded = Math.floor(one / 10 ** digits) * 10 ** digits;
  return `1 in ${rounded.toLocaleString("en")}`;
}
