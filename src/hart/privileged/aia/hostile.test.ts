/** Whatever software does to the CSRs of the AIA, in any mode, the hart and its interrupt files stay whole. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Mode, PrivilegedBed } from '../../../../test/hart/privileged-bed.ts';
import { FILE_BLOCK } from '../../../interrupts/interrupt-file.ts';
import { CAUSE } from '../../exceptions.ts';

const GUESTS = 2;
const IDENTITIES = 255;
const ILLEGAL: number = CAUSE.illegalInstruction;
const VIRTUAL: number = CAUSE.virtualInstruction;

/** All numbers that the AIA gives a meaning, and neighbours that have none. */
const CSRS = [
  ...[0x104, 0x114, 0x144, 0x14d, 0x150, 0x151, 0x152, 0x154, 0x15c, 0x204, 0x214, 0x244, 0x250, 0x251],
  ...[0x254, 0x25c, 0x303, 0x304, 0x308, 0x309, 0x313, 0x314, 0x318, 0x319, 0x344, 0x350, 0x351, 0x354],
  ...[0x35c, 0x600, 0x603, 0x604, 0x607, 0x608, 0x609, 0x613, 0x618, 0x645, 0x646, 0x647, 0x655, 0x656],
  ...[0x657, 0xdb0, 0xe12, 0xeb0, 0xfb0],
];
const word = fc.oneof(fc.bigInt(0n, (1n << 64n) - 1n), fc.bigInt(0n, 0x1ffn), fc.constant((1n << 64n) - 1n));
const step = fc.record({
  mode: fc.constantFrom<Mode>('M', 'HS', 'HS', 'U', 'VS', 'VS', 'VU'),
  csr: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...CSRS) }, { weight: 1, arbitrary: fc.nat(0xfff) }),
  access: fc.constantFrom('csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'),
  operand: fc.nat(31),
  value: word,
  /** Of a select register, so that what is behind it is reached. */
  select: fc.option(fc.integer({ min: 0x2e, max: 0x102 })),
  message: fc.record({ file: fc.nat(GUESTS + 1), identity: fc.oneof(fc.nat(IDENTITIES + 9), fc.integer()) }),
  interrupts: fc.boolean(),
});

test.each([32, 64] as const)('on RV%i', (xlen) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 120 }), fc.boolean(), (steps, stateEnable) => {
      const options = { aia: 'aplic-imsic', guestExternalInterrupts: GUESTS, stateEnable } as const;
      const bed = new PrivilegedBed(options, xlen);
      if (stateEnable) bed.write('mstateen0', (1n << 64n) - 1n);
      for (const { mode, csr, access, operand, value, select, message, interrupts } of steps) {
        bed.enter(mode);
        if (select !== null)
          for (const name of ['siselect', 'vsiselect', 'miselect']) bed.write(name, BigInt(select));
        bed.setX(11, value);
        const operands = access.endsWith('i') ? { imm: operand } : { rs1: operand % 2 === 0 ? 11 : 0 };
        expect(bed.causeOf(access, { rd: 10, csr, ...operands })).toBeOneOf([undefined, ILLEGAL, VIRTUAL]);
        bed.files[message.file]?.receive(message.identity);
        if (interrupts) bed.takeInterrupt();
        for (const name of ['mtopi', 'stopi', 'vstopi', 'mip', 'sip', 'hgeip']) bed.read(name);
      }
      for (const { words } of bed.files) {
        const { pending, enabled, delivery, threshold } = FILE_BLOCK.word;
        for (const array of [pending, enabled]) {
          expect((words[array] ?? 0) & 1).toBe(0);
          const beyond = words.subarray(array + (IDENTITIES + 1) / 32, array + 64);
          expect(beyond.every((bits) => bits === 0)).toBe(true);
        }
        expect(words[delivery]).toBeOneOf([0, 1]);
        expect((words[threshold] ?? -1) >>> 0).toBeLessThan(2048);
      }
    }),
    { numRuns: 100 },
  );
});
