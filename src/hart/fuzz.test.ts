import { describe, expect, test } from 'vitest';
import {
  EXCLUSION_AT,
  EXIT,
  EXIT_REQUEST,
  EXTENSIONS,
  HartBed,
  PAGE,
  PTE,
  RAM,
} from '../../test/hart/hart-bed.ts';
import { type Extension, instructionsFor } from '../isa/index.ts';
import { type HartPoint, POINT_KIND } from './debug/point-list.ts';
import { EXCLUSION } from './exclusion.ts';

/** Beside what harts of beds have. */
const MORE: readonly Extension[] = ['zacas', 'zabha', 'zknd', 'zkne', 'zicond', 'zfa'];
/** The instructions of the hart: all else would be illegal ones, and most of all there are. */
const LEGAL = instructionsFor(64).filter(({ extension }) => [...EXTENSIONS, ...MORE].includes(extension));

/** How many guests of each kind are tried; set HART_FUZZ_SEEDS for more, HART_FUZZ_SEED for others. */
const SEEDS = Number(process.env.HART_FUZZ_SEEDS ?? 10);
const FIRST_SEED = Number(process.env.HART_FUZZ_SEED ?? 1);

/** A small generator of pseudo-random numbers (xorshift), so that a seed tells the whole guest. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e37_79b9) | 1;
  }

  word(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state;
  }

  below(limit: number): number {
    return (this.word() >>> 0) % limit;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

const CANARY = 0xa5;

/** A hart in whose linear memory everything but RAM, its own area and what it shares with others holds canaries. */
class FuzzBed extends HartBed {
  constructor(hsHost: boolean) {
    super({ codePages: 8, hsHost, guestExternalInterrupts: 3, extensions: MORE });
    for (const [start, end] of this.#outside()) this.bytes.fill(CANARY, start, end);
  }

  /** Everything that no guest may reach. */
  #outside(): [number, number][] {
    const { origin } = this;
    return [
      [origin, origin + EXIT_REQUEST],
      [origin + EXIT_REQUEST + 4, origin + EXCLUSION_AT],
      [origin + EXCLUSION_AT + EXCLUSION.bytes, origin + 0x1000],
      [this.areaEnd, this.ramOffset],
      [this.ramOffset + this.ramBytes, this.bytes.length],
    ];
  }

  expectIntact(what: string): void {
    for (const [start, end] of this.#outside()) {
      for (let at = start; at < end; at++) {
        if (this.bytes[at] !== CANARY) throw new Error(`${what}: the byte at ${at} was overwritten`);
      }
    }
  }
}

/** An encoding that decodes, with random operands; or bits of any kind. */
function instruction(random: Random): number {
  if (random.below(8) === 0) return random.word();
  const { match, mask } = random.pick(LEGAL);
  return (match | (random.word() & ~mask)) >>> 0;
}

const CSRS = [
  0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144, 0x14d, 0x180, 0x200, 0x204, 0x205,
  0x240, 0x241, 0x244, 0x24d, 0x280, 0x300, 0x302, 0x303, 0x304, 0x305, 0x306, 0x30a, 0x320, 0x340, 0x341,
  0x344, 0x3a0, 0x3b0, 0x3b1, 0x600, 0x602, 0x603, 0x604, 0x605, 0x606, 0x607, 0x60a, 0x643, 0x644, 0x645,
  0x64a, 0x680, 0xb00, 0xb02, 0x001, 0x002, 0x003,
] as const;

/** csrrw, csrrs or csrrc on a CSR that matters. */
function csrWrite(random: Random): number {
  return ((random.pick(CSRS) << 20) | (random.below(32) << 15) | ((1 + random.below(3)) << 12) | 0x73) >>> 0;
}

/** A page table entry that leads somewhere, more often than not. */
function entry(random: Random): bigint {
  const page = random.below(8) === 0 ? random.word() >>> 0 : (RAM >>> 12) + random.below(512);
  const flags = random.below(3) === 0 ? PTE.v : random.below(256) | (random.below(4) > 0 ? PTE.v : 0);
  const upper = random.below(16) === 0 ? BigInt(random.word() >>> 0) << 54n : 0n;
  return (BigInt(page) << 10n) | BigInt(flags) | upper;
}

function address(random: Random): bigint {
  switch (random.below(6)) {
    case 0:
      return (BigInt(random.word() >>> 0) << 32n) | BigInt(random.word() >>> 0);
    case 1:
      return BigInt.asUintN(64, BigInt(random.word()));
    case 2:
      return BigInt(random.below(0x400000));
    default:
      return BigInt(RAM + random.below(0x20_0100) - 0x80);
  }
}

