import type { Xlen } from './semantics.ts';

/**
 * Pseudo-instructions by name and number of operands (RISC-V assembly programmer's manual, "Pseudoinstructions"): the
 * instructions that they stand for, where $1 is the first operand.
 */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  'nop/0': ['addi x0, x0, 0'],
  'c.nop/0': ['c.addi x0, 0'],
  'mv/2': ['addi $1, $2, 0'],
  'not/2': ['xori $1, $2, -1'],
  'neg/2': ['sub $1, x0, $2'],
  'negw/2': ['subw $1, x0, $2'],
  'sext.w/2': ['addiw $1, $2, 0'],
  'zext.b/2': ['andi $1, $2, 255'],
  'zext.w/2': ['add.uw $1, $2, x0'],
  'seqz/2': ['sltiu $1, $2, 1'],
  'snez/2': ['sltu $1, x0, $2'],
  'sltz/2': ['slt $1, $2, x0'],
  'sgtz/2': ['slt $1, x0, $2'],
  'sgt/3': ['slt $1, $3, $2'],
  'sgtu/3': ['sltu $1, $3, $2'],

  'beqz/2': ['beq $1, x0, $2'],
  'bnez/2': ['bne $1, x0, $2'],
  'blez/2': ['bge x0, $1, $2'],
  'bgez/2': ['bge $1, x0, $2'],
  'bltz/2': ['blt $1, x0, $2'],
  'bgtz/2': ['blt x0, $1, $2'],
  'bgt/3': ['blt $2, $1, $3'],
  'ble/3': ['bge $2, $1, $3'],
  'bgtu/3': ['bltu $2, $1, $3'],
  'bleu/3': ['bgeu $2, $1, $3'],
  'j/1': ['jal x0, $1'],
  'jal/1': ['jal ra, $1'],
  'jr/1': ['jalr x0, 0($1)'],
  'jalr/1': ['jalr ra, 0($1)'],
  'jalr/3': ['jalr $1, $3($2)'],
  'ret/0': ['jalr x0, 0(ra)'],

  'fence/0': ['fence iorw, iorw'],
  'sfence.vma/0': ['sfence.vma x0, x0'],
  'sfence.vma/1': ['sfence.vma $1, x0'],
  'hfence.vvma/0': ['hfence.vvma x0, x0'],
  'hfence.vvma/1': ['hfence.vvma $1, x0'],
  'hfence.gvma/0': ['hfence.gvma x0, x0'],
  'hfence.gvma/1': ['hfence.gvma $1, x0'],

  'csrr/2': ['csrrs $1, $2, x0'],
  'csrw/2': ['csrrw x0, $1, $2'],
  'csrs/2': ['csrrs x0, $1, $2'],
  'csrc/2': ['csrrc x0, $1, $2'],
  'csrwi/2': ['csrrwi x0, $1, $2'],
  'csrsi/2': ['csrrsi x0, $1, $2'],
  'csrci/2': ['csrrci x0, $1, $2'],
  'rdcycle/1': ['csrrs $1, 0xc00, x0'],
  'rdtime/1': ['csrrs $1, 0xc01, x0'],
  'rdinstret/1': ['csrrs $1, 0xc02, x0'],
  'fscsr/1': ['csrrw x0, 3, $1'],
  'fscsr/2': ['csrrw $1, 3, $2'],
  'frcsr/1': ['csrrs $1, 3, x0'],
  'fsrm/1': ['csrrw x0, 2, $1'],
  'fsrm/2': ['csrrw $1, 2, $2'],
  'frrm/1': ['csrrs $1, 2, x0'],
  'fsflags/1': ['csrrw x0, 1, $1'],
  'fsflags/2': ['csrrw $1, 1, $2'],
  'frflags/1': ['csrrs $1, 1, x0'],

  ...Object.fromEntries(
    ['s', 'd'].flatMap((format) => [
      [`fmv.${format}/2`, [`fsgnj.${format} $1, $2, $2`]],
      [`fabs.${format}/2`, [`fsgnjx.${format} $1, $2, $2`]],
      [`fneg.${format}/2`, [`fsgnjn.${format} $1, $2, $2`]],
      [`fgt.${format}/3`, [`flt.${format} $1, $3, $2`]],
      [`fge.${format}/3`, [`fle.${format} $1, $3, $2`]],
    ]),
  ),
};

/** The instructions that a pseudo-instruction with these operands stands for; undefined if it is none. */
export function expandPseudo(name: string, operands: readonly string[]): readonly string[] | undefined {
  const template = TEMPLATES[`${name}/${operands.length}`];
  return template?.map((line) => line.replace(/\$(\d)/g, (_, digit: string) => operands[Number(digit) - 1]));
}

/**
 * The instructions that load a constant, as `li` does: two at most on RV32, eight on RV64, each shift as wide as the
 * zeros allow.
 *
 * @param value any integer of XLEN bits, signed or unsigned
 */
export function loadImmediate(register: string, value: bigint, xlen: Xlen): string[] {
  const wanted = BigInt.asIntN(xlen, value);
  const low = BigInt.asIntN(12, wanted);
  if (wanted === low) return [`addi ${register}, x0, ${low}`];
  if (wanted === BigInt.asIntN(32, wanted)) {
    const upper = ((wanted - low) >> 12n) & 0xf_ffffn;
    const add = xlen === 64 ? 'addiw' : 'addi';
    const rest = low === 0n ? [] : [`${add} ${register}, ${register}, ${low}`];
    return [`lui ${register}, ${upper}`, ...rest];
  }
  let high = BigInt.asIntN(64, wanted - low) >> 12n;
  let shift = 12n;
  while ((high & 1n) === 0n) {
    high >>= 1n;
    shift++;
  }
  const rest = low === 0n ? [] : [`addi ${register}, ${register}, ${low}`];
  return [...loadImmediate(register, high, xlen), `slli ${register}, ${register}, ${shift}`, ...rest];
}
