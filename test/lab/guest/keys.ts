/** In the guest: opens keypads and writes what they type, one line for each key and each condition. */
import { openKeypad } from "../../../keypad/open-keypad.ts";

const keypads = await Promise.all(
  process.argv.slice(2).map((uri) =>
    openKeypad(
      uri,
      {
        onKey: (key) => tell(key.kind === "digit" ? key.digit : key.kind),
        onCondition: (condition) => tell(`${condition} ${uri}`),
      },
      { pollMs: 200 },
    ),
  ),
);
process.once("SIGTERM", async () => {
  await Promise.all(keypads.map((keypad) => keypad.close()));
  tell("closed");
  process.exit();
});

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
