import { ByteWriter } from "./byte-writer.ts";
import type { Command } from "./command.ts";
import { type Dialect, grammarOf } from "./grammar.ts";
import type { Op } from "./layout.ts";
import { type Draft, writeFields } from "./values.ts";

/**
 * A command without its place in the stream: what one builds by hand.
 */
export type CommandValue = Command extends infer C
  ? C extends Command
    ? Omit<C, "start" | "end" | "realTime">
    : never
  : never;

/**
 * Turns commands back into bytes; `encodeCommands(decode(bytes))` gives back `bytes`.
 *
 * @throws {TypeError} for a value that does not fit its field, an unknown kind, and `oversize` commands, whose data
 *   the decoder did not keep
 */
export function encodeCommands(commands: Iterable<CommandValue>, dialect: Dialect = "epson"): Uint8Array {
  const out = new ByteWriter();
  for (const command of commands) writeCommand(command, dialect, out);
  return out.take();
}

/** Writes one command's bytes; see `encodeCommands`. */
function writeCommand(command: CommandValue, dialect: Dialect, out: ByteWriter): void {
  switch (command.kind) {
    case "text":
    case "ignored":
    case "unknown":
    case "truncated":
      out.append(command.bytes);
      return;
    case "function":
      writeFunction(command, dialect, out);
      return;
    case "oversize":
      throw new TypeError(
        `${command.code}: ${command.declaredBytes} bytes were passed over and cannot be written again`,
      );
    default:
      writeKnown(command.kind, command as unknown as Draft, dialect, out);
  }
}

function writeKnown(kind: string, values: Draft, dialect: Dialect, out: ByteWriter): void {
  const ops = grammarOf(dialect).byKind.get(kind);
  if (ops === undefined) throw new TypeError(`${dialect} has no command of kind ${kind}`);
  const op = chooseOp(ops, values);
  if (op.frame === "none") {
    out.write(...op.lead);
    writeFields(values, op, out);
    return;
  }
  const body = new ByteWriter();
  writeFields(values, op, body);
  const wide = values.wide === true;
  if (wide) out.write(0x1d, 0x38, op.lead[2] ?? 0);
  else out.write(...op.lead);
  writeFrame(body.take(), wide, op.code, out);
}

/** Of the layouts that share a kind, the one whose selecting byte has the value given. */
function chooseOp(ops: readonly Op[], values: Draft): Op {
  for (const op of ops) {
    const selector = op.fields[0]?.name ?? "";
    if (op.when === null || op.when.includes(values[selector] as number)) return op;
  }
  const first = ops[0] as Op;
  throw new TypeError(`${first.code}: no form of it for ${String(values[first.fields[0]?.name ?? ""])}`);
}

function writeFunction(
  command: { family: string; letter: number; body: Uint8Array },
  dialect: Dialect,
  out: ByteWriter,
): void {
  const family = grammarOf(dialect).families.find((known) => known.code === command.family);
  if (family === undefined) throw new TypeError(`${command.family}: no such family of commands`);
  out.write(...family.lead, command.letter);
  writeFrame(command.body, family.frame === "u32", command.family, out);
}

function writeFrame(body: Uint8Array, wide: boolean, code: string, out: ByteWriter): void {
  if (!wide && body.length > 0xffff) {
    throw new TypeError(`${code}: ${body.length} bytes do not fit its 16-bit length`);
  }
  for (let index = 0; index < (wide ? 4 : 2); index += 1) out.push((body.length >>> (8 * index)) & 0xff);
  out.append(body);
}
