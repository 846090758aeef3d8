/** A keypad that cannot be used, as somebody in front of the panel sees it. */
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { loadAgentConfig } from "../../agent/config.ts";
import { openLog } from "../../agent/log.ts";

import type { PanelState } from "../../agent/panel.ts";
import { openPerson } from "../../agent/person.ts";

it("shows that it is out of order instead of ending, and serves when the keypad can be used", async () => {
  const folder = mkdtempSync(join(tmpdir(), "person-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "keys");
  // A plain file is no pipe.
  writeFileSync(path, "");
  const shown: PanelState[] = [];
  const panel = {
    show: (state: PanelState) => shown.push(state),
    tick: () => undefined,
    close: async () => undefined,
  };
  const lines: string[] = [];
  const person = await openPerson(
    { ...loadAgentConfig(), keypads: [`pipe:${path}`] },
    openLog("info", { write: (line: string) => lines.push(line) }),
    panel,
    {
      release: () => null,
      held: () => 0,
      sharesMissing: () => false,
      onPowerCycle: () => undefined,
      onTamper: () => undefined,
    },
  );
  onTestFinished(() => person.close());
  expect(shown.at(-1)).toMatchObject({ kind: "broken", what: expect.stringContaining(path) });
  expect(lines.join("")).toContain("keypad-refused");
  // Its service is well: no watchdog helps here.
  expect(person.deadKeypad()).toBeNull();
  unlinkSync(path);
  await vi.waitUntil(() => shown.at(-1)?.kind !== "broken", { timeout: 9000 });
});
