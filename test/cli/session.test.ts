import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readDeviceTree } from '../fixtures/fdt-reader.ts';
import { runCli, startBelowNohup, startCli, startOnTerminal } from './command.ts';
import { finisher, printMessage, systemReset, writeProgram } from './programs.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-session-'));
afterAll(() => rmSync(directory, { recursive: true }));

let programs = 0;
function program(source: string): string {
  return writeProgram(join(directory, `program-${programs++}`), source);
}

const message = (text: string) => `\n  message: .asciz "${text}"\n`;
const sleepForEver = `
  1:
    wfi
    j 1b
`;
/** Says "ready", then sends everything back that comes in, in upper case; Q powers off. */
const echo = program(`
    la s0, text
    li s1, 0x10000000
  1:
    lbu a0, 0(s0)
    beqz a0, 2f
    sb a0, 0(s1)
    addi s0, s0, 1
    j 1b
  2:
    li t0, 1
    sb t0, 1(s1)
  3:
    lbu t0, 5(s1)
    andi t0, t0, 1
    beqz t0, 3b
    lbu a0, 0(s1)
    li t0, 81
    beq a0, t0, 4f
    addi a0, a0, -32
    sb a0, 0(s1)
    j 3b
  4:
    ${systemReset(0)}
  text: .asciz "ready\\n"
`);
const sleeper = program(sleepForEver);

describe('the exit status of run is', () => {
  test.concurrent.each([
    ['0 for a power-off', program(systemReset(0)), 0, ''],
    [
      '3 for a reported failure',
      program(systemReset(0, 1)),
      3,
      'hartvisor: The guest powered off and reported a failure.\n',
    ],
    ['4 for a reset', program(systemReset(1)), 4, 'hartvisor: The guest asked for a reset.\n'],
    ['0 for a power-off by the finisher', program(finisher(0x5555)), 0, ''],
  ])('%s', async (_, kernel, status, stderr) => {
    expect(await runCli(['run', '--kernel', kernel, '--smp', '1'])).toEqual({ status, stdout: '', stderr });
  });

  test('124 when the time is over', async () => {
    expect(await runCli(['run', '--kernel', sleeper, '--timeout', '0.5'])).toEqual({
      status: 124,
      stdout: '',
      stderr: 'hartvisor: The guest still ran after 0.5 s (--timeout).\n',
    });
  });

  test('5 for a kernel that panics and resets', async () => {
    const line = '[    1.0] Kernel panic - not syncing: No working init found.\\n';
    const kernel = program(`${printMessage}${systemReset(1)}${message(line)}`);
    const { status, stdout, stderr } = await runCli(['run', '--kernel', kernel]);
    expect(stdout).toBe('[    1.0] Kernel panic - not syncing: No working init found.\n');
    expect([status, stderr]).toEqual([5, "hartvisor: The guest's kernel panicked: No working init found.\n"]);
  });

  test('5 for a kernel that panics and says no more', async () => {
    const lines =
      '[    1.0] Kernel panic - not syncing: Oops\\n[    1.1] ---[ end Kernel panic - not syncing: Oops ]---\\n';
    const kernel = program(`${printMessage}${sleepForEver}${message(lines)}`);
    const { status, stderr } = await runCli(['run', '--kernel', kernel]);
    expect([status, stderr]).toEqual([5, "hartvisor: The guest's kernel panicked: Oops\n"]);
  });

  test('6 for a kernel that jumps to nowhere', async () => {
    const kernel = program('  li t0, 0x1000\n  jr t0\n');
    const { status, stderr } = await runCli(['run', '--kernel', kernel, '--smp', '1', '--timeout', '200']);
    expect(stderr).toMatch(/^hartvisor: The guest is stuck: /);
    expect(status).toBe(6);
  });
});

describe('the exit status of machine is', () => {
  test.concurrent.each([
    ['0 for the finisher, pass', finisher(0x5555), 0],
    ['that of the finisher, failure 7', finisher(0x7_3333), 7],
    ['at most 123', finisher(0x1f4_3333), 123],
    ['4 for the finisher, reset', finisher(0x7777), 4],
    [
      '0 for tohost, pass',
      '  li t0, 1\n la t1, tohost\n sd t0, 0(t1)\n1: j 1b\n .balign 64\n tohost: .dword 0\n',
      0,
    ],
    [
      'that of tohost, test 5',
      '  li t0, 11\n la t1, tohost\n sd t0, 0(t1)\n1: j 1b\n .balign 64\n tohost: .dword 0\n',
      5,
    ],
  ])('%s', async (_, source, status) => {
    const ran = await runCli(['machine', program(source), '-m', '16']);
    expect([ran.status, ran.stderr === '']).toEqual([status, status === 0]);
  });

  test('6 for a program that jumps to nowhere', async () => {
    const nowhere = program('  li t0, 0x1000\n  jr t0\n');
    const { status, stderr } = await runCli(['machine', nowhere, '-m', '16', '--timeout', '200']);
    expect(stderr).toMatch(/^hartvisor: The guest is stuck: /);
    expect(status).toBe(6);
  });

  test('124 when the time is over', async () => {
    const { status } = await runCli(['machine', program('1: j 1b\n'), '-m', '16', '--timeout', '0.5']);
    expect(status).toBe(124);
  });
});

