/** Codes and invites: from the argument, from stdin (`-`), or asked for; an argument shows in `ps` and in the shell's history. */
import { createInterface } from "node:readline/promises";
import { PlatenError } from "../wire/error.ts";
import type { Terminal } from "./terminal.ts";

const SECRET_CHARS_MAX = 4096;

/**
 * @param given the argument: the text itself, `-` for stdin; undefined asks where a person is there, else reads stdin
 * @throws PlatenError `usage` when nothing came
 */
export async function readSecret(
  given: string | undefined,
  what: string,
  { stdin, stderr }: Pick<Terminal, "stdin" | "stderr">,
): Promise<string> {
  if (given !== undefined && given !== "-") return given;
  const text =
    stdin.isTTY && given === undefined
      ? await ask(`Paste the ${what}: `, stdin, stderr)
      : await readAll(stdin);
  if (text.trim() === "") throw new PlatenError("usage", { what: `No ${what} came. Nothing was changed.` });
  return text.trim();
}

async function ask(question: string, input: NodeJS.ReadStream, output: NodeJS.WriteStream): Promise<string> {
  const lines = createInterface({ input, output });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  let text = "";
  for await (const chunk of stdin.setEncoding("utf8")) {
    text += chunk;
    if (text.length > SECRET_CHARS_MAX) break;
  }
  return text.slice(0, SECRET_CHARS_MAX);
}
