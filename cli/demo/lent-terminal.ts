/** The terminal while the agent has it as its keypad: whatever happens to the agent, the person gets it back sane. */

/** Remembers how `stdin` was set; the returned function sets it so again. Null: nothing to lend. */
export function lendTerminal(stdin: NodeJS.ReadStream | null): () => void {
  if (!stdin?.isTTY) return () => {};
  // libuv keeps the settings it found at the first change to raw mode: let that be before the agent changes them.
  stdin.setRawMode(true);
  stdin.setRawMode(false);
  return () => {
    stdin.setRawMode(true);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
