/**
 * HID report descriptors (HID 1.11, 6.2.2): which keys a device has, and where its reports say that one is down. Only
 * what belongs to the keyboard page (HID Usage Tables, 07h) is kept. Pure.
 */

/** One field of an input report. */
interface ReportField {
  /** 0 where the device numbers no reports. */
  readonly reportId: number;
  readonly bitOffset: number;
  readonly bitSize: number;
  readonly count: number;
  /** An array lists the usages that are down; the others have one bit for each. */
  readonly isArray: boolean;
  readonly logicalMin: number;
  /** Usages in order, as ranges. */
  readonly usages: readonly UsageRange[];
}

type UsageRange = readonly [first: number, last: number];

export interface ReportLayout {
  readonly hasIds: boolean;
  readonly fields: readonly ReportField[];
  /** Page and usage of the first collection, as in `0x00010006` for a keyboard. */
  readonly application: number;
}

const DESCRIPTOR_BYTES_MAX = 4096;
const FIELDS_MAX = 64;
const FIELD_BITS_MAX = 4096;
const KEYBOARD_PAGE = 0x07;

interface Globals {
  page: number;
  logicalMin: number;
  bitSize: number;
  count: number;
  reportId: number;
}

/** Null where it describes no key, or is none. */
export function parseReportDescriptor(bytes: Uint8Array): ReportLayout | null {
  if (bytes.length > DESCRIPTOR_BYTES_MAX) return null;
  const parser = new DescriptorParser();
  for (let at = 0; at < bytes.length; ) {
    const prefix = bytes[at] ?? 0;
    // A long item says its length in the next byte; nobody uses them.
    const size = prefix === 0xfe ? (bytes[at + 1] ?? 0) + 2 : ([0, 1, 2, 4][prefix & 3] ?? 0);
    const data = bytes.subarray(at + 1, at + 1 + size);
    if (data.length < size) return null;
    if (prefix !== 0xfe) parser.take((prefix >> 2) & 3, prefix >> 4, data);
    at += 1 + size;
  }
  return parser.layout();
}

/** Whether it can type a digit, on the number row or the keypad. */
export function hasDigits({ fields }: ReportLayout): boolean {
  return holdsAny(fields, 0x1e, 0x27) || holdsAny(fields, 0x59, 0x62);
}

/** Whether it can type a letter. Many plain keypads say so too, because they copied a keyboard's descriptor. */
export function hasLetters({ fields }: ReportLayout): boolean {
  return holdsAny(fields, 0x04, 0x1d);
}

/** The usages that a report says are down; null where the report is of another kind. */
export function usagesOfReport({ hasIds, fields }: ReportLayout, report: Uint8Array): number[] | null {
  const reportId = hasIds ? (report[0] ?? 0) : 0;
  const body = hasIds ? report.subarray(1) : report;
  const ours = fields.filter((field) => field.reportId === reportId);
  if (ours.length === 0) return null;
  const usages: number[] = [];
  for (const field of ours) {
    for (let index = 0; index < field.count; index += 1) {
      const value = readBits(body, field.bitOffset + index * field.bitSize, field.bitSize);
      if (value === null) return null;
      const usage = field.isArray
        ? usageAt(field.usages, value - field.logicalMin)
        : value === 0
          ? 0
          : usageAt(field.usages, index);
      if (usage !== 0) usages.push(usage);
    }
  }
  return usages;
}

class DescriptorParser {
  readonly #fields: ReportField[] = [];
  readonly #offsets = new Map<number, number>();
  readonly #stack: Globals[] = [];
  #globals: Globals = { page: 0, logicalMin: 0, bitSize: 0, count: 0, reportId: 0 };
  #usages: UsageRange[] = [];
  #usageMin = 0;
  #application = 0;
  #hasIds = false;

  take(type: number, tag: number, data: Uint8Array): void {
    const value = littleEndian(data);
    if (type === 0) this.#takeMain(tag, value);
    else if (type === 1) this.#takeGlobal(tag, value, data.length);
    else if (type === 2) this.#takeLocal(tag, value, data.length);
  }

  layout(): ReportLayout | null {
    if (this.#fields.length === 0) return null;
    return { hasIds: this.#hasIds, fields: this.#fields, application: this.#application };
  }

  #takeMain(tag: number, flags: number): void {
    if (tag === 0x8) this.#takeInput(flags);
    if (tag === 0xa && this.#application === 0) this.#application = this.#usages[0]?.[0] ?? 0;
    this.#usages = [];
  }

  #takeInput(flags: number): void {
    const { page, logicalMin, bitSize, count, reportId } = this.#globals;
    const bitOffset = this.#offsets.get(reportId) ?? 0;
    const bits = bitSize * count;
    if (bits > FIELD_BITS_MAX || bitSize > 32 || this.#fields.length >= FIELDS_MAX) return;
    this.#offsets.set(reportId, bitOffset + bits);
    const isConstant = (flags & 1) !== 0;
    if (isConstant || bits === 0) return;
    const usages = this.#usages
      .filter(([first]) => (first >>> 16 || page) === KEYBOARD_PAGE)
      .map(([first, last]): UsageRange => [first & 0xffff, last & 0xffff]);
    if (usages.length === 0) return;
    const isArray = (flags & 2) === 0;
    this.#fields.push({ reportId, bitOffset, bitSize, count, isArray, logicalMin, usages });
  }

  #takeGlobal(tag: number, value: number, size: number): void {
    const globals = this.#globals;
    if (tag === 0x0) globals.page = value;
    else if (tag === 0x1) globals.logicalMin = signed(value, size);
    else if (tag === 0x7) globals.bitSize = value;
    else if (tag === 0x8) {
      globals.reportId = value;
      this.#hasIds = true;
    } else if (tag === 0x9) globals.count = value;
    else if (tag === 0xa && this.#stack.length < FIELDS_MAX) this.#stack.push({ ...globals });
    else if (tag === 0xb) this.#globals = this.#stack.pop() ?? globals;
  }

  #takeLocal(tag: number, value: number, size: number): void {
    if (this.#usages.length >= FIELD_BITS_MAX) return;
    // Four bytes carry the page too; of the first collection it is wanted.
    const usage = size === 4 || this.#application !== 0 ? value : (this.#globals.page << 16) | value;
    if (tag === 0x0) this.#usages.push([usage, usage]);
    else if (tag === 0x1) this.#usageMin = usage;
    else if (tag === 0x2 && (usage & 0xffff) >= (this.#usageMin & 0xffff))
      this.#usages.push([this.#usageMin, usage]);
  }
}

function usageAt(ranges: readonly UsageRange[], index: number): number {
  let left = index;
  if (left < 0) return 0;
  for (const [first, last] of ranges) {
    if (left <= last - first) return first + left;
    left -= last - first + 1;
  }
  return 0;
}

function holdsAny(fields: readonly ReportField[], first: number, last: number): boolean {
  return fields.some(({ usages }) => usages.some((range) => range[0] <= last && range[1] >= first));
}

/** Least significant bit first; null beyond the end. */
function readBits(bytes: Uint8Array, offset: number, size: number): number | null {
  if (offset + size > bytes.length * 8) return null;
  let value = 0;
  for (let bit = 0; bit < size; bit += 1) {
    const at = offset + bit;
    if ((((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) !== 0) value += 2 ** bit;
  }
  return value;
}

function littleEndian(data: Uint8Array): number {
  return data.reduceRight((value, byte) => value * 256 + byte, 0);
}

function signed(value: number, size: number): number {
  const limit = 2 ** (size * 8 - 1);
  return size > 0 && value >= limit ? value - limit * 2 : value;
}
