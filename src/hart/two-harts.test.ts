import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, type HartBedOptions, RAM } from '../../test/hart/hart-bed.ts';

const DATA = RAM + 0x10_0000;

/** Runs the program that `bed` has in RAM on two harts in threads of their own. @returns what each ended with */
function onTwoThreads(bed: HartBed, options: HartBedOptions = {}): Promise<number[]> {
  const run = (index: number) =>
    new Promise<number>((resolve, reject) => {
      const worker = new Worker(new URL('../../test/hart/hart-worker.ts', import.meta.url), {
        workerData: { ...options, memory: bed.memory, index, harts: 2 } satisfies HartBedOptions,
      });
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  return Promise.all([run(0), run(1)]);
}

/** Both harts wait for each other, then do `body` `rounds` times (counted in s0). */
const together = (rounds: number, body: string, end = 'li a0, 0') => `
    li s1, ${DATA}
    csrr s2, mhartid
    li t0, 1
    amoadd.w x0, t0, (s1)
  1: lw t1, (s1)
    li t2, 2
    bne t1, t2, 1b
    li s0, ${rounds}
  again:
    ${body}
    addi s0, s0, -1
    bnez s0, again
    ${end}
    ${FINISH}`;

describe('two harts in threads', () => {
  test('lose no update that is atomic', async () => {
    const rounds = 20_000;
    const bed = new HartBed({ harts: 2 });
    bed.load(
      together(
        rounds,
        `li t0, 1
         addi t1, s1, 64
         amoadd.w x0, t0, (t1)
         addi t1, s1, 128
         amoadd.d x0, t0, (t1)
         addi t1, s1, 192
       2: lr.w t2, (t1)
         addi t2, t2, 1
         sc.w t3, t2, (t1)
         bnez t3, 2b
         addi t1, s1, 256
       2: lr.d.aq t2, (t1)
         addi t2, t2, 1
         sc.d.rl t3, t2, (t1)
         bnez t3, 2b
         addi t1, s1, 320
         amomax.w x0, s0, (t1)
         addi t1, s1, 384
       2: amoswap.w.aq t2, t0, (t1)
         bnez t2, 2b
         ld t3, 8(t1)
         addi t3, t3, 1
         sd t3, 8(t1)
         amoswap.w.rl x0, x0, (t1)`,
      ),
    );
    expect(await onTwoThreads(bed)).toEqual([0, 0]);
    const at = (offset: number) => bed.read64(DATA + offset);
    expect([64, 128, 192, 256, 320, 384, 392].map(at)).toEqual(
      [2 * rounds, 2 * rounds, 2 * rounds, 2 * rounds, rounds, 0, 2 * rounds].map(BigInt),
    );
  });

  test('never see half of an aligned access, whether the TLB has its page or not', async () => {
    const bed = new HartBed({ harts: 2 });
    // Hart 0 stores 0 and -1 in turn, hart 1 looks; a fence makes every access miss.
    const store = 'not s4, s4\n sfence.vma\n sd s4, 64(s1)';
    const look = 'sfence.vma\n ld t1, 64(s1)\n addi t1, t1, 1\n bgtu t1, s3, torn';
    bed.load(
      `li s3, 1\n li s4, 0\n ${together(20_000, `bnez s2, 2f\n ${store}\n j 3f\n 2: ${look}\n 3:`, 'li a0, 0\n j 4f\n torn: li a0, 1\n 4:')}`,
    );
    expect(await onTwoThreads(bed)).toEqual([0, 0]);
  });

  test('see stores in the order of fences', async () => {
    const bed = new HartBed({ harts: 2 });
    // Each writes its own flag, then reads the other's: without fences both could read the old value.
    const dekker = `slli t0, s2, 6
      add t0, t0, s1
      addi t0, t0, 64
      xori t1, s2, 1
      slli t1, t1, 6
      add t1, t1, s1
      addi t1, t1, 64
      sd s0, (t0)
      fence rw, rw
      ld t2, (t1)
      slli t3, s2, 3
      add t3, t3, s1
      sd t2, 256(t3)
      li t4, 1
      addi t5, s1, 320
      amoadd.w x0, t4, (t5)
    2: lw t4, (t5)
      li t6, 5001
      sub t6, t6, s0
      slli t6, t6, 2
      addi t6, t6, -2
      bltu t4, t6, 2b
      ld t2, 256(s1)
      ld t3, 264(s1)
      sub t2, t2, s0
      sub t3, t3, s0
      beqz t2, 3f
      bnez t3, bad
    3: li t4, 1
      amoadd.w x0, t4, (t5)
    2: lw t4, (t5)
      addi t0, t6, 2
      bltu t4, t0, 2b`;
    bed.load(together(5_000, dekker, 'li a0, 0\n j 4f\n bad: li a0, 1\n 4:'));
    expect(await onTwoThreads(bed)).toEqual([0, 0]);
  });
});

describe('two harts in threads compare and swap', () => {
  const rounds = 50;
  const options = { extensions: ['zacas', 'zabha'], engine: 'jit' } as const;
  const run = async (body: string) => {
    const bed = new HartBed({ harts: 2, ...options });
    bed.write64(DATA + 72, -1n);
    bed.load(together(rounds, body, 'li a0, 0\n j 4f\n bad: li a0, 1\n 4:'));
    expect(await onTwoThreads(bed, options)).toEqual([0, 0]);
    return bed;
  };
  const unsigned = (value: number): bigint => BigInt.asUintN(64, BigInt(value));

  test('registers of all widths, and register pairs as a whole', async () => {
    const add = (letter: string, offset: number): string => `
      addi a1, s1, ${offset}
      l${letter} a2, (a1)
    2: mv t0, a2
      addi a4, a2, 1
      amocas.${letter} a2, a4, (a1)
      bne a2, t0, 2b`;
    // The upper half of the pair is the complement of the lower one, whoever looks.
    const bed = await run(`
      ${add('b', 128)}
      ${add('h', 192)}
      ${add('w', 256)}
      ${add('d', 320)}
      addi a1, s1, 64
      ld a2, (a1)
      not a3, a2
    2: addi a4, a2, 1
      not a5, a4
      mv t0, a2
      amocas.q a2, a4, (a1)
      not t1, a2
      bne t1, a3, bad
      bne a2, t0, 2b`);
    for (const offset of [128, 192, 256, 320, 64]) {
      expect(bed.read64(DATA + offset)).toBe(unsigned(2 * rounds));
    }
    expect(bed.read64(DATA + 72)).toBe(unsigned(-1 - 2 * rounds));
  });

  test('register pairs of which another hart stores a half', async () => {
    // Hart 0 adds 1 to the upper half, hart 1 stores the lower one, and finds what it has stored.
    const bed = await run(`
      addi a1, s1, 64
      bnez s2, 3f
      ld a2, (a1)
      ld a3, 8(a1)
    2: addi a5, a3, 1
      mv a4, a2
      mv t0, a2
      mv t1, a3
      amocas.q a2, a4, (a1)
      bne a3, t1, bad
      bne a2, t0, 2b
      j 5f
    3: li t2, 500
    2: sd t2, (a1)
      ld t3, (a1)
      bne t2, t3, bad
      addi t2, t2, -1
      bnez t2, 2b
    5:`);
    expect(bed.read64(DATA + 72)).toBe(unsigned(rounds - 1));
  });
});

describe('a reservation', () => {
  /** Hart A reserves, hart B does something, hart A tries. @returns 0 if sc stored */
  function attempt(
    between: (a: HartBed, b: HartBed) => void,
    reserve = 'lr.d a1, (s1)',
    sc = 'sc.d a0, a2, (s1)',
  ): number {
    const a = new HartBed({ harts: 2 });
    const b = new HartBed({ harts: 2, index: 1, memory: a.memory });
    a.write64(DATA, 5n);
    a.load(`li s1, ${DATA}\n li a2, 9\n ${reserve}\n 1: lw t0, 64(s1)\n beqz t0, 1b\n ${sc}\n ${FINISH}`);
    a.run(50);
    between(a, b);
    a.write64(DATA + 64, 1n);
    const failed = a.finish();
    if (failed === 0 && !sc.includes('16')) expect(a.read64(DATA)).toBe(9n);
    return failed;
  }
  const runs = (source: string) => (_: HartBed, b: HartBed) => {
    b.load(`li s1, ${DATA}\n li t0, 6\n ${source}\n ${FINISH}`, RAM + 0x8000);
    b.pc = BigInt(RAM + 0x8000);
    b.finish();
  };

  test('holds while nothing happens', () => {
    expect(attempt(() => {})).toBe(0);
    expect(attempt(runs('ld t1, (s1)'))).toBe(0);
    expect(attempt(runs('sd t0, 128(s1)'))).toBe(0);
  });

  test.each([
    'sd t0, (s1)',
    'sb t0, 3(s1)',
    'sd t0, -1(s1)',
    'amoadd.d x0, t0, (s1)',
    'lr.d t1, (s1)\n sc.d t2, t0, (s1)',
  ])('is lost to %s of another hart', (store) => {
    expect(attempt(runs(store))).toBe(1);
  });

  test('is not lost to a change and back, although the manual has it so: a limit that the README names', () => {
    expect(attempt(runs('sd t0, (s1)\n li t0, 5\n sd t0, (s1)'))).toBe(0);
    expect(attempt(runs('amoadd.d x0, t0, (s1)\n neg t0, t0\n amoadd.d x0, t0, (s1)'))).toBe(0);
  });

  test('is for the same address and width', () => {
    expect(attempt(() => {}, 'lr.w a1, (s1)')).toBe(1);
    expect(attempt(() => {}, 'lr.d a1, (s1)', 'addi s1, s1, 16\n sc.d a0, a2, (s1)')).toBe(1);
    expect(attempt(() => {}, 'nop')).toBe(1);
  });

  test('is used up by sc, whether it stores or not', () => {
    expect(attempt(() => {}, 'lr.d a1, (s1)\n sc.d a0, a1, (s1)')).toBe(1);
    expect(attempt(() => {}, 'lr.d a1, (s1)\n addi t1, s1, 128\n sc.d a0, a1, (t1)')).toBe(1);
  });

  test('ends with the mode in which it was made', () => {
    const trap = 'la t0, 2f\n csrw mtvec, t0\n lr.d a1, (s1)\n ecall\n .balign 4\n 2:';
    expect(attempt(() => {}, trap)).toBe(1);
  });
});
