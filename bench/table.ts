/**
 * Lays out rows of cells: the first column to the left, the others, which hold numbers, to the right.
 *
 * @param rows the first is the head; all have as many cells as it
 */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  const [head, ...body] = rows.map(line);
  return [head, rule, ...body].join('\n');
}

/** A ratio for people: three significant digits as far as they mean something. */
export function formatRatio(ratio: number): string {
  return ratio.toFixed(ratio < 10 ? 2 : 1);
}

/** Seconds for people. */
export function formatSeconds(seconds: number): string {
  return seconds.toFixed(2);
}
