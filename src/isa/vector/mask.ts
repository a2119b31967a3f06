import { type I64, i64 } from '../../wasm/index.ts';
import type { InstructionDefinition } from '../define.ts';
import { operation, UNMASKED, vs1Is } from './define.ts';
import { V_NULLARY, V_TO_X, V_UNARY, VV_PLAIN } from './formats.ts';
import type { MaskLogicShape, SpecialShape } from './shapes.ts';

const not = (value: I64): I64 => i64.xor(value, i64.const(-1));

function logic(name: string, funct6: number, compute: MaskLogicShape['compute']): InstructionDefinition {
  return operation(`${name}.mm`, VV_PLAIN, 'mvv', funct6, { kind: 'mask-logic', compute }, UNMASKED);
}

const special = (name: SpecialShape['operation']): SpecialShape => ({
  kind: 'special',
  operation: name,
  source: 'none',
});

/** "Vector Mask Instructions". */
export const maskInstructions: readonly InstructionDefinition[] = [
  logic('vmandn', 0b011000, (a, b) => i64.and(a, not(b))),
  logic('vmand', 0b011001, (a, b) => i64.and(a, b)),
  logic('vmor', 0b011010, (a, b) => i64.or(a, b)),
  logic('vmxor', 0b011011, (a, b) => i64.xor(a, b)),
  logic('vmorn', 0b011100, (a, b) => i64.or(a, not(b))),
  logic('vmnand', 0b011101, (a, b) => not(i64.and(a, b))),
  logic('vmnor', 0b011110, (a, b) => not(i64.or(a, b))),
  logic('vmxnor', 0b011111, (a, b) => not(i64.xor(a, b))),
  operation('vcpop.m', V_TO_X, 'mvv', 0b010000, special('vcpop'), vs1Is(16)),
  operation('vfirst.m', V_TO_X, 'mvv', 0b010000, special('vfirst'), vs1Is(17)),
  operation('vmsbf.m', V_UNARY, 'mvv', 0b010100, special('vmsbf'), vs1Is(1)),
  operation('vmsof.m', V_UNARY, 'mvv', 0b010100, special('vmsof'), vs1Is(2)),
  operation('vmsif.m', V_UNARY, 'mvv', 0b010100, special('vmsif'), vs1Is(3)),
  operation('viota.m', V_UNARY, 'mvv', 0b010100, special('viota'), vs1Is(16)),
  operation('vid.v', V_NULLARY, 'mvv', 0b010100, special('vid'), vs1Is(17)),
];
