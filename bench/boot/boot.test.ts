import { describe, expect, test } from 'vitest';
import { checkBoot, formatBootResult } from './boot.ts';

describe('checkBoot', () => {
  const good = { marker: { wall: 1, user: 1, system: 0 }, output: '', status: 0, timedOut: false };

  test('accepts userspace and a clean end', () => {
    expect(() => checkBoot(good, 'the boot')).not.toThrow();
  });

  test.each([
    [{ ...good, marker: undefined }, 'the boot did not reach userspace and ended with status 0'],
    [
      { ...good, status: 3, output: 'Oops' },
      'reached userspace and ended with status 3; the end of its output: Oops',
    ],
    [{ ...good, timedOut: true }, 'reached userspace and did not end in time'],
  ])('refuses %j', (run, message) => {
    expect(() => checkBoot(run, 'the boot')).toThrow(message);
  });
});

test('the table shows medians and the ratio of times', () => {
  const contenders = [
    { label: 'QEMU', version: 'QEMU 1' },
    { label: 'hartvisor', version: 'Node v24' },
  ];
  const machine = { processor: 'X', processors: 2, load: [0.1, 0.2, 0.3] };
  const setting = { date: '2026-01-02T03:04:05.000Z', contenders, ...machine };
  const ratio = { hartvisor: { median: 3, min: 2.5, max: 3.5 } };
  const samples = { QEMU: [1, 2, 9], hartvisor: [6, 6, 7] };
  const text = formatBootResult({ setting, rows: [{ vcpus: 2, time: 'userspace', samples, ratio }] });
  expect(text).toContain('medians of 3 turns');
  expect(text.split('\n').at(-1)?.replaceAll(/ {2,}/g, '|')).toBe(
    '2 vCPUs, wall, to userspace|2.00|6.00|3.00|2.50..3.50',
  );
});
