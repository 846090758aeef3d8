/** What the doctor looks at where a broker keeps its data. Changes nothing. */
import { X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { parseAddress } from "../wire/code.ts";
import { bad, type Diagnosis, good, note } from "../wire/diagnosis.ts";
import { isPlatenError } from "../wire/error.ts";
import { callAdmin } from "./admin-client.ts";
import type { AdminResults } from "./admin-schema.ts";
import { type BrokerConfig, publicAddress } from "./config.ts";

const DAY_MS = 86_400_000;
const ENDING_DAYS = 21;

type Status = AdminResults["status"];

/** One diagnosis after the other, as each is known. */
export async function* examineBroker(config: BrokerConfig): AsyncGenerator<Diagnosis> {
  const status = await askStatus(config.dataDir);
  if ("verdict" in status) {
    yield status;
    const end = checkServerCertificate(config, Date.now());
    if (end !== null) yield end;
  } else yield* judgeStatus(status);
  yield await checkAddress("verdict" in status ? publicAddress(config) : status.address);
  yield checkFleetKey(config);
}

/** The running broker's own word, or why there is none. */
async function askStatus(dataDir: string): Promise<Status | Diagnosis> {
  try {
    return await callAdmin(dataDir, "status", {});
  } catch (error) {
    if (!isPlatenError(error)) throw error;
    const cause = error.cause as NodeJS.ErrnoException | undefined;
    if (cause?.code === "EACCES") {
      const what = `This user may not talk to the broker in ${dataDir}.`;
      return bad(
        "broker",
        what,
        "Run the doctor as root or as the broker's user: sudo -u platen-broker platen doctor",
      );
    }
    const what = `No broker runs with the data directory ${dataDir}.`;
    return bad(
      "broker",
      what,
      "Start it: systemctl start platen-broker; its log says why it does not: journalctl -u platen-broker",
    );
  }
}

/** The broker's own warnings are what to do already. Pure. */
export function* judgeStatus({ address, uptimeSeconds, warnings }: Status): Generator<Diagnosis> {
  const minutes = Math.floor(uptimeSeconds / 60);
  const since = minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
  yield good("broker", `It has been running for ${since} and is known as ${address}.`);
  for (const { kind, subject, sentence } of warnings) {
    const [what = sentence, ...remedy] = sentence.split(/(?<=\.) /);
    const found = kind.endsWith("-failed") || kind === "authority-changed" ? bad : note;
    yield found(`${kind.replaceAll("-", " ")} (${subject})`, what, remedy.join(" ") || "See platen status.");
  }
}

/** What senders and agents dial must at least be known here. */
export async function checkAddress(address: string, find = lookup): Promise<Diagnosis> {
  const host = parseAddress(address)?.host ?? address;
  try {
    const { address: ip } = await find(host);
    if (/^127\.|^::1$/.test(ip)) {
      const what = `Codes name the broker ${address}, which is this machine only (${ip}).`;
      return note(
        "address",
        what,
        "Set address in broker.toml to a name or an address that others can reach.",
      );
    }
    return good("address", `Codes name the broker ${address} (${ip}).`);
  } catch {
    const what = `Codes name the broker ${address}, and nobody knows that name here.`;
    return bad("address", what, "Set address in broker.toml to a name in the DNS, or to an IP address.");
  }
}

/** Who takes the broker's disk also takes the key that vouches for printers. */
export function checkFleetKey({ dataDir, fleet }: BrokerConfig): Diagnosis {
  const file = fleet.key ?? join(dataDir, "fleet", "fleet.key");
  if (!existsSync(file)) return good("fleet key", "Its secret half is kept elsewhere.");
  const isInside = resolve(file).startsWith(resolve(dataDir) + sep);
  const place = isInside ? "beside the broker" : "on the broker's machine";
  const what = `The fleet key lies ${place} (${file}): whoever takes over this machine can vouch for a printer of their own.`;
  return note(
    "fleet key",
    what,
    "To have it elsewhere: platen fleet init; then sign with platen fleet sign on that machine.",
  );
}

/** Where the broker does not run to say so itself; null where there is no certificate yet. */
export function checkServerCertificate({ dataDir, tls }: BrokerConfig, nowMs: number): Diagnosis | null {
  const file = tls.cert ?? join(dataDir, "ca", "server.pem");
  let end: number;
  try {
    const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(readFileSync(file, "utf8"));
    if (pem === null)
      return bad(
        "certificate",
        `${file} holds no certificate.`,
        "Put it back from a backup, or remove tls.cert.",
      );
    end = new X509Certificate(pem[0]).validToDate.getTime();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT" && tls.cert === undefined) return null;
    return bad(
      "certificate",
      `${file} cannot be read.`,
      "Run the doctor as the broker's user, or put the file back from a backup.",
    );
  }
  const day = new Date(end).toISOString().slice(0, 10);
  const remedy =
    tls.cert === undefined
      ? "Start the broker: it renews its certificate by itself."
      : "Put a fresh certificate there; the broker takes it up within the hour.";
  if (end < nowMs) return bad("certificate", `The broker's certificate ended on ${day}.`, remedy);
  if (end < nowMs + ENDING_DAYS * DAY_MS)
    return note("certificate", `The broker's certificate ends on ${day}.`, remedy);
  return good("certificate", `The broker's certificate is good until ${day}.`);
}
