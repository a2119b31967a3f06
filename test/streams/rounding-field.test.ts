import { expect, test } from 'vitest';
import { encode } from './code.ts';
import { dialectOf } from './dialects.ts';
import { assembleFrame } from './frame.ts';
import { LAYOUT, type Roles, TRAP_BYTES } from './layout.ts';
import { HartvisorMachine } from './on-hartvisor.ts';

const roles: Roles = { log: 5, traps: 6, temporary: 7, pool: 28, data: 29, link: 30, counter: 31 };
const setting = {
  dialect: dialectOf('qemu7', 64),
  xlen: 64,
  mode: 'M',
  paged: false,
  delegated: 0,
  sum: false,
  mxr: false,
  pmm: 0,
} as const;
const ROUNDED = ['fcvt.d.s', 'fcvt.d.w', 'fcvt.d.wu', 'fcvt.s.d', 'fcvt.s.l', 'fadd.s', 'fmadd.d', 'fsqrt.d'];
const DYNAMIC = 7;
const machine = new HartvisorMachine();

/** The causes of the traps that these encodings raise, in order. */
function causes(encodings: readonly number[]): number[] {
  const body = [...encodings, encode('addi', { rd: roles.counter, imm: -1 }), encode('ecall', {})];
  const image = new Uint8Array(LAYOUT.body - LAYOUT.ram + 4 * body.length);
  image.set(assembleFrame(roles, setting));
  image.set(new Uint8Array(Uint32Array.from(body).buffer), LAYOUT.body - LAYOUT.ram);
  const [, results] = machine.run({ seed: 0, image, setting });
  const view = new DataView(results.buffer);
  return encodings.map((_, index) => view.getUint32(LAYOUT.traps - LAYOUT.state + index * TRAP_BYTES, true));
}

/** "Implementations must treat the rm field as usual" for conversions that are exact, too (chapter "F"). */
test.each(ROUNDED)('%s with a reserved rounding mode is illegal, fixed or dynamic', (name) => {
  const dynamic = encode(name, { rm: DYNAMIC });
  const setMode = (imm: number): number => encode('csrrwi', { csr: 0x002, imm });
  const illegal = [
    encode(name, { rm: 5 }),
    encode(name, { rm: 6 }),
    setMode(5),
    dynamic,
    setMode(7),
    dynamic,
  ];
  expect(causes(illegal)).toEqual([2, 2, 2, 2, 0, 0]);
  expect(
    causes([0, 1, 2, 3, 4].flatMap((mode) => [encode(name, { rm: mode }), setMode(mode), dynamic])),
  ).toEqual(Array.from({ length: 15 }, () => 0));
});
