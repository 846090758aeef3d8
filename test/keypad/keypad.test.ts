/** Keypads on real terminals and pipes. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readlinkSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { appendFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { Keypad, KeypadCondition, KeypadEvents } from "../../keypad/keypad.ts";
import { checkKeypadUri, type KeypadOptions, openKeypad } from "../../keypad/open-keypad.ts";
import { openPipe } from "../../keypad/pipe.ts";
import { lacks, openPty } from "../agent/pty.ts";

const folder = mkdtempSync(join(tmpdir(), "keypad-"));
afterAll(() => rm(folder, { recursive: true }));

interface Watched {
  readonly keypad: Keypad;
  readonly conditions: KeypadCondition[];
  /** Resolves when the keys so far spell exactly this: digits, `E`nter, `B`ackspace, `C`lear, `!` for Ctrl-C. */
  spelled(keys: string): Promise<void>;
  told(condition: KeypadCondition): Promise<void>;
}

async function watch(uri: string, options: KeypadOptions = {}): Promise<Watched> {
  const conditions: KeypadCondition[] = [];
  let keys = "";
  let wake = (): void => undefined;
  const until = async (isThere: () => boolean): Promise<void> => {
    while (!isThere()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const events: KeypadEvents = {
    onKey(key) {
      const names = { enter: "E", backspace: "B", clear: "C" } as const;
      keys += key.kind === "digit" ? key.digit : names[key.kind];
      wake();
    },
    onCondition(condition) {
      conditions.push(condition);
      wake();
    },
    onInterrupt() {
      keys += "!";
      wake();
    },
  };
  const keypad = await openKeypad(uri, events, { pollMs: 5, ...options });
  onTestFinished(() => keypad.close());
  return {
    keypad,
    conditions,
    spelled: async (expected) => {
      await until(() => keys.length >= expected.length);
      expect(keys).toBe(expected);
    },
    told: (condition) => until(() => conditions.at(-1) === condition),
  };
}

function descriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

describe("URIs", () => {
  it.each([
    ["", "begins with none of"],
    ["usb:1", "begins with none of"],
    ["tty:tty1", "absolute path"],
    ["tty:?x=1", "takes no options"],
    ["pipe:", "absolute path"],
    ["pipe:keys", "absolute path"],
    ["serial:", "absolute path"],
    ["serial:/dev/x?baud=7", "baud=7 is not one of"],
    ["serial:/dev/x?bauds=9600", "unknown option bauds"],
    ["hid:", "names no device"],
    ["hid:5fe:1010", "names no device"],
    ["hid:everything", "names no device"],
    ["evdev:", "names no device"],
    ["evdev:/", "names no device"],
    ["evdev:a/b", "names no device"],
  ])("refuses %j and says why", (uri, why) => {
    expect(() => checkKeypadUri(uri)).toThrow(why);
    expect(() => checkKeypadUri(uri)).toThrow(expect.objectContaining({ code: "keypad-uri" }));
  });

  it.each([
    "tty:",
    "tty:/dev/tty1",
    "pipe:/run/keys",
    "serial:/dev/ttyS0?baud=1200",
    "hid:any",
    "hid:05FE:1010",
    "hid:1-1.4:1.0",
    "evdev:any",
    "evdev:gpio-keys",
    "evdev:/dev/input/by-path/platform-keypad-event",
  ])("accepts %s", (uri) => {
    expect(() => checkKeypadUri(uri)).not.toThrow();
  });
});

describe.skipIf(lacks("socat"))("tty:", () => {
  const isEchoing = (path: string): boolean =>
    /(^|\s)echo\b/.test(String(spawnSync("stty", ["-a", "-F", path]).stdout));

  it("reads keys at once, echoes none, and puts the terminal back", async () => {
    const pty = await openPty("");
    onTestFinished(() => pty.hangUp());
    expect(isEchoing(pty.path)).toBe(true);
    const { keypad, conditions, spelled } = await watch(`tty:${pty.path}`);
    pty.type("4821");
    await spelled("4821");
    pty.type("3907\r\x7f-\x03");
    await spelled("48213907EBC!");
    expect(isEchoing(pty.path)).toBe(false);
    await keypad.close();
    expect(isEchoing(pty.path)).toBe(true);
    expect(pty.taken.toString()).toBe("");
    expect(conditions).toEqual(["attached"]);
  });

  it("puts the terminal back when the program just exits, and Ctrl-C without a handler ends it", async () => {
    const program = `
      import { openKeypad } from ${JSON.stringify(new URL("../../keypad/open-keypad.ts", import.meta.url).href)};
      const events = { onKey: (key) => key.kind === "enter" && process.exit(7), onCondition: () => console.error("up") };
      const [, ...paths] = process.argv;
      for (const path of paths) await openKeypad("tty:" + path, events);`;
    /** Resolves when all its keypads are up, to the promise of its end. */
    const run = async (...paths: string[]): Promise<{ ended: Promise<unknown> }> => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", program, ...paths], {
        stdio: "pipe",
      });
      const ended = new Promise((resolve) => {
        child.once("exit", (status, signal) => resolve(status ?? signal));
      });
      let up = "";
      while (up.length < 3 * paths.length) up += String((await once(child.stderr as Readable, "data"))[0]);
      return { ended };
    };
    const [pty, other] = [await openPty(""), await openPty("")];
    onTestFinished(() => pty.hangUp());
    onTestFinished(() => other.hangUp());
    const first = await run(pty.path, other.path);
    expect([pty, other].map(({ path }) => isEchoing(path))).toEqual([false, false]);
    pty.type("12\r");
    expect(await first.ended).toBe(7);
    expect([pty, other].map(({ path }) => isEchoing(path))).toEqual([true, true]);
    const second = await run(pty.path);
    pty.type("\x03");
    expect(await second.ended).toBe("SIGINT");
  });

  it("tells that the terminal hung up", async () => {
    const pty = await openPty("");
    const { told } = await watch(`tty:${pty.path}`);
    await pty.hangUp();
    await told("gone");
  });

  it("leaves nothing open behind it", async () => {
    const pty = await openPty("");
    onTestFinished(() => pty.hangUp());
    const isOpen = (): boolean => descriptors().includes(pty.path);
    const { keypad } = await watch(`tty:${pty.path}`);
    expect(isOpen()).toBe(true);
    await keypad.close();
    while (isOpen()) await turn();
  });

  it("refuses what is no terminal", async () => {
    await expect(watch("tty:/dev/null")).rejects.toMatchObject({ code: "keypad-unusable" });
  });
});

