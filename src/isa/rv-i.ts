import { i64 } from '../wasm/index.ts';
import { bySystem, type InstructionDefinition, instructionsOf, shiftsOf } from './define.ts';
import { BRANCH, FENCE, I, J, LOAD, NONE, R, SHIFT_WORD, STORE, U } from './formats.ts';
import { addressWithin, binary } from './words.ts';

const base = instructionsOf({ extension: 'i' });
const base64 = instructionsOf({ extension: 'i', xlen: 64 });
const shift = shiftsOf({ extension: 'i' });

const arithmetic: readonly InstructionDefinition[] = [
  base('lui', U, 0x0000_0037, ({ rd, imm }) => rd.set(imm)),
  base('auipc', U, 0x0000_0017, ({ rd, pc, imm }) => rd.set(i64.add(pc, imm))),
  base('addi', I, 0x0000_0013, ({ rd, rs1, imm }) => rd.set(i64.add(rs1, imm))),
  base('slti', I, 0x0000_2013, ({ rd, rs1, imm }) => rd.set(i64.extend_i32_u(i64.lt_s(rs1, imm)))),
  base('sltiu', I, 0x0000_3013, ({ rd, rs1, imm }) => rd.set(i64.extend_i32_u(i64.lt_u(rs1, imm)))),
  base('xori', I, 0x0000_4013, ({ rd, rs1, imm }) => rd.set(i64.xor(rs1, imm))),
  base('ori', I, 0x0000_6013, ({ rd, rs1, imm }) => rd.set(i64.or(rs1, imm))),
  base('andi', I, 0x0000_7013, ({ rd, rs1, imm }) => rd.set(i64.and(rs1, imm))),
  ...shift('slli', 0x0000_1013, ({ rd, rs1, imm }, xlen) => rd.set(binary(xlen, 'shl', rs1, imm))),
  ...shift('srli', 0x0000_5013, ({ rd, rs1, imm }, xlen) => rd.set(binary(xlen, 'shr_u', rs1, imm))),
  ...shift('srai', 0x4000_5013, ({ rd, rs1, imm }, xlen) => rd.set(binary(xlen, 'shr_s', rs1, imm))),
  base('add', R, 0x0000_0033, ({ rd, rs1, rs2 }) => rd.set(i64.add(rs1, rs2))),
  base('sub', R, 0x4000_0033, ({ rd, rs1, rs2 }) => rd.set(i64.sub(rs1, rs2))),
  base('sll', R, 0x0000_1033, ({ rd, rs1, rs2 }, xlen) => rd.set(binary(xlen, 'shl', rs1, rs2))),
  base('slt', R, 0x0000_2033, ({ rd, rs1, rs2 }) => rd.set(i64.extend_i32_u(i64.lt_s(rs1, rs2)))),
  base('sltu', R, 0x0000_3033, ({ rd, rs1, rs2 }) => rd.set(i64.extend_i32_u(i64.lt_u(rs1, rs2)))),
  base('xor', R, 0x0000_4033, ({ rd, rs1, rs2 }) => rd.set(i64.xor(rs1, rs2))),
  base('srl', R, 0x0000_5033, ({ rd, rs1, rs2 }, xlen) => rd.set(binary(xlen, 'shr_u', rs1, rs2))),
  base('sra', R, 0x4000_5033, ({ rd, rs1, rs2 }, xlen) => rd.set(binary(xlen, 'shr_s', rs1, rs2))),
  base('or', R, 0x0000_6033, ({ rd, rs1, rs2 }) => rd.set(i64.or(rs1, rs2))),
  base('and', R, 0x0000_7033, ({ rd, rs1, rs2 }) => rd.set(i64.and(rs1, rs2))),
];

const words: readonly InstructionDefinition[] = [
  base64('addiw', I, 0x0000_001b, ({ rd, rs1, imm }) => rd.set(binary(32, 'add', rs1, imm))),
  base64('slliw', SHIFT_WORD, 0x0000_101b, ({ rd, rs1, imm }) => rd.set(binary(32, 'shl', rs1, imm))),
  base64('srliw', SHIFT_WORD, 0x0000_501b, ({ rd, rs1, imm }) => rd.set(binary(32, 'shr_u', rs1, imm))),
  base64('sraiw', SHIFT_WORD, 0x4000_501b, ({ rd, rs1, imm }) => rd.set(binary(32, 'shr_s', rs1, imm))),
  base64('addw', R, 0x0000_003b, ({ rd, rs1, rs2 }) => rd.set(binary(32, 'add', rs1, rs2))),
  base64('subw', R, 0x4000_003b, ({ rd, rs1, rs2 }) => rd.set(binary(32, 'sub', rs1, rs2))),
  base64('sllw', R, 0x0000_103b, ({ rd, rs1, rs2 }) => rd.set(binary(32, 'shl', rs1, rs2))),
  base64('srlw', R, 0x0000_503b, ({ rd, rs1, rs2 }) => rd.set(binary(32, 'shr_u', rs1, rs2))),
  base64('sraw', R, 0x4000_503b, ({ rd, rs1, rs2 }) => rd.set(binary(32, 'shr_s', rs1, rs2))),
];

