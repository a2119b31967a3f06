/**
 * The cost of a debugger: how fast a loop runs without one, and with one whose points are elsewhere, beside the loop or
 * in it, in turns within one machine.
 */
import { readKernel } from '../../src/boot/kernel-image.ts';
import type { DebugTarget } from '../../src/debug/target.ts';
import { assemble } from '../../src/isa/index.ts';
import { Machine } from '../../src/machine/machine.ts';
import { NodeHost } from '../../src/node/node-host.ts';
import { median } from '../statistics.ts';
import { formatRatio, formatTable } from '../table.ts';

const TURNS = 5;
/** Milliseconds of each measurement, and before it. */
const LONG = 400;
const WARM_UP = 200;
const ORIGIN = 0x8020_0000n;
const PC = 32;

/**
 * Counts in memory and calls a function beside it; `aside` is in the same page, `far` and `other` are in pages of their
 * own.
 */
const PROGRAM = `
  la s0, data
  li s1, 0
loop:
  addi s1, s1, 1
  sd s1, 0(s0)
  jal leaf
  j loop
leaf:
  addi s2, s2, 1
  ret
aside:
  ret
  .balign 4096
far:
  ret
  .balign 4096
data:
  .dword 0, 0
  .balign 4096
other:
  .dword 0, 0
`;

type Point = readonly [kind: 'code' | 'write', label: string];

/** The points of a debugger in the machine; the first row is the yardstick. */
const SETTINGS: readonly { readonly name: string; readonly points: readonly Point[] }[] = [
  { name: 'no debugger', points: [] },
  { name: 'a debugger without points', points: [] },
  { name: 'a breakpoint in another page', points: [['code', 'far']] },
  { name: 'a breakpoint in the same page', points: [['code', 'aside']] },
  { name: 'a watchpoint in another page', points: [['write', 'other']] },
  { name: 'a watchpoint beside what is written', points: [['write', 'data8']] },
];

/** Measures all of it. @returns for people */
export async function runDebugBench(onProgress: (line: string) => void): Promise<string> {
  const { bytes, symbols } = assemble(PROGRAM, { origin: ORIGIN });
  const labels = new Map(symbols).set('data8', (symbols.get('data') ?? 0n) + 8n);
  const address = (label: string) => labels.get(label) ?? 0n;
  const kernel = await readKernel(Uint8Array.from(bytes), 'the program', {}, 64);
  const shape = { kind: 'domain', vcpus: 1, pcpus: 1, memoryBytes: 32 << 20, bootArgs: '' } as const;
  const machine = new Machine({ ...shape, protocol: 'take-mirror', kernel }, new NodeHost(), {
    console: { output: () => undefined },
  });
  machine.start();
  const counter = await counterOf(machine, Number(address('data')));
  const rates = SETTINGS.map((): number[] => []);
  // The first setting is measured before a debugger ever came, and once more in each turn: nothing is left of one.
  rates[0].push(await rateOf(counter));
  const target = await machine.debug();
  for (let turn = 0; turn < TURNS; turn++) {
    onProgress(`turn ${turn + 1} of ${TURNS}`);
    for (const [index, { points }] of SETTINGS.entries()) {
      if (index > 0) await change(target, (each) => target.insertPoint(each[0], address(each[1]), 8), points);
      rates[index].push(await rateOf(counter));
      if (index > 0) await change(target, (each) => target.removePoint(each[0], address(each[1]), 8), points);
    }
  }
  const steps = await stopsOf(target, () => target.resume(['step']));
  await change(target, () => target.insertPoint('code', address('leaf'), 4), [['code', 'leaf']]);
  // A step leads away from the point, as gdb does it.
  const hits = await stopsOf(target, () => {
    const isThere = target.readRegister(0, PC) === address('leaf');
    target.resume([isThere ? 'step' : 'run']);
  });
  machine.stop();
  await machine.ended;
  const [without, ...others] = rates.map(median);
  return formatTable([
    ['a loop of 7 instructions', 'million turns/s', 'relative'],
    [SETTINGS[0].name, (without / 1e6).toFixed(1), ''],
    ...others.map((rate, index) => [
      SETTINGS[index + 1].name,
      (rate / 1e6).toFixed(1),
      formatRatio(rate / without),
    ]),
    ['single steps, each told to the debugger', `${Math.round(steps)} /s`, ''],
    ['hits of a breakpoint, each with a step away', `${Math.round(hits / 2)} /s`, ''],
  ]);
}

/** Reads what the program counts, while it runs: its memory is shared. */
async function counterOf(machine: Machine, address: number): Promise<() => number> {
  const { memory, plan } = await machine.save((saved) => saved);
  const place = plan.ram.offset + (address - plan.ram.base);
  const words = new Uint32Array(memory.buffer, place, 2);
  return () => Atomics.load(words, 1) * 2 ** 32 + Atomics.load(words, 0);
}

/** Turns of the loop a second. */
async function rateOf(counter: () => number): Promise<number> {
  await delay(WARM_UP);
  const [from, begin] = [counter(), performance.now()];
  await delay(LONG);
  return ((counter() - from) / (performance.now() - begin)) * 1000;
}

async function change(
  target: DebugTarget,
  how: (point: Point) => boolean,
  points: readonly Point[],
): Promise<void> {
  await target.pause();
  for (const point of points) how(point);
  target.resume(['run']);
}

/** Stops a second, if the machine goes on after each by `goOn`. */
async function stopsOf(target: DebugTarget, goOn: () => void): Promise<number> {
  await target.pause();
  const done = Promise.withResolvers<void>();
  const begin = performance.now();
  let stops = 0;
  target.listen({
    stopped: () => {
      stops++;
      if (performance.now() - begin < LONG) goOn();
      else done.resolve();
    },
    ended: () => done.resolve(),
  });
  goOn();
  await done.promise;
  target.listen(undefined);
  const rate = (1000 * stops) / (performance.now() - begin);
  target.resume(['run']);
  return rate;
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
