/** Operand layouts of vector instructions ("Vector Instruction Formats"). */
import { type Format, format, type OperandSyntax } from '../formats.ts';
import { scattered, unsignedAt } from '../immediates.ts';

const VM = 1 << 25;
const VS2 = 0x1f << 20;
const VS1 = 0x1f << 15;
/** funct6, funct3 and opcode. */
const OPERATION = 0xfc00_707f;

const simm5 = scattered([[19, 15, 0]], 4);
const uimm5 = unsignedAt(15, 5);

const signed = { immediate: simm5 };
const unsigned = { immediate: uimm5 };

const layout = (
  name: string,
  fixed: number,
  syntax: readonly OperandSyntax[],
  vectors: readonly ('rd' | 'rs1' | 'rs2')[],
  extra: Partial<Parameters<typeof format>[2]> = {},
): Format => format(name, OPERATION | fixed, { syntax, vectors, ...extra });

/** Two sources; the mask is optional. */
export const VV = layout('vector-vv', 0, ['rd', 'rs2', 'rs1', 'vm'], ['rd', 'rs2', 'rs1']);
export const VX = layout('vector-vx', 0, ['rd', 'rs2', 'rs1', 'vm'], ['rd', 'rs2']);
export const VI = layout('vector-vi', 0, ['rd', 'rs2', 'imm', 'vm'], ['rd', 'rs2'], signed);
export const VU = layout('vector-vu', 0, ['rd', 'rs2', 'imm', 'vm'], ['rd', 'rs2'], unsigned);
export const VF = layout('vector-vf', 0, ['rd', 'rs2', 'rs1', 'vm'], ['rd', 'rs2'], { floats: ['rs1'] });

/** An immediate of 6 bits, of which the uppermost is in the place of the lowest bit of funct6. */
export const VROR_VI = format('vector-vror-vi', OPERATION & ~(1 << 26), {
  syntax: ['rd', 'rs2', 'imm', 'vm'],
  vectors: ['rd', 'rs2'],
  immediate: scattered([
    [26, 26, 5],
    [19, 15, 0],
  ]),
});

/** The same without a mask; `vm` is part of the encoding. */
export const VV_PLAIN = layout('vector-vv-plain', VM, ['rd', 'rs2', 'rs1'], ['rd', 'rs2', 'rs1']);
export const VX_PLAIN = layout('vector-vx-plain', VM, ['rd', 'rs2', 'rs1'], ['rd', 'rs2']);
export const VI_PLAIN = layout('vector-vi-plain', VM, ['rd', 'rs2', 'imm'], ['rd', 'rs2'], signed);

export const VU_PLAIN = layout('vector-vu-plain', VM, ['rd', 'rs2', 'imm'], ['rd', 'rs2'], unsigned);

/** The same with v0 as an operand. */
export const VV_V0 = layout('vector-vv-v0', VM, ['rd', 'rs2', 'rs1', 'v0'], ['rd', 'rs2', 'rs1']);
export const VX_V0 = layout('vector-vx-v0', VM, ['rd', 'rs2', 'rs1', 'v0'], ['rd', 'rs2']);
export const VI_V0 = layout('vector-vi-v0', VM, ['rd', 'rs2', 'imm', 'v0'], ['rd', 'rs2'], signed);
export const VF_V0 = layout('vector-vf-v0', VM, ['rd', 'rs2', 'rs1', 'v0'], ['rd', 'rs2'], {
  floats: ['rs1'],
});

/** Multiply-add: assembler has the factors in the other order. */
export const MAC_VV = layout('vector-mac-vv', 0, ['rd', 'rs1', 'rs2', 'vm'], ['rd', 'rs2', 'rs1']);
export const MAC_VX = layout('vector-mac-vx', 0, ['rd', 'rs1', 'rs2', 'vm'], ['rd', 'rs2']);
export const MAC_VF = layout('vector-mac-vf', 0, ['rd', 'rs1', 'rs2', 'vm'], ['rd', 'rs2'], {
  floats: ['rs1'],
});

/** One source, vs2; the place of vs1 tells the operation. */
export const V_UNARY = layout('vector-unary', VS1, ['rd', 'rs2', 'vm'], ['rd', 'rs2']);
export const V_UNARY_PLAIN = layout('vector-unary-plain', VS1 | VM, ['rd', 'rs2'], ['rd', 'rs2']);
/** The result is an integer register, or a floating-point one. */
export const V_TO_X = layout('vector-to-x', VS1, ['rd', 'rs2', 'vm'], ['rs2']);
export const V_TO_X_PLAIN = layout('vector-to-x-plain', VS1 | VM, ['rd', 'rs2'], ['rs2']);
export const V_TO_F = layout('vector-to-f', VS1 | VM, ['rd', 'rs2'], ['rs2'], { floats: ['rd'] });
/** No source. */
export const V_NULLARY = layout('vector-nullary', VS1 | VS2, ['rd', 'vm'], ['rd']);

/** Moves from one source, which is in the place of vs1. */
export const MOVE_V = layout('vector-move-v', VM | VS2, ['rd', 'rs1'], ['rd', 'rs1']);
export const MOVE_X = layout('vector-move-x', VM | VS2, ['rd', 'rs1'], ['rd']);
export const MOVE_I = layout('vector-move-i', VM | VS2, ['rd', 'imm'], ['rd'], signed);
export const MOVE_F = layout('vector-move-f', VM | VS2, ['rd', 'rs1'], ['rd'], { floats: ['rs1'] });

/** Loads and stores: nf, mew and mop are fixed; the data is in the place of rd. */
export const V_UNIT = layout('vector-unit', VS2, ['rd', '(rs1)', 'vm'], ['rd']);
export const V_UNIT_PLAIN = layout('vector-unit-plain', VS2 | VM, ['rd', '(rs1)'], ['rd']);
export const V_STRIDED = layout('vector-strided', 0, ['rd', '(rs1)', 'rs2', 'vm'], ['rd']);
export const V_INDEXED = layout('vector-indexed', 0, ['rd', '(rs1)', 'rs2', 'vm'], ['rd', 'rs2']);

export const VSETVLI = format('vsetvli', 0x8000_707f, {
  syntax: ['rd', 'rs1', 'vtype'],
  immediate: unsignedAt(20, 11),
});
export const VSETIVLI = format('vsetivli', 0xc000_707f, {
  syntax: ['rd', 'avl', 'vtype'],
  immediate: unsignedAt(20, 10),
});
export const VSETVL = format('vsetvl', 0xfe00_707f, { syntax: ['rd', 'rs1', 'rs2'] });