test('input from a pipe reaches the guest, and its end ends nothing', async () => {
  const { child, printed, ended } = startCli(['run', '--kernel', echo, '--smp', '1']);
  await printed('ready\n');
  child.stdin.write('abc');
  await printed('ABC');
  child.stdin.end('xyzQ');
  expect(await ended).toEqual({ status: 0, stdout: 'ready\nABCXYZ', stderr: '' });
});

test('input that is there before the guest reads is not lost', async () => {
  const { child, ended } = startCli(['run', '--kernel', echo, '--smp', '1']);
  const text = 'abcdefghijklmnopqrstuvwxyz'.repeat(1000);
  child.stdin.end(`${text}Q`);
  expect(await ended).toEqual({ status: 0, stdout: `ready\n${text.toUpperCase()}`, stderr: '' });
});

test('Ctrl-A x quits with status 0, from a pipe too', async () => {
  const { child, printed, ended } = startCli(['run', '--kernel', echo]);
  await printed('ready\n');
  child.stdin.write('\x01x');
  expect(await ended).toEqual({ status: 0, stdout: 'ready\n', stderr: '' });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s ends it with status %d', async (signal, status) => {
  const { child, printed, ended } = startCli(['run', '--kernel', echo]);
  await printed('ready\n');
  child.kill(signal);
  expect(await ended).toEqual({ status, stdout: 'ready\n', stderr: `hartvisor: Ended by ${signal}.\n` });
});

test('SIGHUP does nothing below nohup', async () => {
  const { child, printed, ended } = startBelowNohup(['run', '--kernel', echo]);
  await printed('ready\n');
  child.kill('SIGHUP');
  child.stdin.write('ab');
  await printed('AB');
  child.stdin.end('Q');
  expect(await ended).toMatchObject({ status: 0, stdout: 'ready\nAB' });
});

test('a reader that goes away ends it, as SIGPIPE does', async () => {
  const kernel = program(`  li t1, 0x10000000\n  li t2, 46\n1: sb t2, 0(t1)\n  j 1b\n`);
  const { child, printed, ended } = startCli(['run', '--kernel', kernel]);
  await printed('...');
  child.stdout.destroy();
  expect(await ended).toMatchObject({ status: 141, stderr: '' });
});

