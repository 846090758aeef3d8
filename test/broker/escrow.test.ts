import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../broker/database.ts";
import { Escrow } from "../../broker/escrow.ts";
import { decodeRecord, encodeRecord } from "../../broker/escrow-record.ts";
import { SlotFile } from "../../broker/slot-file.ts";
import { Tombstones } from "../../broker/tombstones.ts";

let folder: string;
let path: string;
let slots: SlotFile;
let escrow: Escrow;
let nowMs: number;
const database = openDatabase(":memory:");
const tombstones = new Tombstones(database);
const yes = () => true;

function reopen(): void {
  slots.close();
  open();
}
function open(): void {
  slots = new SlotFile(path);
  escrow = new Escrow({ slots, tombstones, monotonicMs: () => nowMs });
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platen-escrow-"));
  path = join(folder, "escrow.slots");
  nowMs = 0;
  tombstones.purge(Number.MAX_SAFE_INTEGER);
  open();
});
afterEach(() => {
  slots.close();
  rmSync(folder, { recursive: true });
});

let jobs = 0;
function makeShare(fields: object = {}) {
  return {
    user: "alice",
    job: `job-number-${jobs++}`,
    attempt: randomBytes(8).toString("hex"),
    tag: randomBytes(16).toString("base64"),
    share: randomBytes(32).toString("base64"),
    expires: 2_000_000_000,
    ...fields,
  };
}
type Share = ReturnType<typeof makeShare>;
const asking = ({ user, job, attempt, tag }: Share) => ({ user, job, attempt, tag });
const wrong = (share: Share) => ({ ...asking(share), tag: randomBytes(16).toString("base64") });
const sharesOf = (answer: ReturnType<Escrow["ask"]>) => ("shares" in answer ? answer.shares : answer);

it("gives a share for its tag, to its agent, also after a restart", async () => {
  const share = makeShare();
  expect(await escrow.put("lobby", [share], yes)).toEqual(["stored"]);
  expect(sharesOf(escrow.ask("lobby", [asking(share)]))).toEqual([share.share]);
  reopen();
  expect(sharesOf(escrow.ask("lobby", [asking(share)]))).toEqual([share.share]);
  expect(sharesOf(escrow.ask("attic", [asking(share)]))).toEqual([null]);
  expect(sharesOf(escrow.ask("lobby", [{ ...asking(share), user: "bob" }]))).toEqual([null]);
  expect(sharesOf(escrow.ask("lobby", [{ ...asking(share), attempt: "0".repeat(16) }]))).toEqual([null]);
  expect(sharesOf(escrow.ask("lobby", [wrong(share)]))).toEqual([null]);
});

it("is insert-only: the same again is stored, anything else a conflict", async () => {
  const share = makeShare();
  const other = { ...share, share: randomBytes(32).toString("base64") };
  expect(await escrow.put("lobby", [share, share, other], yes)).toEqual(["stored", "stored", "conflict"]);
  expect(sharesOf(escrow.ask("lobby", [asking(share)]))).toEqual([share.share]);
});

it("drops all attempts for ever, and nothing of them stays in the file", async () => {
  const share = makeShare();
  const second = { ...makeShare(), user: share.user, job: share.job };
  const stays = makeShare();
  await escrow.put("lobby", [share, second, stays], yes);
  await escrow.drop("lobby", [share], 1);
  const file = readFileSync(path);
  for (const gone of [share.share, share.tag, second.share, second.tag]) {
    expect(file.includes(Buffer.from(gone, "base64"))).toBe(false);
  }
  expect(file.includes(Buffer.from(stays.share, "base64"))).toBe(true);
  expect(await escrow.put("lobby", [share, makeShare({ job: share.job })], yes)).toEqual(["ended", "ended"]);
  reopen();
  expect(await escrow.put("lobby", [share], yes)).toEqual(["ended"]);
  expect(escrow.size).toBe(1);
});

it("does not call stored what was dropped while it was being synced", async () => {
  const share = makeShare();
  const putting = escrow.put("lobby", [share], yes);
  await escrow.drop("lobby", [share], 1);
  expect(await putting).toEqual(["ended"]);
});

it("refuses what its owner says has ended, and more attempts than an honest agent makes", async () => {
  expect(await escrow.put("lobby", [makeShare()], () => false)).toEqual(["ended"]);
  const attempts = Array.from({ length: 20 }, () => makeShare({ job: "same-job-id" }));
  const results = await escrow.put("lobby", attempts, yes);
  expect(results.filter((result) => result === "stored").length).toBe(16);
});

