import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import { startCli, startOnTerminal } from './command.ts';
import { writeProgram } from './programs.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-unread-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Writes until the port is full, says so by a request that the host does not know, and goes on writing. */
const flood = writeProgram(
  join(directory, 'flood'),
  `
    li t1, 0x10000000
    li t2, 46
  1:
    sb t2, 0(t1)
    lbu t3, 5(t1)
    andi t3, t3, 0x20
    bnez t3, 1b
    la t0, tohost
    li t3, 2
    slli t3, t3, 56
    sd t3, 0(t0)
  2:
    sb t2, 0(t1)
    j 2b
    .balign 64
  tohost: .dword 0
`,
);
const said = /no device 2 with command 0/;

let fifos = 0;
function fifo(): string {
  const path = join(directory, `fifo-${fifos++}`);
  execFileSync('mkfifo', [path]);
  return path;
}

/** Runs the flood on a terminal whose output is read once. The status comes when it has ended. */
async function floodTerminal(args: readonly string[]) {
  const [input, messages, status] = [fifo(), fifo(), fifo()];
  const keys = createWriteStream(input);
  const notices = createReadStream(messages, 'utf8');
  const command = ['machine', flood, '-m', '16', ...args];
  const redirections = `< '${input}' 2> '${messages}'`;
  const running = startOnTerminal(command, 'true', `echo $status > '${status}'`, redirections);
  const ended = readFile(status, 'utf8');
  const output = await running.printed('...');
  running.child.stdout.pause();
  return {
    full: () => heard(notices),
    pid: Number(/process (\d+)/.exec(output)?.[1]),
    keys,
    async ended(): Promise<number> {
      const text = await ended;
      keys.destroy();
      running.child.stdout.resume();
      await running.ended;
      return Number(text);
    },
  };
}

/** Waits until the port is full. */
async function heard(notices: Readable): Promise<void> {
  let text = '';
  for await (const piece of notices.iterator({ destroyOnReturn: false })) {
    text += String(piece);
    if (said.test(text)) return;
  }
  throw new Error(`the port never got full; said was: ${text}`);
}

test('a terminal that is not read leaves --timeout alone', async () => {
  const { ended } = await floodTerminal(['--timeout', '5']);
  expect(await ended()).toBe(124);
});

test('a terminal that is not read leaves SIGTERM alone', async () => {
  const { pid, full, ended } = await floodTerminal([]);
  await full();
  process.kill(pid, 'SIGTERM');
  expect(await ended()).toBe(143);
});

test('a terminal that is not read leaves Ctrl-A x alone', async () => {
  const { keys, full, ended } = await floodTerminal([]);
  await full();
  keys.write('\x01x');
  expect(await ended()).toBe(0);
});

test('pipes that are not read leave SIGTERM alone', async () => {
  const { child, printed, ended } = startCli(['machine', flood, '-m', '16']);
  await printed('...');
  child.stdout.pause();
  await heard(child.stderr);
  child.stderr.pause();
  child.kill('SIGTERM');
  const [status] = await once(child, 'exit');
  expect(status).toBe(143);
  child.stdout.resume();
  child.stderr.resume();
  await ended;
});