describe('on a terminal', () => {
  const saved = join(directory, 'modes');
  const save = `stty -g > '${saved}-before'`;
  const compare = `stty -g > '${saved}-after'`;
  const modes = (when: string) => readFileSync(`${saved}-${when}`, 'utf8');

  test.each([
    ['the guest powers off', 'Q', 0],
    ['Ctrl-A x is typed', '\x01x', 0],
  ])('the modes are what they were after %s', async (_, keys, status) => {
    const { child, printed, ended } = startOnTerminal(['run', '--kernel', echo], save, compare);
    await printed('ready');
    child.stdin.write('a');
    // Raw mode: the terminal itself does not show what is typed.
    await printed('ready\r\nA');
    child.stdin.write(keys);
    const ran = await ended;
    expect(ran.status).toBe(status);
    expect(ran.stdout).toContain('Ctrl-A x quits, Ctrl-A h helps.');
    expect(modes('after')).toBe(modes('before'));
  });

  test('Ctrl-C goes to the guest', async () => {
    const { child, printed, ended } = startOnTerminal(['run', '--kernel', echo]);
    await printed('ready');
    child.stdin.write('\x03zz');
    await printed('ZZ');
    child.stdin.write('\x01x');
    expect((await ended).status).toBe(0);
  });

  test('the modes are what they were after a timeout', async () => {
    const args = ['run', '--kernel', sleeper, '--timeout', '1'];
    const ran = await startOnTerminal(args, save, compare).ended;
    expect(ran.status).toBe(124);
    expect(modes('after')).toBe(modes('before'));
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('the modes are what they were after %s', async (signal, status) => {
    const { printed, ended } = startOnTerminal(['run', '--kernel', echo], save, compare);
    await printed('ready');
    const pid = /process (\d+)/.exec(await printed('process'))?.[1];
    process.kill(Number(pid), signal);
    expect((await ended).status).toBe(status);
    expect(modes('after')).toBe(modes('before'));
  });
});

test('the embedded guest passes, and its counters are printed', async () => {
  const args = ['run', '--guest', 'tick', '--append', 'seconds=1', '--smp', '2', '--stats'];
  const { status, stdout, stderr } = await runCli(args);
  expect(stdout).toMatch(/tick: PASS\r?\n$/);
  expect(stderr).toMatch(/^ +vCPU 0 +vCPU 1 +all\ninstructions +[\d,]{7,}/);
  expect(stderr).toMatch(/interrupts delivered\n {2}software \(IPI\) +[1-9]/);
  expect(status).toBe(0);
});

test('--dumpdtb writes the device tree and starts nothing', async () => {
  const path = join(directory, 'tree.dtb');
  const args = ['run', '--kernel', echo, '--smp', '3', '--append', 'some words', '--dumpdtb', path];
  expect(await runCli(args)).toEqual({ status: 0, stdout: '', stderr: '' });
  const tree = JSON.stringify(readDeviceTree(new Uint8Array(readFileSync(path))), (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  expect(tree).toContain('cpu@2');
  expect(tree).not.toContain('cpu@3');
});

test('the console can be a socket, which the guest waits for', async () => {
  const path = join(directory, 'serial');
  const { said, ended } = startCli(['run', '--kernel', echo, '--serial', `unix:${path},server=on`]);
  await said('Waiting for a connection');
  const socket = createConnection({ path });
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
    if (text === 'ready\n') socket.write('abQ');
  });
  expect(await ended).toMatchObject({ status: 0, stdout: '' });
  expect(text).toBe('ready\nAB');
  expect(existsSync(path)).toBe(false);
});

describe('while the console waits for its other end', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends it, and no socket stays', async (signal, status) => {
    const [serial, channel, vsock] = ['serial', 'channel', 'vsock'].map((name) =>
      join(directory, `${name}-${signal}`),
    );
    const { child, said, ended } = startCli([
      ...[
        'run',
        '--kernel',
        echo,
        '--vsock',
        `socket=${vsock}`,
        '--serial',
        `unix:${serial},server=on,wait=off`,
      ],
      ...['--channel', `some=unix:${channel},server=on`],
    ]);
    await said('Waiting for a connection');
    expect([serial, channel, vsock].map((path) => existsSync(path))).toEqual([true, true, true]);
    child.kill(signal);
    expect(await ended).toEqual({
      ...{ status, stdout: '' },
      stderr: `hartvisor: Waiting for a connection to --channel some=unix:${channel},server=on.\nhartvisor: Ended by ${signal}.\n`,
    });
    expect([serial, channel, vsock].map((path) => existsSync(path))).toEqual([false, false, false]);
  });

  test('Ctrl-C at a terminal ends it, and the terminal is as it was', async () => {
    const modes = (when: string) => join(directory, `waiting-modes-${when}`);
    const path = join(directory, 'serial-ctrl-c');
    const { child, printed, ended } = startOnTerminal(
      ['run', '--kernel', echo, '--serial', `unix:${path},server=on`],
      `stty -g > '${modes('before')}'`,
      `stty -g > '${modes('after')}'`,
    );
    await printed('Waiting for a connection');
    child.stdin.write('\x03');
    expect((await ended).status).toBe(130);
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(modes('after'), 'utf8')).toBe(readFileSync(modes('before'), 'utf8'));
  });

  test('a TCP port is free again', async () => {
    const first = startCli(['run', '--kernel', echo, '--serial', 'tcp:127.0.0.1:0,server=on']);
    await once(first.child.stderr, 'data');
    first.child.kill('SIGINT');
    expect((await first.ended).status).toBe(130);
  });
});

test.each(['SIGINT', 'SIGTERM'] as const)('no socket of a machine stays after %s', async (signal) => {
  const [serial, vsock, gdb] = ['serial', 'vsock', 'gdb'].map((name) =>
    join(directory, `${name}-of-${signal}`),
  );
  const { child, said, ended } = startCli([
    ...['run', '--kernel', echo, '--vsock', `socket=${vsock}`, '--gdb', `unix:${gdb}`],
    ...['--serial', `unix:${serial},server=on,wait=off`],
  ]);
  await said(gdb);
  expect([serial, vsock, gdb].map((path) => existsSync(path))).toEqual([true, true, true]);
  child.kill(signal);
  expect((await ended).status).toBe(signal === 'SIGINT' ? 130 : 143);
  expect([serial, vsock, gdb].map((path) => existsSync(path))).toEqual([false, false, false]);
});

test.each([
  ['the other end of the console', ['--serial', 'file:/nowhere/at/all']],
  ['the memory', ['--memory', '4K']],
])('a socket does not stay when %s is a mistake', async (_, words) => {
  const path = join(directory, 'sockets');
  const { status } = await runCli(['run', '--kernel', echo, '--vsock', `socket=${path}`, ...words]);
  expect([status, existsSync(path)]).toEqual([2, false]);
});

test('the console can be a file', async () => {
  const path = join(directory, 'console.log');
  const { status, stdout } = await runCli([
    'run',
    '--kernel',
    program(printMessage + systemReset(0) + message('all of it')),
    '--serial',
    `file:${path}`,
  ]);
  expect([status, stdout, readFileSync(path, 'utf8')]).toEqual([0, '', 'all of it']);
});
