import { i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R, UNARY } from './formats.ts';
import type { SemanticsOf } from './semantics.ts';

const zimop = instructionsOf({ extension: 'zimop' });

const writeZero: SemanticsOf = ({ rd }) => rd.set(i64.const(0));

/** Bits of a number in their places in an encoding: from bit 30, 27:26 and 21:20 down. */
const PLACES = [20, 21, 26, 27, 30];

function numbered(number: number, places: readonly number[]): number {
  return places.reduce((bits, place, bit) => bits | (((number >> bit) & 1) << place), 0);
}

/**
 * Zimop: instructions for extensions to come, which write 0 until then. Those of Zcmop, which write nothing, are
 * compressed encodings.
 */
export const zimopInstructions: readonly InstructionDefinition[] = [
  ...Array.from({ length: 32 }, (_, number) =>
    zimop(`mop.r.${number}`, UNARY, 0x81c0_4073 | numbered(number, PLACES), writeZero),
  ),
  ...Array.from({ length: 8 }, (_, number) =>
    zimop(`mop.rr.${number}`, R, 0x8200_4073 | numbered(number, [26, 27, 30]), writeZero),
  ),
];
