/** `platen fleet` at the broker's end. */
import { formatPublicKey } from "../wire/minisign.ts";
import type { AdminHandlers } from "./admin-ops.ts";
import type { AdminOp } from "./admin-schema.ts";
import { readBundle } from "./fleet-bundle.ts";
import type { Registry } from "./registry.ts";

export function fleetOps({ fleet, lists }: Registry): AdminHandlers<Extract<AdminOp, `fleet.${string}`>> {
  return {
    "fleet.status": () => ({
      publicKey: formatPublicKey(fleet.publicKey),
      secret: fleet.secret ? "here" : "elsewhere",
      lists: lists.status(),
      pending: readBundle(lists.export()),
    }),
    "fleet.sign": () => ({ signed: lists.sign() }),
    "fleet.export": () => ({ bundle: lists.export() }),
    "fleet.import": ({ bundle }) => ({ signed: lists.import(bundle) }),
  };
}
