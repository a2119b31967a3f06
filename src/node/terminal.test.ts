import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { Terminal, type TerminalHandlers } from './terminal.ts';

/** A writer that takes a piece only when it is told to. */
class SlowWriter extends Writable {
  readonly taken: string[] = [];
  readonly isTTY: boolean;
  #go: (() => void) | undefined;

  constructor(isTTY: boolean) {
    super({ highWaterMark: 4 });
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.taken.push(chunk.toString());
    this.#go = done;
  }

  go(): void {
    this.#go?.();
  }
}

interface Bench {
  readonly terminal: Terminal;
  readonly input: PassThrough;
  readonly output: SlowWriter;
  readonly events: string[];
  readonly raw: boolean[];
  /** How many bytes the guest still takes. */
  room: number;
}

const open: Terminal[] = [];
afterEach(() => {
  for (const terminal of open.splice(0)) terminal.close();
});

function bench(isTTY = false): Bench {
  const raw: boolean[] = [];
  const events: string[] = [];
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode: (value: boolean) => raw.push(value) });
  const output = new SlowWriter(isTTY);
  const messages = new Writable({
    write(chunk: Buffer, _, done) {
      events.push(`message ${chunk}`);
      done();
    },
  });
  const handlers: TerminalHandlers = {
    onInput(bytes) {
      const taken = Math.min(bytes.length, result.room);
      result.room -= taken;
      if (taken > 0) events.push(`input ${new TextDecoder().decode(bytes.subarray(0, taken))}`);
      return taken;
    },
    onQuit: () => events.push('quit'),
    onSave: (quits) => events.push(quits ? 'suspend' : 'save'),
    onOutputClosed: () => events.push('closed'),
  };
  const terminal = new Terminal({ input, output, messages }, handlers);
  open.push(terminal);
  const result: Bench = { terminal, input, output, events, raw, room: Number.POSITIVE_INFINITY };
  terminal.open();
  return result;
}

/** Puts bytes into a stream and waits until its reader has seen them. */
async function typed(input: PassThrough, text: string): Promise<void> {
  input.write(text);
  await new Promise((resolve) => setImmediate(resolve));
}

test('a terminal is raw while the guest has it, and only then', () => {
  const { terminal, raw } = bench(true);
  expect([terminal.interactive, ...raw]).toEqual([true, true]);
  terminal.close();
  terminal.close();
  expect(raw).toEqual([true, false]);
});

test('a terminal is given back when the process exits, whatever the reason', () => {
  const { raw, terminal } = bench(true);
  const listeners = process.listeners('exit');
  const restore = listeners[listeners.length - 1] as () => void;
  restore();
  expect(raw).toEqual([true, false]);
  terminal.close();
  expect(process.listeners('exit')).not.toContain(restore);
});

test('a terminal that comes back from the background is raw again', () => {
  const { raw } = bench(true);
  process.emit('SIGCONT');
  expect(raw).toEqual([true, true]);
});

test('pipes have no modes', () => {
  const { terminal, raw } = bench(false);
  terminal.close();
  expect([terminal.interactive, ...raw]).toEqual([false]);
});

test('keys go to the guest, and Ctrl-A x quits', async () => {
  const { input, events } = bench();
  await typed(input, 'ls\r');
  await typed(input, 'a\x01x');
  expect(events).toEqual(['input ls\r', 'input a', 'quit']);
});

test('Ctrl-A h explains the keys', async () => {
  const { input, events } = bench();
  await typed(input, '\x01h');
  expect(events.join()).toMatch(/^message Ctrl-A x +quit/);
});

test('the end of the input ends nothing', async () => {
  const { input, events } = bench();
  input.end('last');
  await new Promise((resolve) => input.once('end', resolve));
  expect(events).toEqual(['input last']);
});

test('what the guest has no room for waits, in order, and Ctrl-A x is still seen', async () => {
  const rig = bench();
  rig.room = 2;
  await typed(rig.input, 'abc');
  await typed(rig.input, 'de');
  await typed(rig.input, '\x01x');
  expect(rig.events).toEqual(['input ab', 'quit']);
  rig.room = 2;
  rig.terminal.continueInput();
  expect(rig.events.slice(2)).toEqual(['input cd']);
  rig.room = 10;
  rig.terminal.continueInput();
  expect(rig.events.slice(3)).toEqual(['input e']);
});

test('a long input is left in the pipe until the guest reads', async () => {
  const rig = bench();
  rig.room = 0;
  for (let piece = 0; piece < 40; piece++) await typed(rig.input, 'x'.repeat(64 * 1024));
  expect(rig.input.isPaused()).toBe(true);
  expect(rig.input.readableLength + rig.input.writableLength).toBeGreaterThan(1024 * 1024);
  rig.room = Number.POSITIVE_INFINITY;
  rig.terminal.continueInput();
  await typed(rig.input, 'end');
  while (rig.input.readableLength + rig.input.writableLength > 0) await typed(rig.input, '');
  expect(
    rig.events.map((event) => event.length - 'input '.length).reduce((sum, length) => sum + length),
  ).toBe(40 * 64 * 1024 + 3);
});

