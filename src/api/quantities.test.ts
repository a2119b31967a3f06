import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { parseCount, parseDiskSize, parseMemory, parseSeconds } from './quantities.ts';

const mebibyte = 1024 * 1024;
const maximum = 4000 * mebibyte;

describe('memory sizes', () => {
  test.each([
    ['512', 512],
    ['512M', 512],
    ['512m', 512],
    ['512MiB', 512],
    ['512MB', 512],
    ['1G', 1024],
    ['1.5G', 1536],
    ['2048K', 2],
    [' 64 M ', 64],
    ['4000M', 4000],
  ])('%s is %d MiB', (text, mebibytes) => {
    expect(parseMemory(text, '--memory', maximum)).toBe(mebibytes * mebibyte);
  });

  test.each(['', 'lots', '-1', '1e9', '0x100', '12Q', 'M', '1.G', '1,5G', 'NaN'])(
    '"%s" is no size',
    (text) => {
      expect(() => parseMemory(text, '--memory', maximum)).toThrow(
        new InputError(
          `--memory ${text} is not a size of memory. Write for example 512M or 1.5G; a plain number counts MiB.`,
        ),
      );
    },
  );

  test.each(['4001M', '5G', '1T', '99999999999999999999999G'])('%s is more than there can be', (text) => {
    expect(() => parseMemory(text, '--memory', maximum)).toThrow(/--memory .* Give at most 4000M\.$/);
  });

  test.each(['0', '0G', '1.3K', '4097.5K', '0.0001K'])('%s does not come in pages', (text) => {
    expect(() => parseMemory(text, '--memory', maximum)).toThrow(/pages of 4 KiB/);
  });

  test('every number of pages can be written in KiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: maximum / 4096 }), (pages) => {
        expect(parseMemory(`${pages * 4}K`, '-m', maximum)).toBe(pages * 4096);
      }),
    );
  });
});

describe('counts', () => {
  test.each(['1', '64', '08'])('%s is possible', (text) => {
    expect(parseCount(text, '--smp', 'vCPUs', 64)).toBe(Number(text));
  });

  test.each(['0', '65', '1000', '-1', '1.5', 'x', '', '1e1', '0x2', '99999999999999999999'])(
    '"%s" is not',
    (text) => {
      expect(() => parseCount(text, '--smp', 'vCPUs', 64)).toThrow(
        new InputError(`--smp ${text} is not possible: give a whole number of vCPUs, 1 to 64.`),
      );
    },
  );
});

describe('seconds', () => {
  test.each([
    ['30', 30],
    ['0.5', 0.5],
    ['2147483', 2_147_483],
  ])('%s is possible', (text, seconds) => {
    expect(parseSeconds(text, '--timeout')).toBe(seconds);
  });

  test.each(['0', '-5', '2147484', '1m', '', 'Infinity', '1e3'])('"%s" is not', (text) => {
    expect(() => parseSeconds(text, '--timeout')).toThrow(/^--timeout .* is not possible: give seconds/);
  });
});

describe('sizes of disks', () => {
  test.each([
    ['512', 512],
    ['1.5K', 1536],
    ['20G', 20 * 2 ** 30],
    ['1TiB', 2 ** 40],
  ])('%s', (text, bytes) => {
    expect(parseDiskSize(text)).toBe(bytes);
  });

  test.each(['', '0', '-1', '12Q', '99999999T'])('"%s" is none', (text) => {
    expect(() => parseDiskSize(text)).toThrow(InputError);
  });
});
