import { expect, test } from "vitest";
import type { AdminHandlers } from "../../broker/admin-ops.ts";
import { addEnrolled, failure, openScratch, openTestRegistry } from "./registry-fixture.ts";

const scratch = openScratch();

const BAD_NAMES = [
  "",
  "Lobby",
  "-a",
  "a".repeat(33),
  "lob\0by",
  "lobby\n",
  "\x1b[2Jlobby",
  "löbby",
  "../lobby",
  "lobby/#",
  "+",
  "$claim",
];

test("an unknown printer, group, agent or user is null, whatever is asked", async () => {
  const { registry } = await openTestRegistry(scratch.folder());
  for (const name of [...BAD_NAMES, "nobody"]) {
    expect(registry.directory.target(name)).toBeNull();
    expect(registry.directory.agent(name)).toBeNull();
    expect(registry.directory.printersOf(name)).toEqual([]);
    expect(registry.directory.userExists(name)).toBe(false);
  }
});

test("a target is what its signed list says: printers, agents, digits, languages", async () => {
  const opened = await openTestRegistry(scratch.folder());
  const { directory } = opened.registry;
  await addEnrolled(opened, "lobby", ["pdf"]);
  await addEnrolled(opened, "attic", ["pdf", "text"]);
  await opened.handlers["group.add"]({ name: "all", printers: ["lobby", "attic"] });
  expect(directory.target("lobby")).toEqual({
    name: "lobby",
    printers: [{ printer: "lobby", agent: "lobby" }],
    otp: 8,
    languages: ["pdf"],
  });
  expect(directory.target("all")?.printers.map(({ printer }) => printer)).toEqual(["attic", "lobby"]);
});

test("one agent, several printers: each is offered when the agent speaks of it", async () => {
  const opened = await openTestRegistry(scratch.folder());
  const { directory } = opened.registry;
  await addEnrolled(opened, "lobby");
  const added = await opened.handlers["printer.add"]({ name: "labels", agent: "lobby" });
  expect(added).toEqual({ printer: "labels", agent: "lobby", code: null, expires: null });
  expect(directory.printersOf("lobby")).toEqual(["labels", "lobby"]);
  expect(directory.target("labels")).toBeNull();
  directory.recordHello("lobby", [{ name: "labels", languages: ["escpos"], raw: true }]);
  expect(directory.target("labels")).toMatchObject({ printers: [{ printer: "labels", agent: "lobby" }] });
});

test("an agent speaks for its own printers only, and only while it is enrolled", async () => {
  const opened = await openTestRegistry(scratch.folder());
  const { directory } = opened.registry;
  await addEnrolled(opened, "lobby", ["pdf"]);
  await addEnrolled(opened, "attic", ["text"]);
  directory.recordHello("attic", [{ name: "lobby", languages: ["evil"], raw: true }]);
  expect(directory.target("lobby")?.languages).toEqual(["pdf"]);
  await opened.handlers["printer.revoke"]({ name: "lobby" });
  directory.recordHello("lobby", [{ name: "lobby", languages: ["pdf"], raw: false }]);
  expect(directory.target("lobby")).toBeNull();
  expect(directory.agent("lobby")).toEqual({ name: "lobby", revoked: true });
});

test("printers and groups share their names; agents have theirs", async () => {
  const opened = await openTestRegistry(scratch.folder());
  const { handlers } = opened;
  await handlers["printer.add"]({ name: "lobby" });
  await handlers["group.add"]({ name: "all", printers: ["lobby"] });
  for (const again of [
    () => handlers["printer.add"]({ name: "lobby" }),
    () => handlers["printer.add"]({ name: "all" }),
    () => handlers["group.add"]({ name: "lobby", printers: ["lobby"] }),
    () => handlers["group.add"]({ name: "all", printers: ["lobby"] }),
  ]) {
    expect((await failure(again)).code).toBe("already-there");
  }
  expect(
    (await failure(() => handlers["group.add"]({ name: "more", printers: ["lobby", "cellar"] }))).code,
  ).toBe("not-there");
  expect((await failure(() => handlers["group.add"]({ name: "more", printers: ["all"] }))).code).toBe(
    "not-there",
  );
  expect((await handlers["group.list"]({})).groups).toEqual([
    { name: "all", printers: ["lobby"], offered: false, otp: null },
  ]);
  expect((await handlers["printer.list"]({})).printers.map(({ name }) => name)).toEqual(["lobby"]);
});

test("what cannot be a name is refused, and the refusal is safe to show", async () => {
  const { handlers } = await openTestRegistry(scratch.folder());
  for (const name of BAD_NAMES) await refuseName(handlers, name);
  expect((await handlers["printer.list"]({})).printers).toEqual([]);
});

async function refuseName(handlers: AdminHandlers, name: string) {
  for (const add of [
    () => handlers["printer.add"]({ name }),
    () => handlers["group.add"]({ name, printers: ["lobby"] }),
    () => handlers["user.add"]({ name, standard: false }),
  ]) {
    const error = await failure(add);
    expect(error.code, JSON.stringify(name)).toBe("bad-name");
    expect(error.message).not.toMatch(/\p{Cc}/u);
  }
  const agent = await failure(() => handlers["printer.add"]({ name: "lobby", agent: name }));
  expect(agent.code).toBe("not-there");
  expect(agent.message).not.toMatch(/\p{Cc}/u);
}
