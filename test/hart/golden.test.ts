/**
 * Compiled code as text, for people to look at when the compiler changes: `npx vitest run test/hart/golden.test.ts -u`
 * writes the files of `golden/` anew.
 */
import { describe, expect, test } from 'vitest';
import { regionLines } from '../../src/hart/lockstep/report.ts';
import { FINISH, HartBed, RAM } from './hart-bed.ts';

const DATA = RAM + 0x10_0000;

/** Guest programs by the name of their file; all of them have a hot loop at the label 1. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'sum-loop': `
    li a0, 0
    li a1, 300
  1: add a0, a0, a1
    addi a1, a1, -1
    bnez a1, 1b`,
  rotation: `
    li s0, 300
  1: slliw t0, a0, 7
    srliw t1, a0, 25
    or t0, t0, t1
    xor t0, t0, t1
    addw a0, t0, s0
    addi s0, s0, -1
    bnez s0, 1b`,
  'copy-loop': `
    li s0, ${DATA}
    li s1, ${DATA + 0x800}
    li s2, 100
  1: ld t0, 0(s0)
    lw t1, 8(s0)
    sd t0, 0(s1)
    sh t1, 8(s1)
    addi s2, s2, -1
    bnez s2, 1b`,
  'moving-pointers': `
    li s0, ${DATA}
    li s1, ${DATA + 0x900}
    li s2, 100
  1: lw t0, 0(s0)
    addi s0, s0, 4
    sd t0, -8(s1)
    addi s1, s1, -8
    addi s2, s2, -1
    bnez s2, 1b`,
  'linked-list': `
    li s0, ${DATA}
    sd s0, (s0)
    li s2, 100
  1: ld s0, 0(s0)
    addi s2, s2, -1
    bnez s2, 1b`,
  'call-in-place': `
    li s0, 200
    j 1f
  double: slliw a0, a0, 1
    ret
  1: call double
    xor a0, a0, s0
    addi s0, s0, -1
    bnez s0, 1b`,
  branches: `
    li s0, 300
  1: andi t0, s0, 3
    beqz t0, 2f
    addi a0, a0, 1
    j 3f
  2: addi a1, a1, 1
  3: addi s0, s0, -1
    bnez s0, 1b`,
  'amo-loop': `
    li s0, ${DATA}
    li s1, 200
  1: amoadd.w a0, s1, (s0)
    lr.d a1, (s0)
    sc.d a2, a1, (s0)
    addi s1, s1, -1
    bnez s1, 1b`,
  'float-loop': `
    li t0, 0x6000
    csrs mstatus, t0
    li s0, 200
  1: fcvt.d.w fa0, s0
    fmadd.d fa1, fa0, fa0, fa1
    addi s0, s0, -1
    bnez s0, 1b`,
};

describe('the WebAssembly of', () => {
  test.each(Object.entries(PROGRAMS))('%s', async (name, source) => {
    const regions: string[][] = [];
    const bed = new HartBed({ engine: 'jit', onRegion: (placed) => void regions.push(regionLines(placed)) });
    bed.load(source + FINISH).finish();
    const [, ...lines] = regions.at(-1) ?? [];
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`golden/${name}.txt`);
  });
});
