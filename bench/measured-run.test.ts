import { describe, expect, test } from 'vitest';
import { InputError } from '../src/errors/input-error.ts';
import { measuredRun, parseTimes } from './measured-run.ts';

const node = (script: string) => [process.execPath, '-e', script] as const;

describe('measuredRun', () => {
  test('counts the CPU time of the program, not the time it sleeps', async () => {
    const busy = await measuredRun(
      node('const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end);'),
      { timeout: 60 },
    );
    expect(busy.status).toBe(0);
    expect(busy.user).toBeGreaterThanOrEqual(0.3);
    const asleep = await measuredRun(['sleep', '0.4'], { timeout: 60 });
    expect(asleep.wall).toBeGreaterThanOrEqual(0.4);
    expect(asleep.user + asleep.system).toBeLessThan(0.3);
  });

  test('tells when the marker came, also when it comes in pieces', async () => {
    const run = await measuredRun(['sh', '-c', 'printf user; sleep 0.1; printf "space is up"; sleep 0.2'], {
      timeout: 60,
      marker: 'userspace is up',
    });
    expect(run.marker?.wall).toBeGreaterThanOrEqual(0.1);
    // How much, is for the host to say: a busy one may see the marker late.
    expect(run.wall).toBeGreaterThan(run.marker?.wall ?? Number.NaN);
  });

  test.runIf(process.platform === 'linux')('tells the CPU time until the marker and in all', async () => {
    const spin =
      'const spin = (us) => { const end = process.cpuUsage().user + us; while (process.cpuUsage().user < end); };';
    const script = `${spin} spin(2e5); console.log('start'); setTimeout(() => spin(4e5), 300);`;
    const run = await measuredRun(node(script), { timeout: 60, marker: 'start' });
    expect(run.marker?.user).toBeGreaterThanOrEqual(0.19);
    expect(run.user).toBeGreaterThanOrEqual(0.55);
    expect(run.user).toBeGreaterThan(run.marker?.user ?? Number.NaN);
  });

  test('tells when each wanted line was complete', async () => {
    const script = "printf 'begin o'; echo noise >&2; sleep 0.1; printf 'ne\\r\\nother\\nbegin two\\nbegin'";
    const run = await measuredRun(['sh', '-c', script], { timeout: 60, lines: /^begin/ });
    expect(run.lines.map(({ text }) => text)).toEqual(['begin one', 'begin two']);
    expect(run.lines[0]?.at.wall).toBeGreaterThanOrEqual(0.1);
  });

  test('has no time for a marker that never came', async () => {
    const run = await measuredRun(['echo', 'panic'], { timeout: 60, marker: 'up' });
    expect(run).toMatchObject({ marker: undefined, output: 'panic\n', status: 0 });
  });

  test('keeps both output streams and the exit status', async () => {
    const run = await measuredRun(['sh', '-c', 'echo one; echo two >&2; exit 7'], { timeout: 60 });
    expect(run.status).toBe(7);
    expect(run.output.split('\n').sort()).toEqual(['', 'one', 'two']);
  });

  test('says a signal as a shell does', async () => {
    expect((await measuredRun(['sh', '-c', 'kill -TERM $$'], { timeout: 60 })).status).toBe(143);
  });

  test('kills a program and its children when their time is over', async () => {
    // The run ends when all who hold its output are gone: if the inner sleep stayed, this would wait for it.
    const run = await measuredRun(['sh', '-c', 'sleep 1000 & wait'], { timeout: 0.2 });
    expect(run.timedOut).toBe(true);
  });

  test('a program that does not exist is a mistake of the user', async () => {
    const run = measuredRun(['/nowhere/qemu-system-riscv64'], { timeout: 60 });
    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow(/\/nowhere\/qemu-system-riscv64 cannot be run/);
  });
});

describe('parseTimes', () => {
  test.each([
    ['dash', '0m0.010000s 0m0.020000s\n1m2.500000s 0m0.250000s\n'],
    ['bash', '0m0.010s 0m0.020s\n1m2.500s 0m0.250s\n'],
  ])('reads the children in the words of %s', (_, text) => {
    expect(parseTimes(text)).toEqual({ user: 62.5, system: 0.25 });
  });

  test.each(['', '0m0.01s 0m0.02s\n', '0m0.01s 0m0.02s\n1.5 0.2\n'])('refuses %j', (text) => {
    expect(() => parseTimes(text)).toThrow(/not as POSIX has them/);
  });
});
