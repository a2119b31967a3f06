/** docs/scenarios.md against the tests that it names, so that neither goes without the other. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SCENARIOS } from '../src/verify/scenarios/index.ts';

const COUNT = 83;
const page = new URL('../docs/scenarios.md', import.meta.url);

interface Row {
  readonly number: number;
  /** Cells for RV64 and RV32. */
  readonly cells: readonly string[];
}

function rowsOf(text: string): Row[] {
  return text.split('\n').flatMap((line) => {
    const [, number, , ...cells] = line.split('|').map((cell) => cell.trim());
    return number !== undefined && /^\d+$/.test(number)
      ? [{ number: Number(number), cells: cells.slice(0, 2) }]
      : [];
  });
}

interface Reference {
  readonly text: string;
  readonly path: string;
  readonly titles: readonly string[];
}

/** Links of a cell, each with the quoted parts of titles that follow it. */
function referencesOf(cell: string): Reference[] {
  return [...cell.matchAll(/\[([^\]]*)\]\(([^)]+)\)((?:,? "[^"]+")*)/g)].map(([, text, path, quoted]) => ({
    text,
    path,
    titles: [...quoted.matchAll(/"([^"]+)"/g)].map(([, title]) => title),
  }));
}

/** Titles of tests and of their groups in a source text. */
function titlesOf(source: string): string[] {
  const opening = /\b(?:test|it|describe)(?:\.\w+(?:\([^;]*?\))?)*\(\s*(['"`])((?:(?!\1).)*)\1/gs;
  return [...source.matchAll(opening)].map(([, , title]) => title);
}

const rows = rowsOf(readFileSync(page, 'utf8'));
const references = rows.flatMap(({ cells }) => cells.flatMap(referencesOf));

test('titles are found in plain tests, in tests for several values, and in groups', () => {
  const source = `test('a', () => {}); test.each([1, f(2)])("b %i", () => {});
    describe('c', () => {}); test.runIf(x)('d', g); test.each([
      ['e', 1],
    ])(
      'f',
      () => {},
    );`;
  expect(titlesOf(source)).toEqual(['a', 'b %i', 'c', 'd', 'f']);
});

test('every scenario has a row, in order, and each cell says something', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1));
  for (const { cells } of rows) expect(cells.every((cell) => cell !== '')).toBe(true);
});

describe('what the table names exists', () => {
  test.each([...new Set(references.map(({ path }) => path))])('%s', (path) => {
    const file = new URL(path, page);
    expect(existsSync(file)).toBe(true);
    const source = readFileSync(file, 'utf8');
    const titles = titlesOf(source);
    const here = references.filter((each) => each.path === path);
    for (const part of here.flatMap((each) => each.titles)) {
      expect(
        titles.filter((title) => title.includes(part)),
        part,
      ).not.toEqual([]);
    }
    if (!path.startsWith('../src/verify/scenarios/')) return;
    for (const { text } of here) {
      expect(SCENARIOS.map(({ name }) => name)).toContain(text);
      expect(source).toContain(`name: '${text}'`);
    }
  });

  test('a test is named by a part of its title, and a number in the title is that of its row', () => {
    for (const { number, cells } of rows) {
      for (const { path, titles } of cells.flatMap(referencesOf)) {
        if (path.endsWith('.test.ts')) expect(titles, `row ${number}: ${path}`).not.toEqual([]);
        for (const title of titles.filter((each) => /^scenarios? \d/.test(each))) {
          expect(coveredBy(title), `row ${number}: ${title}`).toContain(number);
        }
      }
    }
  });
});

/** The numbers that a title such as "scenarios 37 to 39", "scenarios 26, 28, 29 and 31" or "scenario 1: x" is about. */
function coveredBy(title: string): number[] {
  const range = /^scenarios (\d+) to (\d+)/.exec(title);
  if (range !== null) {
    const [from, to] = [Number(range[1]), Number(range[2])];
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  }
  return (/^scenarios? ([\d, and]+)/.exec(title)?.[1].match(/\d+/g) ?? []).map(Number);
}
