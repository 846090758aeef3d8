/** Rows for people: columns where they fit, one record under the other where the terminal is too narrow. */

const GAP = 2;

/** Columns a text takes on a terminal; close enough for names and sentences. */
export function textWidth(text: string): number {
  return [...text.normalize("NFC")].length;
}

/**
 * Lays out `rows` under `heads`, without trailing spaces. `width` is the terminal's, or Infinity where there is none.
 * An empty cell stands as `-`, so that columns can be told apart by eye and by `awk`.
 */
export function layoutTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const cells = rows.map((row) => heads.map((_, i) => row[i] || "-"));
  const widths = heads.map((head, i) =>
    Math.max(...[head, ...cells.map((row) => row[i] ?? "")].map(textWidth)),
  );
  const total = widths.reduce((sum, w) => sum + w + GAP, -GAP);
  if (total > width) return layoutRecords(heads, cells);
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell + " ".repeat((widths[i] ?? 0) + GAP - textWidth(cell)))
      .join("")
      .trimEnd();
  return [heads.map((head) => head.toUpperCase()), ...cells].map(line).join("\n");
}

function layoutRecords(heads: readonly string[], cells: readonly (readonly string[])[]): string {
  const label = Math.max(...heads.map(textWidth));
  return cells
    .map((row) => heads.map((head, i) => `${head.padEnd(label)}  ${row[i]}`).join("\n"))
    .join("\n\n");
}
