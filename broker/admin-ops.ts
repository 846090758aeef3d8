/** Carries out what administrators ask: checks the arguments, changes the registry, then tells the relay. */
import { PlatenError } from "../wire/error.ts";
import { fleetOps } from "./admin-fleet.ts";
import { printerOps } from "./admin-printers.ts";
import { ADMIN_ARGS, type AdminOp, type AdminResults, type CheckedArgs } from "./admin-schema.ts";
import { userOps } from "./admin-users.ts";
import type { Registry } from "./registry.ts";
import type { RelayActions } from "./registry-port.ts";

export type AdminHandlers<P extends AdminOp = AdminOp> = {
  readonly [O in P]: (args: CheckedArgs<O>) => AdminResults[O] | Promise<AdminResults[O]>;
};

export function createAdminHandlers(registry: Registry, relay: RelayActions): AdminHandlers {
  return {
    ...printerOps(registry, relay),
    ...userOps(registry, relay),
    ...fleetOps(registry),
    audit: (query) => ({ entries: relay.audit(query) }),
    "jobs.cancel": ({ user, job }) => {
      if (!relay.cancel(user, job, "by-administrator")) {
        const hint = "“platen audit” shows what came and went.";
        throw new PlatenError("not-there", { what: `live job of that user and id`, hint });
      }
      return { user, job };
    },
    status: () => ({
      uptimeSeconds: registry.uptimeSeconds(),
      address: registry.address(),
      counts: relay.counts(),
      warnings: [...registry.warnings(), ...relay.warnings()],
    }),
  };
}

/** @throws PlatenError `usage` when the operation or its arguments are not of the contract, and what the operation throws */
export async function runAdminOp(handlers: AdminHandlers, op: string, args: unknown): Promise<unknown> {
  if (!isAdminOp(op))
    throw new PlatenError("usage", { what: "This broker knows no such administration command." });
  const parsed = ADMIN_ARGS[op].safeParse(args);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const what = `${op}: ${issue?.path.join(".") || "arguments"}: ${issue?.message ?? "not understood"}.`;
    throw new PlatenError("usage", { what });
  }
  const handler = handlers[op] as (args: unknown) => unknown;
  return handler(parsed.data);
}

function isAdminOp(op: string): op is AdminOp {
  return Object.hasOwn(ADMIN_ARGS, op);
}