describe("pipe:", () => {
  it("makes a private pipe, and serves one writer after the other", async () => {
    const path = join(folder, "keys");
    const { conditions, spelled } = await watch(`pipe:${path}`);
    expect(statSync(path).isFIFO()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await appendFile(path, "4821");
    await spelled("4821");
    // Time to notice that the writer is gone, where that is taken for the end.
    for (let turns = 0; turns < 100; turns += 1) await turn();
    await appendFile(path, "3907\n");
    await spelled("48213907E");
    expect(conditions).toEqual(["attached"]);
  });

  it("ignores Ctrl-C, which is for terminals", async () => {
    const path = join(folder, "no-interrupt");
    const { spelled } = await watch(`pipe:${path}`);
    await appendFile(path, "1\x032");
    await spelled("12");
  });

  it("notices that the pipe was deleted", async () => {
    const path = join(folder, "short-lived");
    const source = await openPipe(path, () => undefined, 5);
    unlinkSync(path);
    await source?.ended;
    await source?.close();
  });

  it("says why it cannot make one", async () => {
    await expect(watch(`pipe:${folder}/no/keys`)).rejects.toMatchObject({
      code: "keypad-unusable",
      message: expect.stringContaining("mkfifo -m 600"),
    });
    writeFileSync(join(folder, "file"), "");
    await expect(watch(`pipe:${folder}/file`)).rejects.toMatchObject({ code: "keypad-unusable" });
  });

  it("tells a refusal once where it is asked to go on, and attaches when the reason has gone", async () => {
    const path = join(folder, "refused");
    writeFileSync(path, "");
    const told: string[] = [];
    const attached = Promise.withResolvers<void>();
    const keypad = await openKeypad(
      `pipe:${path}`,
      {
        onKey: () => undefined,
        onCondition: (condition) => {
          told.push(condition);
          if (condition === "attached") attached.resolve();
        },
        onRefused: ({ code }) => told.push(code),
      },
      { pollMs: 5 },
    );
    onTestFinished(() => keypad.close());
    expect(told).toEqual(["keypad-unusable", "gone"]);
    await pause(30);
    unlinkSync(path);
    await attached.promise;
    expect(told).toEqual(["keypad-unusable", "gone", "attached"]);
  });

  it.skipIf(lacks("socat"))("reads a pseudo-terminal too, without echo", async () => {
    const pty = await openPty("");
    const { spelled, told } = await watch(`pipe:${pty.path}`);
    pty.type("99#");
    await spelled("99E");
    expect(pty.taken.toString()).toBe("");
    await pty.hangUp();
    await told("gone");
  });
});

describe.skipIf(lacks("socat"))("serial:", () => {
  it("reads keys, survives unplugging, and reads on when plugged in again", async () => {
    const link = join(folder, "ttyKEYS");
    const first = await openPty(`,raw,echo=0,link=${link}`);
    const { conditions, spelled, told } = await watch(`serial:${link}?baud=115200`);
    first.type("12\r");
    await spelled("12E");
    // First the name: a terminal of the same number may soon be somebody else's.
    unlinkSync(link);
    await first.hangUp();
    await told("gone");
    const second = await openPty(`,raw,echo=0,link=${link}`);
    onTestFinished(() => second.hangUp());
    await told("attached");
    second.type("34\r");
    await spelled("12E34E");
    expect(conditions).toEqual(["attached", "gone", "attached"]);
  });

  it("waits for a line that is not there yet", async () => {
    const { conditions, keypad } = await watch("serial:/dev/no-such-line");
    await turn();
    expect(conditions).toEqual(["gone"]);
    await keypad.close();
    await keypad.close();
  });
});
