/** Who is logged in. One session per agent; a sender may have several. */
import type { Client } from "aedes";
import type { Identity } from "./access.ts";

export interface Session {
  readonly identity: Identity;
  readonly address: string;
  /** What it subscribed to. */
  readonly filters: Set<string>;
}

export class Sessions {
  readonly #sessions = new Map<Client, Session>();
  readonly #agents = new Map<string, Client>();

  get size(): number {
    return this.#sessions.size;
  }

  get(client: Client): Session | null {
    return this.#sessions.get(client) ?? null;
  }

  isConnected(agent: string): boolean {
    const client = this.#agents.get(agent);
    return client !== undefined && !client.closed;
  }

  /** Where an agent's session comes from, or null when it has none. */
  addressOf(agent: string): string | null {
    const client = this.#agents.get(agent);
    return client && !client.closed ? (this.#sessions.get(client)?.address ?? null) : null;
  }

  add(client: Client, session: Session): void {
    this.#sessions.set(client, session);
    if (session.identity.kind === "agent") this.#agents.set(session.identity.name, client);
  }

  /** The session it was, or null when it never was one. */
  remove(client: Client): Session | null {
    const session = this.#sessions.get(client) ?? null;
    this.#sessions.delete(client);
    const { identity } = session ?? {};
    if (identity?.kind === "agent" && this.#agents.get(identity.name) === client) {
      this.#agents.delete(identity.name);
    }
    return session;
  }

  disconnectAgent(agent: string): void {
    this.#agents.get(agent)?.close();
  }

  disconnectUser(user: string): void {
    for (const [client, { identity }] of this.#sessions) {
      if (identity.kind === "user" && identity.name === user) client.close();
    }
  }
}
