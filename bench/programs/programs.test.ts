import { describe, expect, test } from 'vitest';
import { checkOutputs, script, timesOf } from './bench.ts';
import { guestPrograms, placeOf, selectPrograms } from './programs.ts';

const at = (wall: number, user: number) => ({ wall, user, system: 1 });
const output = 'd41d8cd98f00b204e9800998ecf8427e';
const programs = selectPrograms('xz');
const run = {
  status: 0,
  output: 'the end',
  lines: [
    { text: 'begin xz 1.50', at: at(10, 20) },
    { text: `end xz 4.00 ${output}`, at: at(13, 24) },
  ],
};

describe('the times of a program', () => {
  test('are those of the host and of the guest', () => {
    const times = timesOf(run, programs, 'QEMU');
    expect(times.get('xz')).toEqual({ outside: 3, inside: 2.5, cpu: 4, output });
  });

  test('are none when it has failed', () => {
    const failed = { ...run, lines: run.lines.slice(0, 1) };
    expect(() => timesOf(failed, programs, 'QEMU')).toThrow('xz did not come to its end on QEMU');
  });
});

test('what a program prints is the same everywhere', () => {
  const outputs = new Map<string, string>();
  const printed = (text: string) => new Map([['xz', { output: text }]]);
  checkOutputs(outputs, printed('a'), 'QEMU');
  checkOutputs(outputs, printed('a'), 'hartvisor');
  expect(() => checkOutputs(outputs, printed('b'), 'hartvisor')).toThrow(
    'xz printed something else on hartvisor than before: b, not a',
  );
});

test.each([
  ['usr/lib/riscv64-linux-gnu/libz.so.1.3.1', 'lib/libz.so.1'],
  ['usr/lib/riscv64-linux-gnu/ld-linux-riscv64-lp64d.so.1', 'lib/ld-linux-riscv64-lp64d.so.1'],
  ['usr/lib/riscv64-linux-gnu/libbfd-2.44-system.so', 'lib/libbfd-2.44-system.so'],
  ['usr/libexec/gcc/riscv64-linux-gnu/14/cc1', 'usr/bin/cc1'],
  ['bin/gzip', 'usr/bin/gzip'],
  ['usr/lib/python3.13/json/decoder.py', 'usr/lib/python3.13/json/decoder.py'],
  ['usr/share/gdb/auto-load/usr/lib/libstdc++.so.6.0.33-gdb.py', undefined],
])('%s has its place in the guest', (file, place) => {
  expect(placeOf(file)).toBe(place);
});

test('programs are chosen by their names, in the order of the table', () => {
  expect(selectPrograms('zstd, gcc').map(({ name }) => name)).toEqual(['gcc', 'zstd']);
  expect(selectPrograms(undefined)).toBe(guestPrograms);
  expect(() => selectPrograms('gc')).toThrow(/there is no "gc". There are gcc, python, /);
});

test('no script ends early what carries it into the guest', () => {
  for (const { script: own } of guestPrograms) expect(own).not.toMatch(/^PROGRAM$/m);
  expect(script(guestPrograms).match(/^PROGRAM$/gm)).toHaveLength(guestPrograms.length);
});
