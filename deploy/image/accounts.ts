/**
 * Users and groups of the image: Debian's fixed ones and those that packages declare (sysusers.d(5)), numbered the same
 * in every build. Nobody has a password.
 */

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
}

interface Accounts {
  readonly users: readonly User[];
  /** Name, number and members. */
  readonly groups: ReadonlyMap<string, { readonly gid: number; readonly members: readonly string[] }>;
}

/** Where numbers that nobody fixed begin, downwards (Debian policy, 9.2.2). */
const LAST_SYSTEM_ID = 999;

/**
 * @param masters `passwd.master` and `group.master` of Debian's base-passwd
 * @param declarations contents of sysusers.d files, in the order systemd reads them
 */
export function planAccounts(
  masters: { readonly passwd: string; readonly group: string },
  declarations: readonly string[],
): Accounts {
  const users = new Map(parsePasswd(masters.passwd).map((user) => [user.name, user]));
  const groups = new Map(
    rows(masters.group).map(([name = "", , gid]) => [name, { gid: Number(gid), members: [] as string[] }]),
  );
  const lines = declarations.flatMap((text) => text.split("\n")).map(parseDeclaration);
  const taken = new Set([
    ...[...users.values()].map(({ uid }) => uid),
    ...[...groups.values()].map(({ gid }) => gid),
  ]);
  for (const line of lines) for (const id of line?.ids ?? []) taken.add(id);
  const draw = () => {
    let id = LAST_SYSTEM_ID;
    while (taken.has(id)) id -= 1;
    taken.add(id);
    return id;
  };
  const group = (name: string, gid?: number) => {
    const known = groups.get(name);
    if (known) return known.gid;
    const made = { gid: gid ?? draw(), members: [] };
    groups.set(name, made);
    return made.gid;
  };
  for (const line of lines) {
    if (line === null) continue;
    const [id, groupId] = line.ids;
    if (line.kind === "g") group(line.name, id);
    if (line.kind === "u" && !users.has(line.name)) {
      const gid = group(line.name, groupId ?? id);
      const { name, comment, home, shell } = line;
      users.set(name, { name, uid: id ?? gid, gid, comment, home, shell });
    }
    if (line.kind === "m") groups.get(line.group)?.members.push(line.name);
  }
  return { users: [...users.values()], groups };
}

/** The contents of /etc/passwd, group, shadow and gshadow. */
export function formatAccounts({ users, groups }: Accounts): Readonly<Record<string, string>> {
  const table = (lines: readonly (readonly (string | number)[])[]) =>
    lines.map((line) => `${line.join(":")}\n`).join("");
  const named = [...groups];
  return {
    passwd: table(users.map((one) => [one.name, "x", one.uid, one.gid, one.comment, one.home, one.shell])),
    group: table(named.map(([name, { gid, members }]) => [name, "x", gid, members.join(",")])),
    // `!*`: no password opens it, and it is no empty one either.
    shadow: table(users.map(({ name }) => [name, "!*", 1, "", "", "", "", "", ""])),
    gshadow: table(named.map(([name, { members }]) => [name, "!*", "", members.join(",")])),
  };
}

function parsePasswd(text: string): User[] {
  return rows(text).map(([name = "", , uid, gid, comment = "", home = "/", shell = ""]) => ({
    name,
    uid: Number(uid),
    gid: Number(gid),
    comment,
    home,
    shell,
  }));
}

function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
}

interface Declaration {
  readonly kind: "u" | "g" | "m";
  readonly name: string;
  readonly group: string;
  readonly ids: readonly number[];
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
}

/** Null for a comment, and for what says nothing of a user or a group. */
function parseDeclaration(line: string): Declaration | null {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
  const [kind = "", name = "", id = "-", comment = "", home = "-", shell = "-"] = words;
  const [letter] = kind;
  if (letter !== "u" && letter !== "g" && letter !== "m") return null;
  return {
    kind: letter,
    name,
    group: id,
    ids: /^\d+(?::\d+)?$/.test(id) ? id.split(":").map(Number) : [],
    comment: comment === "-" ? "" : comment,
    home: home === "-" ? "/" : home,
    shell: shell === "-" ? "/usr/sbin/nologin" : shell,
  };
}
