/**
 * Draws the README's pictures of terminals, from what the commands print now:
 * `node scripts/pictures.ts [boot|explain...]`. They go to `docs/pictures/`. The boot needs Debian's packages, as
 * `npm start` does.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const directory = join(root, 'docs', 'pictures');

const LINE = 18;
const CHARACTER = 8.43;
const MARGIN = 16;
const BAR = 34;
const COLOURS = {
  background: '#161b22',
  bar: '#21262d',
  text: '#d0d7de',
  command: '#7ee787',
  note: '#ffa657',
};

/** Run in the guest of the first picture. */
const COMMANDS = "uname -sm; nproc; grep -E 'CPU0|riscv-timer|IPI[01]' /proc/interrupts";
/** Longer lines are cut. */
const MOST_COLUMNS = 96;

interface Picture {
  /** As a person would type it. */
  readonly command: string;
  readonly arguments: readonly string[];
  /** Picks the lines that are shown. */
  choose(lines: readonly string[]): readonly string[];
  /** Lines that say what matters. */
  readonly notes: RegExp;
}

const pictures: Readonly<Record<string, Picture>> = {
  boot: {
    command: 'npm start -- --smp 4',
    arguments: ['run', '--smp', '4', '--append', `hartvisor.run="${COMMANDS}"`],
    choose: (lines) => {
      const userspace = lines.findIndex((line) => line.includes('userspace is up'));
      const kernel = lines
        .slice(0, userspace)
        .filter((line) => /Linux version|smp: Brought up|Run \/init/.test(line));
      return userspace < 0 ? [] : [...kernel, ...lines.slice(userspace)];
    },
    notes: /userspace is up/,
  },
  explain: {
    command: 'npm run hartvisor -- verify explain published',
    arguments: ['verify', 'explain', 'published'],
    choose: (lines) => lines,
    notes: /VIOLATED|is lost|\^\^\^/,
  },
};

async function linesOf({ arguments: args }: Picture): Promise<string[]> {
  const child = spawn(process.execPath, [join(root, 'src', 'cli', 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const piece of child.stdout.setEncoding('utf8')) output += piece;
  const lines = output.split(/\r?\n/).map((line) => shortened(line.trimEnd()));
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const shortened = (line: string): string =>
  line.length > MOST_COLUMNS ? `${line.slice(0, MOST_COLUMNS - 1)}…` : line;

/** A window with text in it, as SVG: sharp at any size, and text stays text. */
export function terminal(title: string, lines: readonly string[], notes: RegExp): string {
  const columns = Math.max(...[title, ...lines].map((line) => line.length), 72) + 2;
  const width = Math.ceil(2 * MARGIN + columns * CHARACTER);
  const height = BAR + 2 * MARGIN + (lines.length + 1) * LINE;
  const text = (line: string, row: number, colour: string): string => {
    const y = BAR + MARGIN + row * LINE + 12;
    return `<text x="${MARGIN}" y="${y}" fill="${colour}" xml:space="preserve">${escaped(line)}</text>`;
  };
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (colour, index) => `<circle cx="${MARGIN + 6 + index * 20}" cy="${BAR / 2}" r="6" fill="${colour}"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    '  font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">',
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${COLOURS.background}"/>`,
    `<path d="M0 ${BAR}V8a8 8 0 0 1 8-8h${width - 16}a8 8 0 0 1 8 8v${BAR - 8}z" fill="${COLOURS.bar}"/>`,
    ...dots,
    text(`$ ${title}`, 0, COLOURS.command),
    ...lines.map((line, row) => text(line, row + 1, notes.test(line) ? COLOURS.note : COLOURS.text)),
    '</svg>',
    '',
  ].join('\n');
}

if (import.meta.main) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(pictures);
  mkdirSync(directory, { recursive: true });
  for (const name of names) {
    const picture = pictures[name];
    if (picture === undefined)
      throw new Error(`no picture is called ${name}: ${Object.keys(pictures).join(', ')}`);
    const lines = picture.choose(await linesOf(picture));
    if (lines.length === 0) throw new Error(`${picture.command} did not print what the picture shows`);
    writeFileSync(join(directory, `${name}.svg`), terminal(picture.command, lines, picture.notes));
  }
}
