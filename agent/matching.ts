/** Which of the matched jobs an entry releases, and in which order. Pure. */
import type { OpenedJob } from "./document.ts";

/**
 * In order of arrival; the members of a set in their own order, where its first member stands. A set of which a
 * member is missing releases none of its members.
 */
export function orderForPrint(matched: readonly OpenedJob[]): OpenedJob[] {
  const ordered = [...matched].sort((a, b) => a.job.id - b.job.id);
  const placed = new Set<string>();
  return ordered.flatMap((opened) => {
    const { set } = opened.record.manifest;
    if (set === undefined) return [opened];
    if (placed.has(set)) return [];
    placed.add(set);
    const members = ordered.filter((other) => other.record.manifest.set === set);
    return isWhole(members) ? members.sort((a, b) => sequenceOf(a) - sequenceOf(b)) : [];
  });
}

function isWhole(members: readonly OpenedJob[]): boolean {
  const of = members[0]?.record.manifest.of ?? 0;
  const there = new Set(members.map(sequenceOf));
  return Array.from({ length: of }, (_, i) => i + 1).every((seq) => there.has(seq));
}

function sequenceOf({ record }: OpenedJob): number {
  return record.manifest.seq ?? 0;
}

/** True when one entry would release documents of several people. */
export function isCollision(matched: readonly OpenedJob[]): boolean {
  return new Set(matched.map(({ job }) => job.user)).size > 1;
}
