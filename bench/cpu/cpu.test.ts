import { describe, expect, test } from 'vitest';
import { formatCpuResult, judge, type KernelResult, readChecksum } from './cpu.ts';

const both = (qemu: readonly number[], hartvisor: readonly number[]) => ({
  checksum: '0123456789abcdef',
  samples: { qemu: { user: qemu, wall: qemu }, hartvisor: { user: hartvisor, wall: hartvisor } },
});

describe('judge', () => {
  test('takes the start off both sides, each with its own', () => {
    const result = judge('list', both([1.1, 1.1, 1.1], [5, 4, 3]), both([0.1, 0.1, 0.1], [0.9, 1, 5]));
    expect(result.speed.median).toBeCloseTo(1 / 3, 9);
    expect(result.speed.min).toBeCloseTo(1 / 4, 9);
    expect(result.speed.max).toBeCloseTo(1 / 2, 9);
  });

  test('half of the time is twice the speed', () => {
    expect(judge('list', both([4], [2]), both([0], [0])).speed.median).toBe(2);
  });

  test('work that is shorter than the noise of the start keeps a ratio', () => {
    const { speed } = judge('list', both([0.1], [0.5]), both([0.2], [0.9]));
    expect(speed.median).toBe(1);
  });
});

describe('readChecksum', () => {
  const good = { output: 'checksum 00000000deadbeef\r\n', status: 0, timedOut: false };

  test('reads what the kernel printed through the serial port', () => {
    expect(readChecksum(good, 'list on qemu')).toBe('00000000deadbeef');
  });

  test.each([
    [{ ...good, status: 1 }, 'list on qemu ended with status 1; it printed: checksum 00000000deadbeef'],
    [{ ...good, timedOut: true }, 'list on qemu did not end in time'],
    [{ ...good, output: 'checksum 12' }, 'it printed: checksum 12'],
    [{ ...good, output: '' }, 'it printed: nothing'],
  ])('%j is no result', (run, message) => {
    expect(() => readChecksum(run, 'list on qemu')).toThrow(message);
  });
});

test('the table shows seconds with the start, ratios without it, and their mean', () => {
  const startUp = both([0.5], [1]);
  const kernels: KernelResult[] = [
    judge('list', both([1.5], [3]), startUp),
    judge('crc', both([1.5], [1.5]), startUp),
  ];
  const setting = {
    ...{ date: '2026-01-02T03:04:05.000Z', qemu: 'QEMU 1', node: 'v24', processor: 'X' },
    ...{ processors: 2, load: [0.1, 0.2, 0.3] },
  };
  const text = formatCpuResult({ setting, startUp: startUp.samples, kernels, geometricMean: 1 });
  expect(text).toContain('2026-01-02; QEMU 1; hartvisor on Node v24');
  expect(
    text
      .split('\n')
      .slice(-4)
      .map((line) => line.replaceAll(/ {2,}/g, ' ')),
  ).toEqual([
    'list 1.50 3.00 0.50 0.50..0.50 0.50',
    'crc 1.50 1.50 2.00 2.00..2.00 2.00',
    'geometric mean 1.00',
    '(start-up) 0.50 1.00',
  ]);
});
