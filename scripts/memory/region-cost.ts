/**
 * Measures the memory of a compiled region: `node scripts/memory/region-cost.ts [--regions N] [--turns N]`.
 *
 * For several kinds of code and sizes a hart runs so many loops, all different, and what is resident is compared before
 * and after, all of linear memory having been touched before. Each case has a process of its own. Needs Linux.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { RegionStatistics } from '../../src/hart/index.ts';
import { HartBed, PAGE, RAM } from '../../test/hart/hart-bed.ts';
import { Random } from '../../test/streams/random.ts';

const KIB = 1024;
const DATA = RAM + 0x100;
const CODE = RAM + 0x1000;
const SIZES = [4, 16, 48, 90];
/** Regions that are compiled before: with the first ones the compiler itself grows. */
const WARM_UP = 200;

/** One instruction of each kind of code, with random operands. */
const KINDS: Readonly<Record<string, (random: Random) => string>> = {
  integer: (random) =>
    `${random.pick(['add', 'xor', 'sub', 'sll', 'sltu', 'mulw'])} t${random.below(3)}, t${random.below(3)}, a${random.below(6)}`,
  memory: (random) =>
    `${random.pick(['ld', 'sd', 'lw', 'sw', 'lbu'])} t${random.below(3)}, ${random.below(16) * 8}(s1)`,
  branches: (random) =>
    `${random.pick(['beq', 'bltu', 'bge'])} t${random.below(3)}, a${random.below(6)}, .+8\n addi t${random.below(3)}, a${random.below(6)}, ${random.below(2000)}`,
  atomic: (random) =>
    `${random.pick(['amoadd', 'amoxor', 'amomax', 'amominu', 'amoswap'])}.${random.pick(['w', 'd'])} t${random.below(3)}, a${random.below(6)}, (s1)`,
  float: (random) =>
    `${random.pick(['fadd.d', 'fmul.s', 'fdiv.d', 'fsub.s', 'fmin.d'])} f${random.below(8)}, f${random.below(8)}, f${random.below(8)}`,
};

function collect(): void {
  setFlagsFromString('--expose-gc');
  for (let time = 0; time < 3; time++) runInNewContext('gc')();
}

interface Snapshot extends Pick<RegionStatistics, 'live' | 'compiled' | 'bytes' | 'instructions'> {
  readonly resident: number;
}

function snapshot(bed: HartBed): Snapshot {
  const { regionStatistics } = bed.hart;
  if (regionStatistics === undefined) throw new Error('the hart does not compile');
  return { ...regionStatistics, resident: process.memoryUsage.rss() };
}

function measure(kind: string, size: number, regions: number, turns: number): void {
  const random = new Random(size);
  const bed = new HartBed({ engine: 'jit', codePages: 2048, ramBytes: 16 << 20 });
  for (let at = 0; at < bed.bytes.length; at += PAGE) bed.bytes[at] |= 0;
  bed.setCsr('mstatus', 0x6000n);
  const starts: number[] = [];
  for (let index = 0, at = CODE; index < regions + WARM_UP; index++, at += size * 8 + 24) {
    const body = Array.from({ length: size }, () => KINDS[kind](random)).join('\n');
    bed.load(`.option norvc\n1: ${body}\naddi s0, s0, -1\nbnez s0, 1b\nebreak`, at);
    starts.push(at);
  }
  const run = (times: number, from: number, to = starts.length): void => {
    for (const start of starts.slice(from, to)) {
      bed.pc = BigInt(start);
      bed.setX('s0', BigInt(times));
      bed.setX('s1', BigInt(DATA));
      // The hart traps to where nothing is when the loop has ended.
      for (let runs = 0; runs < 1e6 && bed.x('s0') > 0n; runs++) bed.run(runs < 3 ? 24 : 100_000);
    }
  };
  run(turns, 0, WARM_UP);
  collect();
  const before = snapshot(bed);
  run(100, WARM_UP);
  collect();
  const first = snapshot(bed);
  run(turns, WARM_UP);
  collect();
  const later = snapshot(bed);
  const compiled = later.compiled - before.compiled;
  const perRegion = ({ resident, live }: Snapshot): string =>
    ((resident - before.resident) / (live - before.live) / KIB).toFixed(1).padStart(8);
  console.log(
    `${kind.padEnd(9)} ${String(size).padStart(4)} ${String(later.live - before.live).padStart(8)}` +
      `${((later.instructions - before.instructions) / compiled).toFixed(0).padStart(8)}` +
      `${((later.bytes - before.bytes) / compiled / KIB).toFixed(2).padStart(8)}${perRegion(first)}${perRegion(later)}`,
  );
}

const { values } = parseArgs({
  options: {
    regions: { type: 'string', default: '300' },
    turns: { type: 'string', default: '20000' },
    kind: { type: 'string' },
    size: { type: 'string', default: '0' },
  },
});
if (values.kind !== undefined) {
  measure(values.kind, Number(values.size), Number(values.regions), Number(values.turns));
} else {
  console.log('kind      size  regions  instr. KiB wasm   first   later  (resident KiB a region)');
  for (const kind of Object.keys(KINDS)) {
    for (const size of SIZES) {
      const args = [
        '--kind',
        kind,
        '--size',
        String(size),
        '--regions',
        values.regions,
        '--turns',
        values.turns,
      ];
      process.stdout.write(execFileSync(process.execPath, [process.argv[1], ...args]));
    }
  }
}
