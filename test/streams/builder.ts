import {
  type Decode,
  type Decoded,
  findCompressed,
  type RegisterClass,
  type Xlen,
} from '../../src/isa/index.ts';
import { Code } from './code.ts';
import { freeRegisters, type Setting } from './frame.ts';
import { LAYOUT, POOL, type Roles, TRAP_BYTES } from './layout.ts';
import type { Random } from './random.ts';

/** One unit of a program: an instruction under test with its operands and the logging of its results. */
export interface Step {
  /** Byte offsets in the body. */
  readonly start: number;
  end: number;
}

/** Slots that one block of the log can address. */
const BLOCK_SLOTS = 500;

/** A program under construction: code, steps, and which step fills which slot of the log. */
export class Builder {
  readonly code: Code;
  readonly steps: Step[] = [];
  /** The step of each slot of the log, in the order in which the program fills them. */
  readonly slots: number[] = [];
  /** How often each instruction was generated, by mnemonic. */
  readonly counts = new Map<string, number>();
  readonly random: Random;
  readonly roles: Roles;
  readonly setting: Setting;
  readonly xlen: Xlen;
  readonly decode: Decode;
  readonly free: ReadonlySet<number>;
  #block: number[] = [];
  #traps = 0;
  #blockTraps = 0;

  constructor(random: Random, roles: Roles, setting: Setting) {
    this.random = random;
    this.roles = roles;
    this.setting = setting;
    this.xlen = setting.xlen;
    this.decode = setting.dialect.decode;
    this.code = new Code(setting.xlen);
    this.free = new Set(freeRegisters(roles));
  }

  get isBlockFull(): boolean {
    return this.#block.length > BLOCK_SLOTS - 40;
  }

  /** No room for another block, repeated up to 8 times. */
  get isFull(): boolean {
    return (
      this.slots.length + 8 * BLOCK_SLOTS > (LAYOUT.logEnd - LAYOUT.log) / 8 ||
      (this.#traps + 8 * BLOCK_SLOTS) * TRAP_BYTES > LAYOUT.trapsEnd - LAYOUT.traps ||
      this.code.pc + 0x1_0000 > LAYOUT.bodyEnd
    );
  }

  /** Runs `emit` as one step. */
  step(emit: () => void): void {
    const step: Step = { start: this.code.length, end: 0 };
    this.steps.push(step);
    this.#blockTraps += 4;
    emit();
    step.end = this.code.length;
  }

  /** The instruction under test. */
  emit(decoded: Decoded): void {
    const name =
      (decoded.length === 2 ? findCompressed(decoded.bits, this.xlen)?.name : undefined) ??
      decoded.instruction.name;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.code.emit(decoded.bits, decoded.length);
  }

  /** Stores a register in the next slot of the log. */
  log(registers: RegisterClass, register: number, step = this.steps.length - 1): void {
    const imm = this.#block.length * 8 - 2048;
    this.#block.push(step);
    this.code.add(registers === 'x' ? this.#integer('s') : 'fsd', {
      rs1: this.roles.log,
      rs2: register,
      imm,
    });
  }

  /** Ends a block of the log, which has been run `times` times. */
  endBlock(times: number): void {
    const { log } = this.roles;
    this.code.add('addi', { rd: log, rs1: log, imm: this.#block.length * 4 });
    this.code.add('addi', { rd: log, rs1: log, imm: this.#block.length * 4 });
    for (let time = 0; time < times; time++) this.slots.push(...this.#block);
    this.#traps += this.#blockTraps * times;
    this.#block = [];
    this.#blockTraps = 0;
  }

  /** Loads a corner value into a register, if it is one that may be written. */
  refresh(registers: RegisterClass, register: number, slot = this.random.below(POOL.values)): void {
    if (registers === 'x' && !this.free.has(register)) return;
    // An integer of RV32 is either half of a value.
    const half = this.xlen === 32 && registers === 'x' && slot < POOL.values ? 4 * this.random.below(2) : 0;
    this.code.add(registers === 'x' ? this.#integer('l') : 'fld', {
      rd: register,
      rs1: this.roles.pool,
      imm: slot * 8 - 2048 + half,
    });
  }

  /** The load or store of a whole register. */
  #integer(letter: 'l' | 's'): string {
    return letter + (this.xlen === 64 ? 'd' : 'w');
  }

  /** Loads one of the pool's addresses. */
  loadAddress(register: number): void {
    this.refresh('x', register, this.random.between(POOL.values, POOL.slots - 1));
  }

  /** Refreshes the sources of an instruction, most of the time. */
  refreshSources(decoded: Decoded): void {
    const { registers } = decoded.instruction.format;
    // Half of the time the operands belong together: the two of a pair, in any order, or one of them twice.
    const pair = this.random.chance(0.5) ? this.random.below(POOL.values / 2) : undefined;
    for (const field of ['rs1', 'rs2', 'rs3'] as const) {
      const registerClass = registers[field];
      if (registerClass === undefined || this.random.chance(0.15)) continue;
      const slot = pair === undefined ? undefined : 2 * pair + this.random.below(2);
      this.refresh(registerClass, decoded[field], slot);
    }
  }

  /** Logs rd, and the floating-point flags, which are sometimes cleared and sometimes left to accumulate. */
  logResults(decoded: Decoded): void {
    const { instruction } = decoded;
    const registerClass = instruction.format.registers.rd;
    if (registerClass !== undefined) this.log(registerClass, decoded.rd);
    if (!instruction.needsFloat || this.random.chance(0.2)) return;
    this.code.add(this.random.chance(0.8) ? 'csrrw' : 'csrrs', { rd: this.roles.temporary, csr: 1 });
    this.log('x', this.roles.temporary);
  }
}
