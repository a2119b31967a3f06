/**
 * Writes the table of extensions in `docs/cpu.md` from the list of the harts: `node scripts/extension-table.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { EXTENSION_NAMES, EXTENSIONS } from '../src/isa/extensions.ts';

const file = new URL('../docs/cpu.md', import.meta.url);
const BEGIN = '<!-- extensions: written by `node scripts/extension-table.ts` -->';
const END = '<!-- end -->';

const HEAD = ['extension', 'meaning', 'needs', 'profiles since', 'for'];

/** A Markdown table of all extensions, its columns padded. */
function extensionTable(): string {
  const rows = EXTENSION_NAMES.map((name) => {
    const { brings, needs = [], since = '', xlen, only, fixed, onDemand } = EXTENSIONS[name];
    const harts = [
      xlen && `RV${xlen}`,
      only && `${only} machines`,
      fixed && (needs.length > 0 ? 'with its needs' : 'always there'),
      onDemand && 'on demand',
    ];
    return [`\`${name}\``, brings, needs.join(', '), since, harts.filter(Boolean).join(', ')];
  });
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
export function withExtensions(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error('docs/cpu.md has no place for the table');
  return `${before}${BEGIN}\n\n${extensionTable()}\n\n${END}${after}`;
}

if (import.meta.main) writeFileSync(file, withExtensions(readFileSync(file, 'utf8')));
