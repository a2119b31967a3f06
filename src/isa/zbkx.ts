import { type I64, i64, select } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R } from './formats.ts';
import type { Semantics, SemanticsOf } from './semantics.ts';
import { unsignedWord } from './words.ts';

const zbkx = instructionsOf({ extension: 'zbkx' });

const zero = i64.const(0);
const at = (value: I64, bit: number): I64 => i64.shr_u(value, i64.const(bit));

/**
 * Digits of rs1 (of 4 or 8 bits) in the order that the digits of rs2 say; a digit that there is not is 0. An amount to
 * shift by has 6 bits: on RV32 digits that there are not come from above the word, as far as these reach.
 */
function permute(digitBits: 4 | 8): SemanticsOf {
  return (s, xlen) => {
    const table = s.let(xlen === 64 ? s.rs1 : unsignedWord(s.rs1));
    const indices = s.let(s.rs2);
    let result: I64 = zero;
    for (let bit = 0; bit < xlen; bit += digitBits) {
      const digit = i64.shl(digitOf(s, table, indices, bit, digitBits), i64.const(bit));
      result = bit === 0 ? digit : i64.or(result, digit);
    }
    s.rd.set(result);
  };
}

function digitOf(s: Semantics, table: I64, indices: I64, bit: number, digitBits: 4 | 8): I64 {
  const mask = i64.const((1 << digitBits) - 1);
  const index = s.let(i64.and(at(indices, bit), mask));
  const found = i64.and(i64.shr_u(table, i64.mul(index, i64.const(digitBits))), mask);
  // 16 digits of 4 bits are all that an index can name, and 8 of 8 bits are not.
  return digitBits === 4 ? found : select(i64.lt_u(index, i64.const(8)), found, zero);
}

/** Zbkx: crossbar permutations. */
export const zbkxInstructions: readonly InstructionDefinition[] = [
  zbkx('xperm4', R, 0x2800_2033, permute(4)),
  zbkx('xperm8', R, 0x2800_4033, permute(8)),
];
