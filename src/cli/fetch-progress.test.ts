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