/** Fills RAM and registers with a guest that makes some sense. */
function populate(bed: FuzzBed, random: Random): void {
  for (let page = 0; page < 512; page++) {
    const at = RAM + page * PAGE;
    const kind = random.below(4);
    for (let offset = 0; offset < PAGE; offset += 8) {
      if (kind === 0) bed.write64(at + offset, entry(random));
      else {
        const code = () => (random.below(6) === 0 ? csrWrite(random) : instruction(random));
        bed.write32(at + offset, code());
        bed.write32(at + offset + 4, code());
      }
    }
  }
  unsettle(bed, random);
}

/** Gives registers and CSRs new values, and the hart a new place to go on. */
function unsettle(bed: FuzzBed, random: Random): void {
  const { hart } = bed;
  for (let register = 1; register < 32; register++) {
    const value = address(random);
    hart.state.setX(register, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }
  for (const csr of CSRS) {
    if (random.below(2) === 0) continue;
    const isAddressSpace = csr === 0x180 || csr === 0x280 || csr === 0x680;
    if (isAddressSpace) {
      const mode = random.pick([0, 0, 0, 8, 9, 10]);
      const root = (RAM >>> 12) + random.below(512);
      hart.privileged.writeCsr(csr, root, (mode << 28) | (random.below(4) << 12));
    } else if (csr === 0x105 || csr === 0x205 || csr === 0x305) {
      hart.privileged.writeCsr(csr, RAM + random.below(0x20_0000), 0);
    } else if (csr !== 0x3a0 && csr !== 0x3b0 && csr !== 0x3b1) {
      hart.privileged.writeCsr(csr, random.word(), random.word());
    }
  }
  bed.lines = random.below(4) === 0 ? random.word() & 0xa88 : 0;
  bed.guestExternalLines = random.below(16);
  bed.ticks += random.below(1000);
  bed.pc = BigInt(RAM + random.below(0x10_0000) * 2);
}

/** Points that a debugger may want to stop at: code where the hart is and elsewhere, and memory of all kinds. */
function points(bed: FuzzBed, random: Random): HartPoint[] {
  return Array.from({ length: random.below(6) }, () => {
    const isCode = random.below(2) === 0;
    const at = random.below(2) === 0 ? bed.pc + BigInt(random.below(64) * 2) : address(random);
    return {
      low: Number(BigInt.asIntN(32, at)),
      high: Number(BigInt.asIntN(32, at >> 32n)),
      kinds: isCode ? POINT_KIND.code : 2 * (1 + random.below(3)),
      length: isCode ? 1 : 1 + random.below(0x4000),
    };
  });
}

/** Acts as a host that plays HS-mode: enters its guest by SRET, behind the instruction that trapped or elsewhere. */
function resume(bed: FuzzBed, random: Random): void {
  const { privileged } = bed.hart;
  privileged.writeCsr(0x600, 0x80 | (random.below(2) << 8), 0);
  const sepc = random.below(4) > 0 ? bed.csr('sepc') + 4n : BigInt(RAM + random.below(0x10_0000) * 2);
  privileged.writeCsr(0x141, Number(BigInt.asIntN(32, sepc)), Number(BigInt.asIntN(32, sepc >> 32n)));
  // Exceptions of the guest are its own, floating point is on.
  privileged.writeCsr(0x602, random.below(2) === 0 ? 0xb1ff : 0, 0);
  privileged.writeCsr(0x100, 0x6000, 0);
  privileged.writeCsr(0x200, 0x6000, 0);
  bed.hart.resumeGuest();
}

describe('a guest of random bytes', () => {
  test.each([
    ['that has the whole machine', false, 100, 1, false],
    ['below a host that plays HS-mode', true, 3000, 30, false],
    ['that has the whole machine, and a debugger', false, 12, 1, true],
    ['below a host that plays HS-mode, with a debugger', true, 400, 30, true],
  ])('%s never gets the better of the hart', (_, hsHost, runs, steady, isDebugged) => {
    let executed = 0;
    let exceptions = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const random = new Random(seed);
      const bed = new FuzzBed(hsHost);
      const { hart } = bed;
      if (random.below(2) === 0) hart.pmp.allowAll();
      populate(bed, random);
      try {
        for (let run = 0; run < runs; run++) {
          if (run % steady === 0) unsettle(bed, random);
          if (hsHost) resume(bed, random);
          bed.askToLeave(0);
          if (isDebugged && run % 4 === 0) hart.debug(points(bed, random));
          const steps = isDebugged && random.below(2) === 0;
          const exit = steps ? hart.step() : hart.run(100 + random.below(500));
          if (exit !== EXIT.trap && hsHost) hart.interruptGuest();
        }
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
      bed.expectIntact(`seed ${seed}`);
      executed += hart.instructions;
      exceptions += hart.exceptionRow.total;
    }
    expect(executed).toBeGreaterThan(1000);
    expect(exceptions).toBeGreaterThan(100);
    if (process.env.HART_FUZZ_SEEDS !== undefined) console.log({ hsHost, executed, exceptions });
  });
});
