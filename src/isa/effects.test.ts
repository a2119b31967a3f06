import { expect, test } from 'vitest';
import { effectsOf, instructionNamed, instructionsFor } from './index.ts';

const of = (name: string) => effectsOf(instructionNamed(name));

test('only instructions that write nothing but rd are pure', () => {
  expect(of('add')).toMatchObject({
    pure: true,
    writesRd: true,
    readsRs1: true,
    readsRs2: true,
    readsPc: false,
  });
  expect(of('auipc')).toMatchObject({ pure: true, readsPc: true, readsRs1: false });
  expect(of('pause')).toMatchObject({ pure: false, pauses: true, usesMemory: false });
  for (const name of [
    'lw',
    'sd',
    'amoadd.w',
    'sc.d',
    'fence',
    'jal',
    'beq',
    'csrrs',
    'fclass.s',
    'feq.d',
    'ecall',
  ]) {
    expect(of(name).pure, name).toBe(false);
  }
});

test('what is a word of RV64 is known, always or if registers hold words', () => {
  const namesWhere = (has: 'makesWord' | 'keepsWords', ...names: string[]) =>
    names.filter((name) => of(name)[has]);
  const words = ['addw', 'srliw', 'lui', 'lw', 'lhu', 'mulw'];
  const bitwise = ['and', 'ori', 'xor', 'andn'];
  const wide = [
    'add',
    'addi',
    'slli',
    'auipc',
    'jal',
    'ld',
    'lwu',
    'amoadd.d',
    'lr.d',
    'fcvt.l.d',
    'fmv.x.d',
  ];
  const all = [...words, ...bitwise, ...wide];
  expect(namesWhere('makesWord', ...all)).toEqual(words);
  expect(namesWhere('keepsWords', ...all)).toEqual([...words, ...bitwise]);
});

test('memory and control are reported', () => {
  expect(of('ld')).toMatchObject({ loads: true, stores: false, usesMemory: true, endsBlock: false });
  expect(of('sb')).toMatchObject({ loads: false, stores: true, writesRd: false });
  expect(of('amoswap.d')).toMatchObject({ loads: true, stores: true, writesRd: true });
  expect(of('fld')).toMatchObject({ loads: true, usesFloat: true, writesFloatRd: true, writesRd: false });
  expect(of('jalr')).toMatchObject({ control: 'indirect', endsBlock: true, writesRd: true, readsPc: true });
  expect(of('bltu')).toMatchObject({ control: 'branch', endsBlock: true });
  expect(of('jal')).toMatchObject({ control: 'jump', endsBlock: true });
  expect(of('hlv.w')).toMatchObject({ control: 'system', endsBlock: true });
});

test('what semantics use agrees with the operands of the format', () => {
  for (const instruction of [...instructionsFor(32), ...instructionsFor(64)]) {
    const effects = effectsOf(instruction);
    // Those for extensions to come, and hints, have operands that they do not read.
    if (effects.control === 'system' || /^(mop|prefetch)\./.test(instruction.name)) continue;
    const { registers } = instruction.format;
    expect(effects.writesRd, instruction.name).toBe(registers.rd === 'x');
    expect(effects.writesFloatRd, instruction.name).toBe(registers.rd === 'f');
    expect(effects.readsRs1, instruction.name).toBe(registers.rs1 === 'x');
    expect(effects.readsRs2, instruction.name).toBe(registers.rs2 === 'x');
    const usesFloatRegister = Object.values(registers).includes('f');
    expect(effects.usesFloat, instruction.name).toBe(usesFloatRegister);
  }
});
