import type { CITIZEN, COMMON_EXTRAS, SII, STAR } from "./dialects.table.ts";
import type { EPSON } from "./epson.table.ts";
import type { Op, Values } from "./layout.ts";
import type { RealTimeSpot } from "./real-time.ts";

/** Where a command stands in the stream: its first byte, and the byte after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Found extends Span {
  /** Real-time requests that stand inside this command's data and that a printer may execute at once. */
  readonly realTime?: readonly RealTimeSpot[];
}

type CommandOf<O> =
  O extends Op<infer K, infer F>
    ? Found & { readonly kind: K } & (O["frame"] extends "none" ? unknown : Framed) & Values<F>
    : never;

interface Framed {
  /** True where the length came in four bytes (`GS 8 L`) rather than two (`GS ( L`). */
  readonly wide?: boolean;
}

type TableOp =
  | (typeof EPSON)[number]
  | (typeof STAR)[number]
  | (typeof SII)[number]
  | (typeof CITIZEN)[number]
  | (typeof COMMON_EXTRAS)[number];

/** A command from one of the tables. */
export type KnownCommand = TableOp extends infer O ? (O extends Op ? CommandOf<O> : never) : never;

/** A run of characters, at most 4096 bytes, none below 0x20. Which characters they are depends on the state. */
export interface TextCommand extends Span {
  readonly kind: "text";
  readonly bytes: Uint8Array;
}

/** A member of a framed family (`GS (` and the like) that no table describes. */
export interface FunctionCommand extends Found {
  readonly kind: "function";
  readonly family: string;
  readonly letter: number;
  readonly body: Uint8Array;
}

/** A control byte that means nothing by itself; printers drop it. */
export interface IgnoredCommand extends Span {
  readonly kind: "ignored";
  readonly bytes: Uint8Array;
}

/** Bytes that begin no known command. The decoder goes on with the byte after them. */
export interface UnknownCommand extends Span {
  readonly kind: "unknown";
  readonly bytes: Uint8Array;
}

/** A command whose data exceeds the decoder's limit: passed over, in step, with nothing of its data kept. */
export interface OversizeCommand extends Span {
  readonly kind: "oversize";
  readonly code: string;
  readonly head: Uint8Array;
  readonly declaredBytes: number;
}

/** What was left when the stream ended inside a command. */
export interface TruncatedCommand extends Span {
  readonly kind: "truncated";
  readonly bytes: Uint8Array;
}

/** One command of a decoded stream. Byte fields are views: copy what must outlive the chunk they came from. */
export type Command =
  | KnownCommand
  | TextCommand
  | FunctionCommand
  | IgnoredCommand
  | UnknownCommand
  | OversizeCommand
  | TruncatedCommand;

export type CommandKind = Command["kind"];

/** The command of one kind. */
export type CommandOfKind<K extends CommandKind> = Extract<Command, { readonly kind: K }>;
