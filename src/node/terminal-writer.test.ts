import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TerminalWriter } from './terminal-writer.ts';

let directory = '';
let end = -1;
let writer: TerminalWriter;

// A FIFO takes as much as a pipe holds, and then nothing, as a terminal does that is not read.
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hartvisor-writer-'));
  const path = join(directory, 'fifo');
  execFileSync('mkfifo', [path]);
  end = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  writer = new TerminalWriter(end);
});

afterEach(() => {
  writer.destroy();
  closeSync(end);
  rmSync(directory, { recursive: true });
});

function read(): Buffer {
  const bytes = Buffer.alloc(1 << 20);
  try {
    return bytes.subarray(0, readSync(end, bytes));
  } catch {
    return Buffer.of();
  }
}

test('what is taken is written at once', () => {
  expect(writer.write('abc')).toBe(true);
  expect([read().toString(), writer.writableLength]).toEqual(['abc', 0]);
});

test('what is not taken waits, without holding the thread, and all arrives in order', async () => {
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  expect(writer.write(sent.subarray(0, 200_000))).toBe(false);
  writer.write(sent.subarray(200_000));
  let flushed = false;
  const flush = new Promise<void>((resolve) => {
    writer.write('', () => {
      flushed = true;
      resolve();
    });
  });
  const pieces: Buffer[] = [];
  while (!flushed) {
    pieces.push(read());
    await new Promise((resolve) => setImmediate(resolve));
  }
  await flush;
  expect(Buffer.concat([...pieces, read()]).equals(sent)).toBe(true);
});

test('a terminal that is gone is an error of the stream', async () => {
  const other = new TerminalWriter(openSync('/dev/full', constants.O_WRONLY));
  const error = new Promise((resolve) => other.once('error', resolve));
  other.write('x');
  expect(await error).toMatchObject({ code: 'ENOSPC' });
});
