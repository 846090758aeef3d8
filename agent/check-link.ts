/** Doctor's way to the broker, one step after the other, so that the first that fails is named: name, TCP, TLS, login. */
import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { parseAddress } from "../wire/code.ts";
import { bad, type Diagnosis, good } from "../wire/diagnosis.ts";
import { connectMqtt, sessionError } from "../wire/tls.ts";

const STEP_MS = 5000;

export interface LinkPlace {
  /** `host` or `host:port` */
  readonly address: string;
  readonly agent: string;
  /** PEM */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** False while the agent runs: a second session of it would be refused, and an alarm. */
  readonly mayLogin: boolean;
}

/** Ends with the first step that fails. */
export async function* checkLink(place: LinkPlace): AsyncGenerator<Diagnosis> {
  const target = parseAddress(place.address);
  if (target === null) {
    yield bad(
      "broker name",
      `“${place.address}” is no address.`,
      "Correct `broker` in agent.toml: host or host:port.",
    );
    return;
  }
  const { host, port } = target;
  const steps = [
    ["broker name", () => findName(host)],
    ["broker reachable", () => dial(host, port)],
    ["broker identity", () => shakeHands(host, port, place)],
    ["broker login", () => (place.mayLogin ? logIn(host, port, place) : Promise.resolve(RUNNING))],
  ] as const;
  for (const [check, step] of steps) {
    try {
      yield good(check, await step());
    } catch (cause) {
      yield explain(check, cause, place);
      return;
    }
  }
}

const RUNNING = "The agent runs here and has the session; its log tells how it goes.";

async function findName(host: string): Promise<string> {
  const { address } = await within(lookup(host));
  return host === address ? `${host} is an address.` : `${host} is ${address}.`;
}

async function dial(host: string, port: number): Promise<string> {
  const socket = connectTcp({ host, port });
  try {
    await within(once(socket, "connect"));
  } finally {
    socket.destroy();
  }
  return `Something answers at ${host}, port ${port}.`;
}

/** As an agent dials, without a byte of ours. */
async function shakeHands(host: string, port: number, { ca, cert, key }: LinkPlace): Promise<string> {
  const options = { host, port, ca, cert, key, minVersion: "TLSv1.3" } as const;
  const socket = connectTls(isIP(host) === 0 ? { ...options, servername: host } : options);
  try {
    await within(once(socket, "secureConnect"));
    const until = socket.getPeerX509Certificate()?.validToDate.toISOString().slice(0, 10);
    return `It is the broker this agent trusts; its certificate is good until ${until}.`;
  } finally {
    socket.destroy();
  }
}

async function logIn(
  host: string,
  port: number,
  { agent, ca, cert, key, address }: LinkPlace,
): Promise<string> {
  const client = connectMqtt({ host, port, ca, cert, key }, { clientId: agent, reconnectPeriod: 0 });
  try {
    await within(
      new Promise<void>((resolve, reject) => {
        client.once("connect", () => resolve());
        client.on("error", (error) => reject(sessionError(error, { address, who: agent, what: "agent" })));
        client.once("close", () => reject(Object.assign(new Error("closed"), { code: "LOGIN_CLOSED" })));
      }),
    );
  } finally {
    await client.endAsync(true).catch(() => undefined);
  }
  return `The broker lets the agent “${agent}” in.`;
}

function once(socket: ReturnType<typeof connectTcp>, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once("error", reject);
  });
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error("late"), { code: "ETIMEDOUT" })), STEP_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const CLOCK = "Look at this machine's clock: timedatectl. A certificate is judged by it.";
const REPLACED =
  "If the broker was rebuilt: platen printer replace NAME there, and enrol again. If not, find out who answers at that address.";

/** By system code; the last for whatever else. */
const WORDS: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ENOTFOUND: [
    "Nobody knows the name {host}.",
    "Correct the name or the DNS server, or put an IP address into `broker` in agent.toml.",
  ],
  EAI_AGAIN: [
    "The name server does not answer.",
    "Look at the network cable and the DNS server: resolvectl status.",
  ],
  ECONNREFUSED: [
    "The machine {host} answers, but nothing listens on port {port}.",
    "Start the broker there: systemctl start platen-broker; and look at listen.port in broker.toml.",
  ],
  ECONNRESET: ["{host} hangs up.", "Look at the broker's log: it may refuse this address (limits.*)."],
  ETIMEDOUT: [
    "{host} does not answer on port {port}.",
    "Is it on? A firewall in between must let TCP port {port} through.",
  ],
  EHOSTUNREACH: ["There is no way to {host}.", "Look at the network cable and the gateway: ip route."],
  ENETUNREACH: ["This machine has no network.", "Look at the network cable: ip address."],
  CERT_NOT_YET_VALID: ["The broker's certificate is not valid yet.", CLOCK],
  CERT_HAS_EXPIRED: [
    "The broker's certificate has ended.",
    `Let the broker run: it renews by itself. ${CLOCK}`,
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "The broker's certificate is not for the name {host}.",
    "Add {host} to tls.names in broker.toml, or use the name the claim code had.",
  ],
  LOGIN_CLOSED: [
    "The broker hung up at the login.",
    "Look at its log. It does so when a session of this agent lives already.",
  ],
};

function explain(check: string, cause: unknown, { address, agent }: LinkPlace): Diagnosis {
  const { host = address, port = 0 } = parseAddress(address) ?? {};
  const fill = (text: string) => text.replaceAll("{host}", host).replaceAll("{port}", String(port));
  const code = codeOf(cause);
  const row = WORDS[code];
  if (row !== undefined) return bad(check, fill(row[0]), fill(row[1]));
  if (code === "login-refused") {
    const what = `The broker does not let the agent “${agent}” in: it was revoked, or never enrolled there.`;
    return bad(
      check,
      what,
      "On the broker: platen printer list; and to let it in again, platen printer replace NAME.",
    );
  }
  if (check === "broker identity") {
    return bad(check, `What answers at ${address} is not the broker this agent trusts (${code}).`, REPLACED);
  }
  return bad(
    check,
    `The broker at ${address} cannot be reached (${code}).`,
    "Look at the network, and at the broker's log.",
  );
}

/** The first code of an error and what caused it; Node tries several addresses and joins their errors. */
function codeOf(cause: unknown): string {
  for (let at: unknown = cause, depth = 0; at instanceof Error && depth < 4; depth++) {
    const code = "code" in at ? String(at.code) : "";
    if (code in WORDS || code === "login-refused") return code;
    const inner = at instanceof AggregateError ? at.errors[0] : at.cause;
    if (inner === undefined) return code || at.message;
    at = inner;
  }
  return String(cause);
}
