/**
 * What is known of a printer from the status bytes it has sent; `null` where nothing was said yet.
 */
export interface PrinterStatus {
  readonly online: boolean | null;
  readonly cover: "open" | "closed" | null;
  readonly paper: "ok" | "near-end" | "end" | null;
  /** Level of the drawer connector's pin 3; which level means open depends on the drawer. */
  readonly drawerPin: "high" | "low" | null;
  readonly feeding: boolean | null;
  readonly error: PrinterError | null;
  /** The printer waits to be told to go on (online recovery). */
  readonly waiting: boolean | null;
  /** `off` between XOFF and XON: its buffer is full. */
  readonly flow: "on" | "off";
}

/** `none`, or the gravest that was reported. */
export type PrinterError = "none" | "recoverable" | "autocutter" | "auto-recoverable" | "unrecoverable";

/** One message of a printer. */
export type StatusEvent =
  | { readonly kind: "flow"; readonly on: boolean }
  /** An answer to `DLE EOT n`; `n` is `null` for one that nobody asked for. */
  | { readonly kind: "real-time"; readonly n: number | null; readonly byte: number }
  | { readonly kind: "automatic"; readonly bytes: readonly [number, number, number, number] }
  /** An answer to `GS r n` or a one-byte `GS I n`. */
  | {
      readonly kind: "answer";
      readonly to: "status" | "id" | null;
      readonly n: number | null;
      readonly byte: number;
    }
  /** `GS I` texts: maker, model, serial number... */
  | { readonly kind: "information"; readonly n: number | null; readonly text: string }
  /** The echo of `GS ( H`: everything sent before it was processed. */
  | { readonly kind: "response"; readonly id: string }
  /** A power-off notice (`DLE DC4 2`). */
  | { readonly kind: "power-off" }
  | { readonly kind: "block"; readonly header: number; readonly bytes: Uint8Array }
  | { readonly kind: "unknown"; readonly byte: number };

/** What an answer will be to. */
export interface StatusRequest {
  readonly kind: "real-time" | "status" | "id";
  readonly n: number;
}

const XON = 0x11;
const XOFF = 0x13;
const HEADERS: ReadonlySet<number> = new Set([0x35, 0x37, 0x39, 0x3b, 0x3d, 0x53, 0x5f]);
const MAX_BLOCK_BYTES = 1024;

const NOTHING_KNOWN: PrinterStatus = {
  online: null,
  cover: null,
  paper: null,
  drawerPin: null,
  feeding: null,
  error: null,
  waiting: null,
  flow: "on",
};

/**
 * Reads a printer's back-channel: status bytes are told apart by their fixed bits (`0xx1xx10` DLE EOT, `0xx1xx00` and
 * three `0xx0xxxx` automatic status), blocks by their header, and XON and XOFF may stand anywhere. Chunks may be cut
 * anywhere. What an answer means depends on the question: say what was asked with `expect`.
 */
export class StatusReader {
  #state = NOTHING_KNOWN;
  #automatic: number[] = [];
  #block: number[] = [];
  #expected: StatusRequest[] = [];

  /** The state after everything read so far. */
  get state(): PrinterStatus {
    return this.#state;
  }

