import { describe, expect, test } from 'vitest';
import { DEVICE, FINISH, HartBed, RAM } from '../../test/hart/hart-bed.ts';

const DATA = RAM + 0x10_0000;
/** By then all is compiled; instructions that are looked at. */
const WARM_UP = 24_000_000;
const INSTRUCTIONS = 1_000_000;

/**
 * The share of the instructions of an endless loop that is interpreted after a while, and the regions that there are.
 */
function interpretedShare(
  source: string,
  warmUp = WARM_UP,
): { readonly share: number; readonly live: number } {
  const bed = new HartBed({ engine: 'jit', compileAfter: 8 });
  bed.load(source);
  const measure = () => ({ all: bed.hart.instructions, compiled: bed.hart.regionStatistics?.retired ?? 0 });
  bed.run(warmUp);
  const before = measure();
  bed.run(INSTRUCTIONS);
  const after = measure();
  const share = 1 - (after.compiled - before.compiled) / (after.all - before.all);
  return { share, live: bed.hart.regionStatistics?.live ?? 0 };
}

const STEP = 'add a1, a1, a2\nxor a2, a2, a1\nsrli a3, a1, 7\nadd a2, a2, a3\n';
const straight = (instructions: number) => STEP.repeat(instructions / 4);

describe('long code is compiled to its end', () => {
  test.each([200, 300, 340, 400, 800, 1040, 1100, 1600, 4000, 20_000])(
    'a loop of %i instructions',
    (body) => {
      const { share, live } = interpretedShare(`loop: ${straight(body)}\nj loop`);
      expect(share).toBeLessThan(0.01);
      // Parts that chain, not one from everywhere.
      expect(live).toBeLessThanOrEqual(3 + body / 400);
    },
  );

  test('behind branches that are not taken', () => {
    const part = (index: number) => `${straight(20)}\nbeq a0, s0, at${index}\nnop\nat${index}:\n`;
    const source = `li s0, 1\nloop: ${Array.from({ length: 200 }, (_, index) => part(index)).join('')}\nj loop`;
    expect(interpretedShare(source).share).toBeLessThan(0.02);
  });

  test('behind branches that are taken', () => {
    const part = (index: number) => `${straight(40)}\nbeq a0, x0, at${index}\nnop\nat${index}:\n`;
    const source = `loop: ${Array.from({ length: 100 }, (_, index) => part(index)).join('')}\nj loop`;
    expect(interpretedShare(source).share).toBeLessThan(0.02);
  });

  test('behind instructions that are not compiled', () => {
    const source = `loop: ${`csrr t0, sscratch\n${straight(400)}\n`.repeat(10)}\nj loop`;
    expect(interpretedShare(source).share).toBeLessThan(0.02);
  });

  test('in a function that is called through a register', () => {
    const source = `la s1, long\nloop: jalr s1\nj loop\nlong: ${straight(4000)}\nret`;
    expect(interpretedShare(source).share).toBeLessThan(0.01);
  });

  test('in many functions, none of which has a loop', () => {
    const call = (index: number) => `la s1, long${index}\njalr s1\n`;
    const callee = (index: number) => `long${index}: ${straight(200)}\nret\n`;
    const all = Array.from({ length: 40 }, (_, index) => index);
    const source = `loop: ${all.map(call).join('')}\nj loop\n${all.map(callee).join('')}`;
    expect(interpretedShare(source, 4 * WARM_UP).share).toBeLessThan(0.02);
  });

  test('if pages end within its instructions', () => {
    const source = `c.nop\nloop: ${straight(4000)}\nj loop`;
    expect(interpretedShare(source).share).toBeLessThan(0.01);
  });
});

test('long code that is compiled in parts does what the interpreter does', () => {
  const body = Array.from(
    { length: 1500 },
    (_, at) =>
      `add a1, a1, a2\nxori a2, a1, ${at}\nsd a2, ${8 * (at % 200)}(s0)\nld a3, ${8 * ((at * 7) % 200)}(s0)\n`,
  ).join('');
  const source = `li s0, ${DATA}\nli s1, 40\nli a2, 1
    loop: ${body}
    addi s1, s1, -1
    beqz s1, out
    j loop
    out: add a0, a2, a3
    ${FINISH}`;
  const results = (['interp', 'jit'] as const).map((engine) => {
    const bed = new HartBed({ engine, compileAfter: 2 });
    bed.load(source).finish(10_000_000);
    return bed.result;
  });
  expect(results[0]).toBeDefined();
  expect(results[1]).toBe(results[0]);
});

test('the rest of a turn behind an access that compiled code leaves to the interpreter becomes no region if short', () => {
  // Of 16 turns one loads from a device.
  const access = 'andi t1, s1, 15\nseqz t1, t1\nneg t1, t1\nand t1, t1, s2\nadd t1, t1, s0\nlw t2, (t1)';
  const loop = (rest: number) => `li s0, ${DATA}\nli s2, ${DEVICE - DATA}
    loop: addi s1, s1, 1\n${straight(40)}\n${access}\n${straight(rest)}\nj loop`;
  expect(interpretedShare(loop(8)).live).toBe(1);
  expect(interpretedShare(loop(40)).live).toBeGreaterThan(1);
});