test('input is left alone once it is stopped, also when the guest has room again', async () => {
  const rig = bench();
  rig.room = 1;
  await typed(rig.input, 'ab');
  rig.terminal.stopInput();
  await typed(rig.input, '\x01hcd');
  rig.room = Number.POSITIVE_INFINITY;
  rig.terminal.continueInput();
  await typed(rig.input, '\x01h');
  expect(rig.events).toEqual(['input a', 'input b']);
  expect(rig.input.isPaused()).toBe(true);
});

test('output that is not taken asks to wait until it is', async () => {
  const { terminal, output } = bench();
  expect(terminal.write(Buffer.from('ab'))).toBeUndefined();
  const wait = terminal.write(Buffer.from('cdefgh'));
  expect(wait).toBeInstanceOf(Promise);
  output.go();
  output.go();
  await wait;
  expect(output.taken).toEqual(['ab', 'cdefgh']);
});

test('however often output is written in the meantime, there is one wait', async () => {
  const { terminal, output } = bench();
  const waits = Array.from({ length: 20 }, () => terminal.write(Buffer.from('abcdef')));
  expect(new Set(waits).size).toBe(1);
  expect(output.listenerCount('drain')).toBe(1);
  for (const _ of waits) output.go();
  await waits[0];
  expect([output.listenerCount('drain'), output.writableLength]).toEqual([0, 0]);
  expect(terminal.write(Buffer.from('ab'))).toBeUndefined();
});

test('a flush waits for the last byte', async () => {
  const { terminal, output } = bench();
  await terminal.flush();
  terminal.write(Buffer.from('ab'));
  let flushed = false;
  const flush = terminal.flush().then(() => {
    flushed = true;
  });
  await Promise.resolve();
  expect(flushed).toBe(false);
  output.go();
  output.go();
  await flush;
});

test('a reader that goes away is told of, and not waited for', async () => {
  const { terminal, output, events } = bench();
  const wait = terminal.write(Buffer.from('abcdef'));
  output.destroy(new Error('EPIPE'));
  await wait;
  await terminal.flush();
  expect(terminal.write(Buffer.from('x'))).toBeUndefined();
  expect(events).toEqual(['closed']);
});

test('input that comes byte by byte and is not read is kept in order, and stops as a long one does', async () => {
  const rig = bench();
  rig.room = 0;
  const bytes = Array.from({ length: 1000 }, (_, index) => String.fromCharCode(97 + (index % 26)));
  for (const byte of bytes) rig.input.emit('data', Buffer.from(byte));
  rig.room = 300;
  rig.terminal.continueInput();
  rig.room = Number.POSITIVE_INFINITY;
  rig.terminal.continueInput();
  expect(rig.events.map((event) => event.slice('input '.length)).join('')).toBe(bytes.join(''));
});

test('messages that nobody reads are left out from some point on, and counted', () => {
  const { input } = bench();
  const messages = new SlowWriter(false);
  const terminal = new Terminal(
    { input, output: new SlowWriter(false), messages },
    { onInput: () => 0, onQuit: () => undefined, onSave: () => undefined, onOutputClosed: () => undefined },
  );
  const text = 'x'.repeat(1000);
  for (let count = 0; count < 1000; count++) terminal.notice(text);
  expect(messages.writableLength).toBeLessThan(300_000);
  const waiting = Math.floor(messages.writableLength / 1001);
  while (messages.writableLength > 0) messages.go();
  terminal.notice('last');
  expect(messages.taken.at(-1)).toBe(`(${1000 - waiting} messages were left out.)\nlast\n`);
});

test('control characters of a message are named', () => {
  const { terminal, events } = bench();
  terminal.notice('a\x1b[2Jb\nc');
  expect(events).toEqual(['message a\\x1b[2Jb\nc\n']);
});

test('on a terminal, messages do not follow an unfinished line of the guest', () => {
  const { terminal, events } = bench(true);
  terminal.write(Buffer.from('login: '));
  terminal.notice('one');
  terminal.notice('two\nthree');
  expect(events).toEqual(['message \r\none\r\n', 'message two\r\nthree\r\n']);
});

test('in files, messages and output do not meet', () => {
  const { terminal, events } = bench(false);
  terminal.write(Buffer.from('login: '));
  terminal.notice('one');
  expect(events).toEqual(['message one\n']);
});

test('tells the size of its window at the start, and when it changes', () => {
  const sizes: string[] = [];
  const window = Object.assign(new EventEmitter(), { columns: 80, rows: 24 });
  const output = new PassThrough();
  const terminal = new Terminal(
    { input: new PassThrough(), output, messages: output, window },
    {
      onInput: (bytes) => bytes.length,
      onResize: (columns, rows) => sizes.push(`${columns}x${rows}`),
      onQuit: () => undefined,
      onSave: () => undefined,
      onOutputClosed: () => undefined,
    },
  );
  open.push(terminal);
  terminal.open();
  window.columns = 132;
  window.emit('resize');
  terminal.close();
  window.emit('resize');
  expect(sizes).toEqual(['80x24', '132x24']);
});
