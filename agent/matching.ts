/** Which of the matched jobs an entry releases, and in which order. Pure. */
import type { OpenedJob } from "./document.ts";
import type { Job } from "./job.ts";

/** It prints, or waits for its printer. */
export function isUnderWay({ state }: Job): boolean {
  return state === "releasing" || state === "printing";
}

/**
 * What an entry may release: first what did not come out yet, or not whole. What was delivered prints once more only
 * when it alone is left: nobody who types for the rest of a set asked for it.
 */
export function chooseOwed(matched: readonly OpenedJob[]): readonly OpenedJob[] {
  if (matched.every(({ job }) => job.state === "delivered")) return matched;
  return matched.filter(({ job }) => job.state === "held" || job.state === "interrupted");
}

/**
 * In order of arrival; the members of a set in their own order, where its first member stands. A set of which a
 * member is missing releases none of its members, unless it was whole before: then the missing ones came out.
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
    return wasWhole(members) || isWhole(members) ? members.sort((a, b) => sequenceOf(a) - sequenceOf(b)) : [];
  });
}

/** A printer was given to one of them, which never happened before all were there. */
function wasWhole(members: readonly OpenedJob[]): boolean {
  return members.some(({ job }) => job.printer !== null);
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
