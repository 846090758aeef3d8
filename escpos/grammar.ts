import { BIXOLON_FAMILIES, CITIZEN, COMMON_EXTRAS, SII, STAR } from "./dialects.table.ts";
import { EPSON, FAMILIES } from "./epson.table.ts";
import { type Frame, type Op, type TailField, widthOf } from "./layout.ts";

/** Which maker's commands a stream is read by. `star` is Star Line Mode and StarPRNT, the others are ESC/POS. */
export type Dialect = "epson" | "citizen" | "bixolon" | "sii" | "star";

/** A command as the decoder meets it: how to find its end, how to read its values. */
export interface Entry {
  readonly op: Op | null;
  readonly code: string;
  /** Bytes up to the tail, lead included. */
  readonly header: number;
  readonly tail: TailField | null;
  /** Width of the length of a framed family; `none` for plain commands. */
  readonly frame: Frame;
  readonly leadLength: number;
}

/** One step of the lookup: the entry if the bytes so far suffice, and where each further byte leads. */
export interface Node {
  entry: Entry | null;
  next: (Node | undefined)[] | null;
  /** Where any other byte leads: families, whose letter may be anything. */
  any: Node | null;
}

export interface Grammar {
  readonly root: Node;
  /** Functions of the framed families, by family lead byte and letter: see `functionKey`. */
  readonly functions: ReadonlyMap<number, readonly Op[]>;
  readonly families: readonly Family[];
  /** Layouts by kind, for encoding. */
  readonly byKind: ReadonlyMap<string, readonly Op[]>;
}

/** Key of a framed family's functions: `GS 8 L` shares those of `GS ( L`. */
export const functionKey = (lead: number, letter: number): number => (lead << 8) | letter;

const OPS: Readonly<Record<Dialect, readonly Op[]>> = {
  epson: [...EPSON, ...COMMON_EXTRAS],
  citizen: [...EPSON, ...COMMON_EXTRAS, ...CITIZEN],
  bixolon: [...EPSON, ...COMMON_EXTRAS],
  sii: [...EPSON, ...COMMON_EXTRAS, ...SII],
  star: STAR,
};

/** A framed family: its lead, the letter of its only member or `null` for any, the width of its length. */
interface Family {
  readonly code: string;
  readonly lead: readonly number[];
  readonly letter: number | null;
  readonly frame: Frame;
}

const FAMILIES_OF: Readonly<Record<Dialect, readonly Family[]>> = {
  epson: FAMILIES,
  citizen: FAMILIES,
  bixolon: [...FAMILIES, ...BIXOLON_FAMILIES],
  sii: FAMILIES,
  star: [],
};

const grammars = new Map<Dialect, Grammar>();

/** The grammar of a dialect, built on first use. */
export function grammarOf(dialect: Dialect): Grammar {
  let grammar = grammars.get(dialect);
  if (grammar === undefined) {
    grammar = buildGrammar(OPS[dialect], FAMILIES_OF[dialect]);
    grammars.set(dialect, grammar);
  }
  return grammar;
}

function buildGrammar(ops: readonly Op[], families: readonly Family[]): Grammar {
  const root: Node = { entry: null, next: null, any: null };
  const functions = new Map<number, Op[]>();
  const byKind = new Map<string, Op[]>();
  for (const op of ops) {
    append(byKind, op.kind, op);
    if (op.frame !== "none") append(functions, functionKey(op.lead[0] ?? 0, op.lead[2] ?? 0), op);
    else insertOp(root, op);
  }
  for (const family of families) insertFamily(root, family);
  return { root, functions, byKind, families };
}

function insertOp(root: Node, op: Op): void {
  const entry = entryOf(op);
  const node = op.lead.reduce(stepInto, root);
  if (op.when === null) node.entry = entry;
  else for (const value of op.when) stepInto(node, value).entry = entry;
}

function entryOf(op: Op): Entry {
  const last = op.fields.at(-1);
  return {
    op,
    code: op.code,
    header: op.lead.length + op.fields.reduce((sum, field) => sum + widthOf(field), 0),
    tail: last?.type === "tail" ? last : null,
    frame: "none",
    leadLength: op.lead.length,
  };
}

function insertFamily(root: Node, family: Family): void {
  const node = family.lead.reduce(stepInto, root);
  const leaf: Node =
    family.letter === null ? { entry: null, next: null, any: null } : stepInto(node, family.letter);
  if (family.letter === null) node.any = leaf;
  const width = family.frame === "u16" ? 2 : 4;
  leaf.entry = {
    op: null,
    code: family.code,
    header: family.lead.length + 1 + width,
    tail: null,
    frame: family.frame,
    leadLength: family.lead.length + 1,
  };
}

function stepInto(node: Node, byte: number): Node {
  node.next ??= new Array<Node | undefined>(256).fill(undefined);
  let child = node.next[byte];
  if (child === undefined) {
    child = { entry: null, next: null, any: null };
    node.next[byte] = child;
  }
  return child;
}

function append<K>(map: Map<K, Op[]>, key: K, op: Op): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [op]);
  else list.push(op);
}
