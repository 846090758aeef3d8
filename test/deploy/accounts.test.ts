import { describe, expect, it } from "vitest";
import { formatAccounts, planAccounts } from "../../deploy/image/accounts.ts";

const MASTERS = {
  passwd: "root:*:0:0:root:/root:/bin/bash\ndaemon:*:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n",
  group: "root:*:0:\ndaemon:*:1:\nlp:*:7:\n",
};
const DECLARED = [
  "# a comment\ng input 104\ng kvm -\nr - 100-499\n",
  'u! systemd-network 998:998 "systemd Network Management"\nu root 0:0 "Super User" /root /bin/sh\n',
  'u platen - "Platen agent" /var/lib/platen/agent\nm platen lp\n',
];
const accounts = planAccounts(MASTERS, DECLARED);
const files = formatAccounts(accounts);

describe("accounts", () => {
  it("keeps Debian's own, and its fixed numbers", () => {
    expect(files.passwd).toMatch(/^root:x:0:0:root:\/root:\/bin\/bash$/m);
    expect(files.passwd).toMatch(
      /^systemd-network:x:998:998:systemd Network Management:\/:\/usr\/sbin\/nologin$/m,
    );
    expect(files.group).toMatch(/^input:x:104:$/m);
  });

  it("draws numbers that nobody has, for user and group the same, and joins the groups", () => {
    expect(files.passwd).toMatch(
      /^platen:x:997:997:Platen agent:\/var\/lib\/platen\/agent:\/usr\/sbin\/nologin$/m,
    );
    expect(files.group).toMatch(/^kvm:x:999:$/m);
    expect(files.group).toMatch(/^lp:x:7:platen$/m);
    const ids = accounts.users.map(({ uid }) => uid);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("gives nobody a password", () => {
    const rows = (files.shadow ?? "").trim().split("\n");
    expect(rows.map((row) => row.split(":")[0])).toEqual(accounts.users.map(({ name }) => name));
    for (const row of rows) expect(row.split(":")[1]).toBe("!*");
    for (const row of (files.passwd ?? "").trim().split("\n")) expect(row.split(":")[1]).toBe("x");
  });
});
