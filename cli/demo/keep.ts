/** `--keep`: everything runs on, and the person is told how to go on with it. */
import type { Child } from "./child.ts";
import type { Narrator } from "./narrator.ts";
import { type Folders, PRINTER } from "./stage.ts";

interface Kept {
  readonly folders: Folders;
  readonly narrator: Narrator;
  readonly byHand: boolean;
  readonly children: readonly Child[];
  readonly signal: AbortSignal;
}

/** Settles when the person ends it with Ctrl-C, or a program ended by itself. */
export async function keepRunning({ folders, narrator, byHand, children, signal }: Kept): Promise<void> {
  const type = byHand
    ? "type its one-time password in this terminal"
    : `echo 48213907 > ${folders.keypad}   (with its one-time password)`;
  narrator.kept(folders.root);
  narrator.say(
    "\nEverything runs on. In another terminal, in this folder:\n\n" +
      `  export PLATEN_DATA=${folders.root}\n` +
      `  npx platen send FILE --to ${PRINTER}\n` +
      `  ${type}\n` +
      "  npx platen jobs, npx platen audit, npx platen printer list\n\n" +
      `What prints lies in ${folders.printed}. Ctrl-C ends it and removes all of it.`,
  );
  const interrupted = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => interrupted.resolve(), { once: true });
  await Promise.race([interrupted.promise, ...children.map((child) => child.exited)]);
}
