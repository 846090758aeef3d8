/** Doctor's checks of who this agent is: its files, who may read them, how long its certificate lasts. */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { bad, type Diagnosis, good, note } from "../wire/diagnosis.ts";
import { isPlatenError } from "../wire/error.ts";
import { lookAtNode, type NodeFacts } from "./device-node.ts";
import { type Enrolment, readEnrolment } from "./enrolment.ts";

const DAY_MS = 86_400_000;
/** It is renewed when a third of its life is left; so near its end that has failed for months. */
const ENDING_DAYS = 30;

/** Null where this machine is not, or not usably, enrolled; then the diagnosis says so. */
export function checkEnrolment(dataDir: string): { enrolment: Enrolment | null; diagnosis: Diagnosis } {
  try {
    const enrolment = readEnrolment(dataDir);
    const what = `This is the agent “${enrolment.agent}” of ${enrolment.address}, for ${enrolment.printers.join(", ")}.`;
    return { enrolment, diagnosis: good("enrolment", what) };
  } catch (error) {
    if (isPlatenError(error)) {
      const [what = "", ...rest] = error.message.split(/(?<=\.) /);
      return { enrolment: null, diagnosis: bad("enrolment", what, rest.join(" ")) };
    }
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    const what = `The files in ${dataDir} cannot be read (${code}).`;
    return {
      enrolment: null,
      diagnosis: bad("enrolment", what, "Run the doctor as root or as the agent's own user."),
    };
  }
}

/** Nobody but the agent's user may look into its folder. */
export function checkPrivacy(folder: NodeFacts, key: NodeFacts): Diagnosis {
  for (const { path, mode } of [folder, key]) {
    if (mode !== null && (mode & 0o077) !== 0) {
      const what = `${path} can be read by others on this machine (mode ${mode.toString(8)}).`;
      return bad("privacy", what, `Close it: chmod ${path === folder.path ? "700" : "600"} ${path}`);
    }
  }
  if (folder.uid !== null && key.uid !== null && folder.uid !== key.uid) {
    const what = `${key.path} belongs to another user than its folder.`;
    return bad("privacy", what, `Give it back: chown --reference=${folder.path} ${key.path}`);
  }
  return good("privacy", `Nobody but the agent's user can look into ${folder.path}.`);
}

/** The facts of {@link checkPrivacy}. */
export function lookAtDataDir(dataDir: string): [folder: NodeFacts, key: NodeFacts] {
  return [lookAtNode(dataDir), lookAtNode(join(dataDir, "tls-key.pem"))];
}

export function checkCertificateEnd(pem: string, nowMs: number): Diagnosis {
  let end: number;
  try {
    end = new X509Certificate(pem).validToDate.getTime();
  } catch {
    const what = "The agent's certificate is damaged.";
    return bad("certificate", what, "On the broker: platen printer replace NAME; then enrol here again.");
  }
  const day = new Date(end).toISOString().slice(0, 10);
  const days = Math.floor((end - nowMs) / DAY_MS);
  if (days < 0) {
    const what = `The agent's certificate ended on ${day}: the broker lets it in no more.`;
    return bad("certificate", what, "On the broker: platen printer replace NAME; then enrol here again.");
  }
  if (days < ENDING_DAYS) {
    const what = `The agent's certificate ends on ${day}, in ${days} days, and was not renewed.`;
    const remedy =
      "Let the agent run and reach the broker; it renews by itself, at once. Look for certificate-stale in its log.";
    return bad("certificate", what, remedy);
  }
  return days < 2 * ENDING_DAYS
    ? note(
        "certificate",
        `The agent's certificate ends on ${day}.`,
        "Let the agent run: it renews by itself.",
      )
    : good("certificate", `The agent's certificate is good until ${day}; it renews by itself.`);
}