it("expires shares, job by job", async () => {
  const [old, young] = [makeShare({ expires: 1000 }), makeShare({ expires: 3000 })];
  await escrow.put("lobby", [old, young], yes);
  await escrow.expire(2000);
  expect(sharesOf(escrow.ask("lobby", [asking(old), asking(young)]))).toEqual([null, young.share]);
  expect(readFileSync(path).includes(Buffer.from(old.share, "base64"))).toBe(false);
});

describe("wrong tags", () => {
  it("cost a try a call: five, then one per two minutes", async () => {
    const share = makeShare();
    await escrow.put("lobby", [share], yes);
    for (let i = 0; i < 5; i++)
      expect(sharesOf(escrow.ask("lobby", [wrong(share), wrong(share)]))).toEqual([null, null]);
    expect(escrow.ask("lobby", [wrong(share)])).toEqual({ retryAfter: 120 });
    nowMs += 119_000;
    expect(escrow.ask("lobby", [wrong(share)])).toEqual({ retryAfter: 1 });
    nowMs += 1000;
    expect(sharesOf(escrow.ask("lobby", [wrong(share)]))).toEqual([null]);
    expect(escrow.ask("lobby", [wrong(share)])).toHaveProperty("retryAfter");
    expect(sharesOf(escrow.ask("attic", [wrong(share)]))).toEqual([null]);
  });

  it("of one job asked together are no more than one guess: of a job asked for twice nothing is given", async () => {
    const [share, other] = [makeShare(), makeShare()];
    const again = { ...makeShare(), user: share.user, job: share.job };
    await escrow.put("lobby", [share, again, other], yes);
    const guesses = [...Array.from({ length: 198 }, () => wrong(share)), asking(share), asking(other)];
    expect(sharesOf(escrow.ask("lobby", guesses))).toEqual(Array(200).fill(null));
    expect(sharesOf(escrow.ask("lobby", [asking(share), asking(again)]))).toEqual([null, null]);
    for (let i = 0; i < 3; i++) escrow.ask("lobby", [wrong(share), asking(share)]);
    expect(escrow.ask("lobby", [wrong(share), asking(share)])).toHaveProperty("retryAfter");
  });

  it("cannot be excused for ever with shares that a thief put: 30 and the tries, then two in two minutes", async () => {
    const held = makeShare();
    const planted = Array.from({ length: 100 }, () => makeShare());
    await escrow.put("lobby", [held, ...planted], yes);
    const guess = (with_: Share) => escrow.ask("lobby", [asking(with_), wrong(held)]);
    const count = () => planted.filter((share) => "shares" in guess(share)).length;
    expect(count()).toBe(30 + 5);
    nowMs += 120_000;
    expect(count()).toBe(2);
  });

  it("cost nothing beside a right one, as in an honest entry; but not for ever", async () => {
    const [mine, theirs] = [makeShare(), makeShare()];
    await escrow.put("lobby", [mine, theirs], yes);
    let answered = 0;
    while ("shares" in escrow.ask("lobby", [asking(mine), wrong(theirs)])) answered++;
    expect(answered).toBe(3 + 5);
  });

  it("of a repeated question (its answer was lost) cost one try", async () => {
    const share = makeShare();
    await escrow.put("lobby", [share], yes);
    const question = [wrong(share)];
    for (let i = 0; i < 20; i++) expect(sharesOf(escrow.ask("lobby", question))).toEqual([null]);
    for (let i = 0; i < 4; i++) expect(sharesOf(escrow.ask("lobby", [wrong(share)]))).toEqual([null]);
    expect(escrow.ask("lobby", [wrong(share)])).toHaveProperty("retryAfter");
  });
});

it("records survive their encoding, and no bytes make it throw", () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);
  fc.assert(
    fc.property(
      name,
      name,
      fc.stringMatching(/^[A-Za-z0-9-]{8,64}$/),
      fc.nat(),
      (agent, user, job, expires) => {
        const [tag, share] = [randomBytes(16), randomBytes(32)];
        const record = { agent, user, job, attempt: "00ff00ff00ff00ff", expires, tag, share };
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 62, maxLength: 490 }), (bytes) => {
      decodeRecord(Buffer.from(bytes));
    }),
  );
});
