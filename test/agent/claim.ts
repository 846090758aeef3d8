/** A whole claim code of a broker that does not exist. */
import { formatCode } from "../../wire/code.ts";
import { generateFleetKey } from "../../wire/minisign.ts";

export const CLAIM = formatCode({
  kind: "claim",
  address: "print.example.org",
  caFingerprint: new Uint8Array(32).fill(7),
  fleet: generateFleetKey(),
  id: "0123456789abcdef",
  secret: new Uint8Array(16).fill(9),
});