const control: readonly InstructionDefinition[] = [
  base('jal', J, 0x0000_006f, ({ rd, nextPc, jump }) => {
    rd.set(nextPc);
    jump();
  }),
  base('jalr', LOAD, 0x0000_0067, (s, xlen) => {
    // Named before rd is written: rd and rs1 may be the same register.
    const target = s.let(addressWithin(xlen, i64.and(i64.add(s.rs1, s.imm), i64.const(-2))));
    s.rd.set(s.nextPc);
    s.jumpTo(target);
  }),
  base('beq', BRANCH, 0x0000_0063, ({ rs1, rs2, branch }) => branch(i64.eq(rs1, rs2))),
  base('bne', BRANCH, 0x0000_1063, ({ rs1, rs2, branch }) => branch(i64.ne(rs1, rs2))),
  base('blt', BRANCH, 0x0000_4063, ({ rs1, rs2, branch }) => branch(i64.lt_s(rs1, rs2))),
  base('bge', BRANCH, 0x0000_5063, ({ rs1, rs2, branch }) => branch(i64.ge_s(rs1, rs2))),
  base('bltu', BRANCH, 0x0000_6063, ({ rs1, rs2, branch }) => branch(i64.lt_u(rs1, rs2))),
  base('bgeu', BRANCH, 0x0000_7063, ({ rs1, rs2, branch }) => branch(i64.ge_u(rs1, rs2))),
];

const memory: readonly InstructionDefinition[] = [
  base('lb', LOAD, 0x0000_0003, ({ rd, rs1, imm, memory: m }) => rd.set(m.load('i8', i64.add(rs1, imm)))),
  base('lh', LOAD, 0x0000_1003, ({ rd, rs1, imm, memory: m }) => rd.set(m.load('i16', i64.add(rs1, imm)))),
  base('lw', LOAD, 0x0000_2003, ({ rd, rs1, imm, memory: m }) => rd.set(m.load('i32', i64.add(rs1, imm)))),
  base64('ld', LOAD, 0x0000_3003, ({ rd, rs1, imm, memory: m }) => rd.set(m.load('i64', i64.add(rs1, imm)))),
  base('lbu', LOAD, 0x0000_4003, ({ rd, rs1, imm, memory: m }) => rd.set(m.load('u8', i64.add(rs1, imm)))),
  base('lhu', LOAD, 0x0000_5003, ({ rd, rs1, imm, memory: m }) => rd.set(m.load('u16', i64.add(rs1, imm)))),
  base64('lwu', LOAD, 0x0000_6003, ({ rd, rs1, imm, memory: m }) => rd.set(m.load('u32', i64.add(rs1, imm)))),
  base('sb', STORE, 0x0000_0023, ({ rs1, rs2, imm, memory: m }) => m.store(8, i64.add(rs1, imm), rs2)),
  base('sh', STORE, 0x0000_1023, ({ rs1, rs2, imm, memory: m }) => m.store(16, i64.add(rs1, imm), rs2)),
  base('sw', STORE, 0x0000_2023, ({ rs1, rs2, imm, memory: m }) => m.store(32, i64.add(rs1, imm), rs2)),
  base64('sd', STORE, 0x0000_3023, ({ rs1, rs2, imm, memory: m }) => m.store(64, i64.add(rs1, imm), rs2)),
  base('fence', FENCE, 0x0000_000f, ({ memory: m }) => m.fence()),
  // fm = 8 with both sets RW; a full fence is stronger than required.
  base('fence.tso', NONE, 0x8330_000f, ({ memory: m }) => m.fence(), 0xfff0_707f),
];

const environment: readonly InstructionDefinition[] = [
  base('ecall', NONE, 0x0000_0073, bySystem),
  base('ebreak', NONE, 0x0010_0073, bySystem),
];

/** RV32I and RV64I (unprivileged specification, chapters "RV32I" and "RV64I"). */
export const baseInstructions = [...arithmetic, ...words, ...control, ...memory, ...environment];
