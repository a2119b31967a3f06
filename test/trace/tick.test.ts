/** The trace of a guest that counts its own interrupts: pictures and numbers must agree with it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { readKernel } from '../../src/boot/kernel-image.ts';
import type { LiveInterrupt } from '../../src/trace/live.ts';
import type { TraceEvent } from './read-trace.ts';
import { runTraced, type TracedRun } from './run-traced.ts';

const LIMIT_MS = 240_000;
const kernel = await readKernel(readFileSync(new URL('../../guests/tick/tick.elf', import.meta.url)), 'tick');

async function takeAll(events: AsyncIterable<LiveInterrupt>): Promise<readonly LiveInterrupt[]> {
  const all: LiveInterrupt[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe('tick on 4 vCPUs over 2 pCPUs', () => {
  let run: TracedRun;
  let live: readonly LiveInterrupt[];

  beforeAll(async () => {
    const memoryBytes = 32 << 20;
    const shape = { kind: 'domain', vcpus: 4, pcpus: 2, memoryBytes, protocol: 'take-mirror' } as const;
    const config = { ...shape, kernel, bootArgs: 'seconds=1 ipis=300', trace: { records: 1 << 17 } };
    let watched: Promise<readonly LiveInterrupt[]> | undefined;
    run = await runTraced(config, LIMIT_MS, undefined, (machine) => {
      watched = takeAll(machine.interrupts({ limit: 1e6 }));
    });
    live = (await watched) ?? [];
    expect(run.output).toContain('tick: PASS');
    expect(run.notices).toEqual([]);
  }, LIMIT_MS + 10_000);

  const named = (name: string | RegExp, track?: string): readonly TraceEvent[] =>
    run.read.events.filter(
      (event) =>
        (typeof name === 'string' ? event.name === name : name.test(event.name)) &&
        (track === undefined || event.track === track),
    );

  test('has room for all records', () => {
    expect(run.trace.lostRecords).toBe(0);
    expect(named(/records lost/)).toEqual([]);
  });

  test('counts what the machine counts', () => {
    for (const [vcpu, stats] of run.stats.entries()) {
      const track = `vCPU ${vcpu}`;
      const { software, timers, externals } = run.trace.cpus[vcpu];
      expect(named('guest', track)).toHaveLength(stats.exits);
      expect(named('exit: WFI', track)).toHaveLength(stats.exitWfi);
      expect(named(/^exit: SBI/, track)).toHaveLength(stats.exitSbi);
      expect(software.set).toBe(stats.setSoft);
      expect(software.injected).toBe(stats.flushedSoft);
      expect(software.taken).toBe(stats.deliveredSoft);
      expect(timers).toBe(stats.deliveredTimer);
      expect(externals).toBe(stats.deliveredExternal);
      expect(named('software interrupt', track)).toHaveLength(stats.deliveredSoft);
      expect(named('timer interrupt', track)).toHaveLength(stats.deliveredTimer);
    }
    const loads = run.stats.reduce((sum, stats) => sum + stats.loads, 0);
    expect(
      run.read.slices.filter(({ track, name }) => /^pCPU/.test(track) && /^vCPU/.test(name)),
    ).toHaveLength(loads);
  });

  test('shows that nothing is lost, and nothing comes from nowhere', () => {
    for (const { software } of run.trace.cpus) {
      expect(software.lost).toBe(0);
      expect(software.spurious).toBe(0);
      // Each set was the first of its injection, or came with another one; at the end some may be under way.
      const outcome = software.injected + software.coalesced + software.withdrawn;
      expect(software.set - outcome).toBeOneOf([0, 1, 2, 3, 4]);
    }
    expect(named(/LOST/)).toEqual([]);
  });

  test('has an arrow from the set of each interrupt that was taken', () => {
    const taken = named('software interrupt').filter(({ args }) => args['set by'] === undefined);
    expect(taken.length).toBeGreaterThan(0);
    for (const { ends, track } of taken) {
      expect(ends.length).toBeGreaterThan(0);
      for (const flow of ends) {
        const names = run.read.arrows.get(flow)?.map((event) => event.name);
        expect(names?.[0]).toBe(`set software interrupt of ${track}`);
        expect(names?.at(-1)).toBe('software interrupt');
      }
    }
    for (const { ends } of named('timer interrupt')) {
      const [flow] = ends;
      const names = run.read.arrows.get(flow)?.map((event) => event.name);
      expect(names).toEqual(['timer is due', 'timer interrupt']);
    }
  });

  test('has an arrow from the wire of the serial port to the claim', () => {
    const claims = named(/^claim source 10/);
    const { sources } = run.trace;
    expect(sources).toEqual([
      {
        name: 'source 10 (uart16550)',
        raised: claims.length,
        coalesced: 0,
        claimed: claims.length,
        again: 0,
      },
    ]);
    expect(claims.length).toBe(run.stats.reduce((sum, stats) => sum + stats.deliveredExternal, 0));
    for (const { ends, track } of claims) {
      const names = run.read.arrows.get(ends[0])?.map((event) => event.name);
      expect(names?.[0]).toBe('raise source 10 (uart16550)');
      expect(names?.at(-1)).toBe('claim source 10 (uart16550)');
      expect(names).toContain(`kick ${track}`);
      expect(names).toContain('external interrupt');
    }
  });

  test('tells those who watch the same, live', () => {
    const words = { set: /^set /, injected: /^inject/, raised: /^raise/, claimed: /^claim source/ } as const;
    const missing = live.reduce((sum, each) => sum + each.missing, 0);
    const taken = run.stats.reduce(
      (sum, each) => sum + each.deliveredSoft + each.deliveredTimer + each.deliveredExternal,
      0,
    );
    const told = Object.values(words).reduce((sum, each) => sum + named(each).length, taken);
    // At the end nobody says how many were left out of the last batches.
    expect(live.length + missing).toBeLessThanOrEqual(told);
    if (missing > 0) return;
    for (const [what, name] of Object.entries(words)) {
      expect(live.filter((each) => each.what === what)).toHaveLength(named(name).length);
    }
    const first = live.find(({ what, cause, flow }) => what === 'taken' && cause === 1 && flow !== 0);
    const steps = live.filter(({ flow }) => flow === first?.flow).map(({ what }) => what);
    expect(steps).toEqual(['set', 'injected', 'taken']);
  });

  test('has one thing at a time on each track of a vCPU', () => {
    for (const { track, depth } of run.read.slices) {
      if (track.startsWith('vCPU')) expect(depth).toBe(0);
    }
  });
});
