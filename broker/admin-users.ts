/** `platen user` at the broker's end. */
import { formatPublicKey } from "../wire/minisign.ts";
import type { AdminHandlers } from "./admin-ops.ts";
import type { AdminOp, UserAccess } from "./admin-schema.ts";
import { pinUser } from "./authority-pins.ts";
import type { Registry } from "./registry.ts";
import type { RelayActions } from "./registry-port.ts";

type UserOps = AdminHandlers<Extract<AdminOp, `user.${string}`>>;

export function userOps(registry: Registry, relay: RelayActions): UserOps {
  const { accounts, codes } = registry;
  return {
    "user.add": async ({ name, standard }) => {
      accounts.add(name, standard);
      return giveAccess(registry, name, standard);
    },
    "user.list": () => ({
      users: accounts.list().map((row) => ({ ...row, inviteUntil: codes.pendingUntil("invite", row.name) })),
    }),
    /** The old password ends first: whoever asks for this has lost it, or knows that someone else has it. */
    "user.reset": async ({ name, standard }) => {
      codes.withdraw("invite", name);
      accounts.clearPassword(name, standard);
      relay.disconnectUser(name);
      return giveAccess(registry, name, standard);
    },
    /** The password ends first and the name last: cut short anywhere in between, it can be asked for once more. */
    "user.remove": ({ name }) => {
      accounts.clearPassword(name, false);
      codes.withdraw("invite", name);
      relay.disconnectUser(name);
      const cancelled = relay.cancelAll(name, "by-administrator");
      relay.hideStatuses(name);
      accounts.remove(name);
      return { user: name, cancelled };
    },
  };
}

async function giveAccess(registry: Registry, user: string, standard: boolean): Promise<UserAccess> {
  if (!standard) return { kind: "invite", user, ...registry.codes.issue("invite", user) };
  const password = await registry.accounts.drawPassword(user);
  pinUser(registry.database, user, registry.authority.caFingerprint);
  const fleet = formatPublicKey(registry.fleet.publicKey);
  return {
    kind: "standard",
    user,
    password,
    address: registry.address(),
    ca: registry.authority.caPem,
    fleet,
  };
}
