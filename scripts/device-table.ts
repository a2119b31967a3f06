/**
 * Writes the table of devices in `docs/devices.md` from the machine's list: `node scripts/device-table.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { PARTS } from '../src/machine/parts.ts';

const file = new URL('../docs/devices.md', import.meta.url);
const BEGIN = '<!-- devices: written by `node scripts/device-table.ts` -->';
const END = '<!-- end -->';

const HEAD = ['folder', 'address', 'source', 'machines', '`--aia`', 'device'];

/** A Markdown table of all devices, its columns padded. */
export function deviceTable(): string {
  const rows = PARTS.map((part) => [
    `\`${part.device.name}/\``,
    `0x${part.base.toString(16)}`,
    (part.sources ?? []).join(', '),
    part.only ?? 'all',
    part.aia?.join(', ') ?? 'any',
    part.device.about,
  ]);
  const widths = HEAD.map((head, column) =>
    Math.max(...[head, ...rows.map((row) => row[column])].map((cell) => cell.length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(HEAD), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join(
    '\n',
  );
}

/** The page with the table of today in the place of the one that it has. */
export function withTable(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error('docs/devices.md has no place for the table');
  return `${before}${BEGIN}\n\n${deviceTable()}\n\n${END}${after}`;
}

if (import.meta.main) writeFileSync(file, withTable(readFileSync(file, 'utf8')));