  /** Says that a request was sent; answers are matched in the order of their kind. */
  expect(request: StatusRequest): void {
    if (this.#expected.length >= 64) this.#expected.shift();
    this.#expected.push(request);
  }

  /** Gives up waiting for answers, after a timeout or a reset. */
  forget(): void {
    this.#expected = [];
    this.#automatic = [];
    this.#block = [];
  }

  /** Reads the next bytes; returns the messages that are complete. */
  push(chunk: Uint8Array): StatusEvent[] {
    const events: StatusEvent[] = [];
    for (const byte of chunk) {
      const event = this.#read(byte);
      if (event !== null) {
        this.#state = applyEvent(this.#state, event);
        events.push(event);
      }
    }
    return events;
  }

  #read(byte: number): StatusEvent | null {
    if (byte === XON || byte === XOFF) return { kind: "flow", on: byte === XON };
    if (this.#block.length > 0) return this.#readBlock(byte);
    if ((byte & 0x93) === 0x12) return { kind: "real-time", n: this.#answers("real-time"), byte };
    if ((byte & 0x93) === 0x10) {
      this.#automatic = [byte];
      return null;
    }
    if (HEADERS.has(byte)) {
      this.#block = [byte];
      return null;
    }
    if ((byte & 0x90) === 0x00) return this.#readPlain(byte);
    return { kind: "unknown", byte };
  }

  #readPlain(byte: number): StatusEvent | null {
    if (this.#automatic.length > 0) {
      this.#automatic.push(byte);
      const [first = 0, second = 0, third = 0, fourth] = this.#automatic;
      if (fourth === undefined) return null;
      this.#automatic = [];
      return { kind: "automatic", bytes: [first, second, third, fourth] };
    }
    const request = this.#expected.find(({ kind, n }) => kind === "status" || (kind === "id" && n < 4));
    if (request === undefined) return { kind: "answer", to: null, n: null, byte };
    this.#expected = this.#expected.filter((other) => other !== request);
    return { kind: "answer", to: request.kind === "id" ? "id" : "status", n: request.n, byte };
  }

  #readBlock(byte: number): StatusEvent | null {
    if (byte !== 0 && this.#block.length < MAX_BLOCK_BYTES) {
      this.#block.push(byte);
      return null;
    }
    const [header = 0, ...body] = this.#block;
    this.#block = [];
    const text = String.fromCharCode(...body);
    if (header === 0x5f) return { kind: "information", n: this.#answers("id"), text };
    if (header === 0x37 && body[0] === 0x22) return { kind: "response", id: text.slice(1) };
    if (header === 0x3b && body[0] === 0x30) return { kind: "power-off" };
    return { kind: "block", header, bytes: Uint8Array.from(body) };
  }

  #answers(kind: StatusRequest["kind"]): number | null {
    const index = this.#expected.findIndex((request) => request.kind === kind);
    if (index < 0) return null;
    const [request] = this.#expected.splice(index, 1);
    return request?.n ?? null;
  }
}

function applyEvent(state: PrinterStatus, event: StatusEvent): PrinterStatus {
  switch (event.kind) {
    case "flow":
      return { ...state, flow: event.on ? "on" : "off" };
    case "real-time":
      return event.n === null ? state : { ...state, ...readRealTime(event.n, event.byte) };
    case "automatic":
      return { ...state, ...readAutomatic(event.bytes) };
    case "answer":
      return event.to === "status" ? { ...state, ...readAnswer(event.n ?? 0, event.byte) } : state;
    case "power-off":
      return { ...state, online: false };
    default:
      return state;
  }
}

const paperOf = (nearEnd: number, end: number): PrinterStatus["paper"] =>
  end !== 0 ? "end" : nearEnd !== 0 ? "near-end" : "ok";

/** `DLE EOT` 1 printer, 2 cause of being offline, 3 cause of an error, 4 paper sensors. */
function readRealTime(n: number, byte: number): Partial<PrinterStatus> {
  switch (n) {
    case 1:
      return {
        drawerPin: (byte & 0x04) !== 0 ? "high" : "low",
        online: (byte & 0x08) === 0,
        waiting: (byte & 0x20) !== 0,
      };
    case 2:
      return {
        cover: (byte & 0x04) !== 0 ? "open" : "closed",
        feeding: (byte & 0x08) !== 0,
        ...((byte & 0x20) !== 0 ? { paper: "end" } : {}),
        ...((byte & 0x40) === 0 ? { error: "none" } : {}),
      };
    case 3:
      return { error: errorOf(byte) };
    case 4:
      return { paper: paperOf(byte & 0x0c, byte & 0x60) };
    default:
      return {};
  }
}

function errorOf(byte: number): PrinterError {
  if ((byte & 0x20) !== 0) return "unrecoverable";
  if ((byte & 0x08) !== 0) return "autocutter";
  if ((byte & 0x04) !== 0) return "recoverable";
  return (byte & 0x40) !== 0 ? "auto-recoverable" : "none";
}

function readAutomatic(bytes: readonly [number, number, number, number]): Partial<PrinterStatus> {
  const [first, second, third] = bytes;
  return {
    drawerPin: (first & 0x04) !== 0 ? "high" : "low",
    online: (first & 0x08) === 0,
    cover: (first & 0x20) !== 0 ? "open" : "closed",
    feeding: (first & 0x40) !== 0,
    waiting: (second & 0x01) !== 0,
    error: errorOf(second),
    paper: paperOf(third & 0x03, third & 0x0c),
  };
}

/** `GS r` 1 paper sensors, 2 drawer. */
function readAnswer(n: number, byte: number): Partial<PrinterStatus> {
  if (n === 1 || n === 49) return { paper: paperOf(byte & 0x03, byte & 0x0c) };
  if (n === 2 || n === 50) return { drawerPin: (byte & 0x01) !== 0 ? "high" : "low" };
  return {};
}
