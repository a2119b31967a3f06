import { type I64, i64 } from '../wasm/index.ts';
import { type InstructionDefinition, instructionsOf } from './define.ts';
import { R } from './formats.ts';
import type { Semantics, SemanticsOf } from './semantics.ts';
import { reverseBits, unsignedWord } from './words.ts';

/** Every fourth bit. */
const FOURTH = 0x1111_1111_1111_1111n;
const RESIDUES = [0, 1, 2, 3] as const;

/** The bits of a value whose numbers leave the same rest when they are divided by 4. */
function ofResidue(value: I64, residue: number): I64 {
  return i64.and(value, i64.const(BigInt.asIntN(64, FOURTH << BigInt(residue))));
}

/**
 * Bits 63:0 of a product without carries, of named values, by products of integers: their factors have a bit in each
 * digit of four, so that the sums below the digit's uppermost bits have no carry that reaches the next one: a digit
 * gets at most 15 terms, and only the last one 16, whose carry is beyond bit 63. There are no branches and no tables,
 * so that the time does not depend on the data (Zkt).
 */
export function carryless(s: Pick<Semantics, 'let'>, a: I64, b: I64): I64 {
  const left = RESIDUES.map((residue) => s.let(ofResidue(a, residue)));
  const right = RESIDUES.map((residue) => s.let(ofResidue(b, residue)));
  const parts = RESIDUES.map((residue) => {
    const products = RESIDUES.map((of) => i64.mul(left[of], right[(residue - of) & 3]));
    return ofResidue(
      products.reduce((sum, product) => i64.xor(sum, product)),
      residue,
    );
  });
  return parts.reduce((sum, part) => i64.or(sum, part));
}

/** Which bits of the product of 2 XLEN bits, from the lowest on: 0, XLEN - 1 or XLEN. */
type From = 'low' | 'reversed' | 'high';

function clmul(from: From): SemanticsOf {
  return (s, xlen) => s.rd.set(xlen === 64 ? ofDoublewords(s, from) : ofWords(s, from));
}

/** The product of reversed factors is the reversed product, whose lower half has the bits that were beyond bit 62. */
function carrylessReversed(s: Pick<Semantics, 'let'>, a: I64, b: I64): I64 {
  return reverseBits(s, carryless(s, reverseBits(s, a), reverseBits(s, b)));
}

/** Bits 127:64 of a product without carries. */
export function carrylessHigh(s: Pick<Semantics, 'let'>, a: I64, b: I64): I64 {
  return i64.shr_u(carrylessReversed(s, a, b), i64.const(1));
}

function ofDoublewords(s: Semantics, from: From): I64 {
  if (from === 'low') return carryless(s, s.let(s.rs1), s.let(s.rs2));
  return (from === 'high' ? carrylessHigh : carrylessReversed)(s, s.rs1, s.rs2);
}

const SHIFTS: Readonly<Record<From, number>> = { low: 0, reversed: 31, high: 32 };

/** All of the product has 63 bits. */
function ofWords(s: Semantics, from: From): I64 {
  const product = carryless(s, s.let(unsignedWord(s.rs1)), s.let(unsignedWord(s.rs2)));
  return i64.shr_u(product, i64.const(SHIFTS[from]));
}

const both = instructionsOf({ extension: 'zbc', alsoIn: 'zbkc' });
const zbc = instructionsOf({ extension: 'zbc' });

/** Zbc, and the part of it that is Zbkc: products without carries. */
export const zbcInstructions: readonly InstructionDefinition[] = [
  both('clmul', R, 0x0a00_1033, clmul('low')),
  both('clmulh', R, 0x0a00_3033, clmul('high')),
  zbc('clmulr', R, 0x0a00_2033, clmul('reversed')),
];
