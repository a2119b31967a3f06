/** Traces of other machines than the usual one: bare harts, a device with a queue, interrupt files. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readKernel } from '../../src/boot/kernel-image.ts';
import { REG } from '../../src/devices/virtio/registers.ts';
import { bareProgram, finish } from '../machine/programs.ts';
import { runTraced } from './run-traced.ts';

const LIMIT_MS = 240_000;

/** Asks the entropy device for 8 bytes, claims its interrupt, sleeps until its own timer, and interrupts itself. */
const program = `
  la t0, trap; csrw mtvec, t0
  li s0, 0x10001000
  li t0, 3; sw t0, ${REG.STATUS}(s0)
  li t0, 1; sw t0, ${REG.DRIVER_FEATURES_SEL}(s0); sw t0, ${REG.DRIVER_FEATURES}(s0)
  li t0, 0xb; sw t0, ${REG.STATUS}(s0)
  sw zero, ${REG.QUEUE_SEL}(s0)
  li t0, 8; sw t0, ${REG.QUEUE_NUM}(s0)
  la t0, table; sw t0, ${REG.QUEUE_DESC}(s0)
  la t0, avail; sw t0, ${REG.QUEUE_DRIVER}(s0)
  la t0, used; sw t0, ${REG.QUEUE_DEVICE}(s0)
  li t0, 1; sw t0, ${REG.QUEUE_READY}(s0)
  li t0, 0xf; sw t0, ${REG.STATUS}(s0)
  li s1, 0xc000000; li t0, 1; sw t0, 4(s1)
  li s1, 0xc002000; li t0, 2; sw t0, (s1)
  li s1, 0xc200000; sw zero, (s1)
  la t0, table; la t1, buffer; sd t1, (t0)
  li t1, 8; sw t1, 8(t0); li t1, 2; sh t1, 12(t0)
  la t0, avail; li t1, 1; fence; sh t1, 2(t0); fence
  sw zero, ${REG.QUEUE_NOTIFY}(s0)
  lw s2, 4(s1); li t0, 1; sw t0, ${REG.INTERRUPT_ACK}(s0); sw s2, 4(s1); lw s3, 4(s1)
  li t0, 0x80; csrw mie, t0
  li t0, 0x200bff8; ld t1, (t0); li t0, 1000000; add t1, t1, t0; li t0, 0x2004000; sd t1, (t0)
  wfi
  li t0, 8; csrw mie, t0; csrs mstatus, t0
  li t0, 0x2000000; li t1, 1; sw t1, (t0)
1: j 1b
trap: ${finish(0x5555)}
2: j 2b
.balign 16
table: .zero 128
avail: .zero 32
.balign 8
used: .zero 128
buffer: .zero 8
`;

test(
  'of a bare machine shows its hart, its queue, and the way of its interrupts',
  async () => {
    const shape = { kind: 'bare', harts: 1, memoryBytes: 32 << 20 } as const;
    const { end, read, trace } = await runTraced({ ...shape, program: bareProgram(program) }, LIMIT_MS);
    expect(end).toEqual({ reason: 'poweroff' });
    const of = (track: string) => read.slices.filter((slice) => slice.track === track);
    expect(of('hart 0').map(({ name }) => name)).toEqual(expect.arrayContaining(['code', 'WFI']));
    const requests = of('virtio-rng at 0x10001000 queue 0');
    expect(requests).toHaveLength(1);
    const [claim] = read.events.filter(({ name }) => name === 'claim source 1 (virtio-rng)');
    expect(read.arrows.get(claim?.ends[0] ?? 0n)?.map(({ name }) => name)).toEqual([
      'raise source 1 (virtio-rng)',
      'kick hart 0',
      'claim source 1 (virtio-rng)',
    ]);
    expect(read.events.filter(({ name }) => name === 'claim: none left')).toHaveLength(1);
    const [taken] = read.events.filter(({ name }) => name === 'machine software interrupt');
    expect(taken?.track).toBe('hart 0');
    expect(taken?.args.mode).toBe('M');
    expect(trace.sources).toEqual([
      { name: 'source 1 (virtio-rng)', raised: 1, coalesced: 0, claimed: 1, again: 0 },
    ]);
  },
  LIMIT_MS,
);

test(
  'of a domain with interrupt files follows messages to their claims',
  async () => {
    const elf = readFileSync(new URL('../../guests/tick/tick.elf', import.meta.url));
    const kernel = await readKernel(elf, 'tick');
    const shape = { kind: 'domain', vcpus: 2, pcpus: 2, memoryBytes: 32 << 20, aia: 'aplic-imsic' } as const;
    const config = { ...shape, kernel, protocol: 'take-mirror', bootArgs: 'rounds=20' };
    const { output, read, trace } = await runTraced(config, LIMIT_MS);
    expect(output).toContain('tick: PASS');
    const claims = read.events.filter(
      ({ name, ends }) => name.startsWith('claim message') && ends.length > 0,
    );
    expect(claims.length).toBeGreaterThan(0);
    for (const { name, track, ends } of claims) {
      const way = read.arrows.get(ends[0] ?? 0n)?.map((event) => event.name) ?? [];
      expect(way[0]).toBe(name.replace('claim', 'send'));
      expect(way.at(-1)).toBe(name);
      expect(name.endsWith(` of ${track.replace('vCPU ', '')}`)).toBe(true);
    }
    for (const { raised, coalesced, claimed, again } of trace.sources.filter(({ name }) =>
      /^message/.test(name),
    )) {
      // Each message is claimed once, unless it was one with another, or is under way yet, or was cleared.
      expect(claimed - again).toBeLessThanOrEqual(raised - coalesced);
    }
    expect(trace.cpus.map(({ software }) => software.lost)).toEqual([0, 0]);
  },
  LIMIT_MS,
);
