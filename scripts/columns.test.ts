import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The width of a screen beside another one, and of all lines that CONTRIBUTING asks for. */
const COLUMNS = 120;

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Lines of prose that are longer, with their numbers: addresses and tables cannot be wrapped.
 *
 * @param isProse is asked of each line, in their order
 */
function longLines(file: string, isProse: (line: string) => boolean): string[] {
  const lines = readFileSync(`${root}/${file}`, 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    isProse(line) && line.length > COLUMNS && !/https?:\/\/\S{60}/.test(line) ? [`${file}:${index + 1}`] : [],
  );
}

function files(pattern: string): string[] {
  return execFileSync('git', ['ls-files', '-z', pattern], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '');
}

test(`text and comments have ${COLUMNS} columns at most`, () => {
  const textOf = () => {
    let isCode = false;
    return (line: string) => {
      if (/^\s*```/.test(line)) isCode = !isCode;
      return !isCode && !/^\s*[|<]/.test(line);
    };
  };
  const isComment = (line: string) => /^\s*(\/\/|\/?\*)\s/.test(line) || /^\s*\/\*\*/.test(line);
  expect([
    ...files('*.md').flatMap((file) => longLines(file, textOf())),
    ...files('*.ts').flatMap((file) => longLines(file, isComment)),
  ]).toEqual([]);
});

test('comments name their subject, rather than begin with "What" or "Who"', () => {
  const clauses = files('*.ts').flatMap((file) => {
    const lines = readFileSync(`${root}/${file}`, 'utf8').split('\n');
    return lines.flatMap((line, index) => {
      const before = lines[index - 1]?.trim() ?? '';
      const begins =
        /^\s*\/\*\* (What|Who)\b/.test(line) ||
        (/^\s*\* (What|Who)\b/.test(line) && before === '/**') ||
        (/^\s*\/\/ (What|Who)\b/.test(line) && !before.startsWith('//'));
      return begins ? [`${file}:${index + 1}`] : [];
    });
  });
  expect(clauses).toEqual([]);
});
