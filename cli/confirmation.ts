/** A question that only a person may answer with yes. */
import { createInterface } from "node:readline/promises";
import { PlatenError } from "../wire/error.ts";
import type { Terminal } from "./terminal.ts";

/** @throws PlatenError `usage` when the answer is no, or nobody is there to ask and `already` is false */
export async function confirm(
  question: string,
  already: boolean,
  { stdin, stderr }: Pick<Terminal, "stdin" | "stderr">,
): Promise<void> {
  if (already) return;
  if (!stdin.isTTY) {
    throw new PlatenError("usage", {
      what: "Nobody is here to be asked; add --yes once it was compared. Nothing was done.",
    });
  }
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `);
    if (/^y(?:es)?$/i.test(answer.trim())) return;
  } finally {
    lines.close();
  }
  throw new PlatenError("usage", { what: "Not confirmed. Nothing was done." });
}
