/**
 * What lies where on the card: an MBR, because the start-up code in the older Pis' chips reads no other table. Two
 * equal slots for the root, of which B waits for updates; the data comes last, so that it can grow.
 */

export const SECTOR_BYTES = 512;
const MIB_SECTORS = (1024 * 1024) / SECTOR_BYTES;

/** MBR disk id ("plt" and 1): every image has it, so that a command line can name the root by it. */
export const DISK_ID = 0x706c7401;

export const PARTITIONS = ["boot", "root-a", "root-b", "data"] as const;
export type PartitionName = (typeof PARTITIONS)[number];

/** MBR types: FAT32 with LBA, Linux. */
const TYPES: Readonly<Record<PartitionName, string>> = {
  boot: "c",
  "root-a": "83",
  "root-b": "83",
  data: "83",
};
const SIZES_MIB: Readonly<Record<PartitionName, number>> = {
  // Two slots' kernels, a few MB of firmware, and a set-up file.
  boot: 128,
  "root-a": 128,
  "root-b": 128,
  // Grown to what the card has at the first start (root/usr/lib/platen/grow).
  data: 32,
};
/** Cards erase in blocks of up to 4 MiB: no partition shares one with its neighbour. */
const ALIGN_MIB = 4;

export interface Extent {
  readonly name: PartitionName;
  /** From 1, as Linux counts. */
  readonly number: number;
  readonly startMib: number;
  readonly sizeMib: number;
}

export function planPartitions(): Extent[] {
  let startMib = ALIGN_MIB;
  return PARTITIONS.map((name, index) => {
    const extent = { name, number: index + 1, startMib, sizeMib: SIZES_MIB[name] };
    startMib += extent.sizeMib;
    return extent;
  });
}

export function extentOf(name: PartitionName): Extent {
  const extent = planPartitions().find((one) => one.name === name);
  if (extent === undefined) throw new TypeError(`no partition ${name}`);
  return extent;
}

/** Without the room that the data takes at the first start. */
export function imageMib(): number {
  const { startMib, sizeMib } = extentOf("data");
  return startMib + sizeMib;
}

/** What sfdisk(8) reads. */
export function formatTable(): string {
  const lines = planPartitions().map(
    ({ name, startMib, sizeMib }) =>
      `start=${startMib * MIB_SECTORS}, size=${sizeMib * MIB_SECTORS}, type=${TYPES[name]}${name === "boot" ? ", bootable" : ""}`,
  );
  return ["label: dos", `label-id: 0x${DISK_ID.toString(16)}`, "unit: sectors", "", ...lines, ""].join("\n");
}

/** What a kernel's command line calls a partition. */
export function partUuid(name: PartitionName): string {
  return `${DISK_ID.toString(16).padStart(8, "0")}-${String(extentOf(name).number).padStart(2, "0")}`;
}
