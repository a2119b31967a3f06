import { expect, test } from 'vitest';
import type { FetchProgress } from '../node/debian/debian-guest.ts';
import { fetchProgress } from './fetch-progress.ts';

const mebibyte = 1024 * 1024;
const steps: FetchProgress[] = [
  { step: 'index', message: 'Fetching the index' },
  { step: 'download', message: 'Downloading x', bytes: 0, totalBytes: 100 * mebibyte },
  { step: 'download', message: 'Downloading x', bytes: 25 * mebibyte, totalBytes: 100 * mebibyte },
  { step: 'unpack', message: 'Unpacking x' },
];

function shown(isTTY: boolean, progress: readonly FetchProgress[]): string {
  let text = '';
  const { report, done } = fetchProgress({ isTTY, write: (piece) => (text += piece) });
  for (const step of progress) report(step);
  done();
  return text;
}

test('in a file there is a line for each step', () => {
  expect(shown(false, steps)).toBe('Fetching the index\nDownloading x (100 MiB)\nUnpacking x\n');
});

test('on a terminal one line changes and disappears', () => {
  const lines = shown(true, steps).split('\r\x1b[K');
  expect(lines).toEqual([
    '',
    'Fetching the index ...',
    'Downloading x: 0 of 100 MiB',
    'Downloading x: 25 of 100 MiB',
    'Unpacking x ...',
    '',
  ]);
});

test('nothing to fetch shows nothing', () => {
  expect(shown(true, []) + shown(false, [])).toBe('');
});

test('while something is installed, the line tells how much is done, and how long the rest may take', () => {
  let time = 0;
  let text = '';
  const { report } = fetchProgress({ isTTY: true, write: (piece) => (text += piece) }, () => time);
  const seen = [0, 0.02, 0.25, 0.9].map((fraction) => {
    text = '';
    report({
      step: 'install',
      message: 'Installing',
      fraction,
      ...(fraction === 0 ? {} : { detail: 'dash' }),
    });
    time += 100_000;
    return text.replace('\r\x1b[K', '');
  });
  expect(seen).toEqual([
    'Installing: 0 %',
    'Installing: 2 %, dash',
    'Installing: 25 %, dash, 10 min left',
    'Installing: 90 %, dash, 40 s left',
  ]);
});

test('in a file the packages that are installed get no lines', () => {
  const progress = ['a', 'b'].map((detail): FetchProgress => {
    return { step: 'install', message: 'Installing', fraction: 0.5, detail };
  });
  expect(shown(false, progress)).toBe('Installing\n');
});
