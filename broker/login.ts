/** Decides on a CONNECT: an agent by its certificate, a sender by password, a first contact by its code's secret. */
import type { TLSSocket } from "node:tls";
import type { ConnectPacket } from "aedes";
import type { Identity } from "./access.ts";
import { type Login, type LoginFault, readLogin } from "./guard-connect.ts";
import type { Accounts, AgentCertificates, Codes, Directory } from "./registry-port.ts";

export interface Gatekeepers {
  readonly directory: Directory;
  readonly accounts: Accounts;
  readonly codes: Codes;
  readonly agentCertificates: AgentCertificates;
}

/** A verified certificate's names, or why it is none. */
interface Certified {
  readonly agent: string;
  readonly serial: string;
}

function readCertificate(socket: TLSSocket): Certified | null | "not-authorized" {
  const certificate = socket.getPeerCertificate();
  // Without one Node gives an empty object.
  if (!certificate || Object.keys(certificate).length === 0) return null;
  const name = certificate.subject?.CN;
  if (!socket.authorized || typeof name !== "string") return "not-authorized";
  return { agent: name, serial: certificate.serialNumber };
}

/** What the peer says it is; a certificate that is not good (any more) is refused here. */
export function readPeer(
  socket: TLSSocket,
  packet: ConnectPacket,
  { directory, agentCertificates }: Gatekeepers,
): Login | LoginFault {
  const certified = readCertificate(socket);
  if (certified === "not-authorized") return certified;
  if (certified) {
    const known = directory.agent(certified.agent);
    if (!known || known.revoked || !agentCertificates.accepts(certified.agent, certified.serial)) {
      return "not-authorized";
    }
  }
  return readLogin(packet, certified?.agent ?? null);
}

/** Proves a login. `unavailable`: throttled; it says nothing about the password. */
export async function proveLogin(
  login: Login,
  address: string,
  { accounts, codes }: Gatekeepers,
): Promise<Identity | LoginFault | "unavailable"> {
  switch (login.kind) {
    case "agent":
      return { kind: "agent", name: login.name };
    case "first-contact":
      return codes.verify(login.code, login.id, login.secret)
        ? { kind: "first-contact", code: login.code, id: login.id }
        : "credentials";
    case "user": {
      const verdict = await accounts.verify(login.name, login.password, address);
      if (verdict === "ok") return { kind: "user", name: login.name };
      return verdict === "throttled" ? "unavailable" : "credentials";
    }
  }
}
