import { describe, expect, it } from 'vitest';
import { type StageProgress, StageReader } from './progress.ts';

function read(
  lines: readonly string[],
  essential = 2,
  portions: readonly number[] = [1],
): { told: StageProgress[]; reader: StageReader } {
  const told: StageProgress[] = [];
  const reader = new StageReader(essential, portions, (progress) => told.push(progress));
  for (const line of lines) reader.line(`${line}\r`);
  return { told, reader };
}

const lines = [
  'hartvisor: userspace is up',
  'hartvisor-step: format',
  'hartvisor-step: unpack',
  'hartvisor-step: essential',
  'status: libc6:riscv64: half-installed',
  'status: libc6:riscv64: unpacked',
  'status: dash: unpacked',
  'status: libc6:riscv64: installed',
  'status: dash: installed',
  'hartvisor-step: install',
  'pmstatus:nano:50.0000:Unpacking nano (riscv64)',
  'hartvisor-step: settle',
  'hartvisor: the image is complete',
  'hartvisor: run ended with status 0',
];

describe('StageReader', () => {
  it('goes forward, step by step and package by package', () => {
    const { told, reader } = read(lines);
    expect(told.map(({ step }) => step)).toEqual([
      ...['format', 'unpack', 'essential', 'essential', 'essential', 'essential', 'essential'],
      ...['install', 'install', 'settle'],
    ]);
    const fractions = told.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((one, other) => one - other));
    expect(fractions[0]).toBe(0);
    expect(fractions.at(-1)).toBeLessThan(1);
    expect(told[3].what).toBe('libc6');
    expect(told[8].what).toBe('nano');
    expect(reader.complete).toBe(true);
  });

  it('goes forward over all portions of packages', () => {
    const portion = (number: number) => [`hartvisor-step: install ${number}`, 'pmstatus:x:50:Unpacking x'];
    const { told } = read(
      ['hartvisor-step: install 1', ...portion(1), ...portion(2), 'hartvisor-step: settle'],
      2,
      [30, 10],
    );
    const [start, , half, second, last, end] = told.map(({ fraction }) => fraction);
    const part = (fraction: number) => (fraction - start) / (end - start);
    expect([half, second, last].map(part)).toEqual(
      [0.375, 0.75, 0.875].map((each) => expect.closeTo(each, 10)),
    );
  });

  it('begins where the guest does, and has no words of it for a failure', () => {
    const { told, reader } = read(
      ['hartvisor-step: install 2', 'hartvisor-keep: 4', 'the trouble'],
      2,
      [1, 1],
    );
    expect(told[0].fraction).toBeGreaterThan(0.5);
    expect(reader.trouble).toBe('the trouble');
  });

  it('is not complete before the end, and tells what went wrong', () => {
    const { reader } = read([
      'hartvisor-step: essential',
      'dpkg: error processing package passwd (--install):',
      ' post-installation script returned error exit status 1',
      'Setting up dash ...',
      'status: passwd : error : x',
      'hartvisor: run ended with status 1',
    ]);
    expect(reader.complete).toBe(false);
    expect(reader.trouble).toBe('dpkg: error processing package passwd (--install):');
  });

  it('tells the last lines where none says what is wrong', () => {
    expect(read(['a', 'b', 'c', '', 'd']).reader.trouble).toBe('b c d');
  });

  it('stays within its bounds, whatever is printed', () => {
    const { told } = read([
      'hartvisor-step: install',
      'pmstatus:x:400:y',
      'hartvisor-step: nonsense',
      'pmstatus:x:.:y',
    ]);
    for (const { fraction } of told) expect(fraction).toBeLessThanOrEqual(1);
  });
});
