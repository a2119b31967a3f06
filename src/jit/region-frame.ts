import type { Decoded } from '../isa/index.ts';
import { type FunctionBuilder, SLOTS, type Stencil } from '../wasm/index.ts';
import { type Configuration, configurationOf } from './configuration.ts';
import { REGION_EXIT, type RegionExit } from './exits.ts';
import { FRAME, FRAME_TYPES, HOLE } from './frame-locals.ts';
import type { Graph, Placed } from './graph.ts';
import type { HartLayout } from './hart-layout.ts';
import type { Imports } from './region-module.ts';
import { Registers } from './registers.ts';
import { type Stencils, UNSPENT_BITS } from './stencils.ts';
import { csrAccessOf } from './system-access.ts';
import { FIRST_REGISTER, isNear, type Operands } from './traits.ts';

/** Numbers for the holes of stencils. One region is written at a time. */
const values = new Int32Array(SLOTS.all);

/**
 * The function of a region around the code of its blocks: reads the guest's registers at the entry, and writes them
 * back where all ways out meet, behind those to slots of the entry's page and those to addresses.
 *
 * The budget counts the instructions of a block when it begins; an exit in its middle gives back those that did not
 * run.
 */
export class RegionFrame {
  readonly f: FunctionBuilder;
  readonly registers: Registers;
  /** Numbers for the holes of the next stencil. */
  readonly values = values;
  readonly stencils: Stencils;
  /** Bytes of a pointer of the guest. */
  readonly pointerBytes: number;
  readonly #layout: HartLayout;
  readonly #imports: Imports;
  /** Depths of the labels of exits. */
  #far = 0;
  #ended = 0;
  #jumped = 0;
  #stuck = 0;
  #stuckFar = 0;

  /** @param integer type of the locals of integer registers */
  constructor(
    f: FunctionBuilder,
    graph: Graph,
    layout: HartLayout,
    stencils: Stencils,
    imports: Imports,
    integer: 'i32' | 'i64',
  ) {
    this.f = f;
    this.#layout = layout;
    this.#imports = imports;
    this.stencils = stencils;
    this.pointerBytes = integer === 'i64' ? 8 : 4;
    for (const type of FRAME_TYPES) f.declare(type);
    this.registers = new Registers(graph, f, integer);
  }

  /**
   * Writes the function; `body` writes the blocks, none of which runs past its end.
   *
   * Exits hand over where they are as a constant. So conditional ones are single branches out of the way of the code
   * that goes on, also for engines that do not know hints, and all are small.
   */
  write(body: () => void): void {
    const { f } = this;
    this.#enter();
    const out = this.#open();
    this.#far = this.#open();
    const near = this.#open();
    this.#ended = this.#open('i32');
    this.#jumped = this.#open('i32');
    this.#stuck = this.#open('i32');
    this.#stuckFar = this.#open('i64');
    body();
    this.#close(FRAME.target);
    this.piece('stuckFar');
    f.branch(this.#far);
    this.#close(FRAME.slot);
    this.piece('stuck');
    f.branch(near);
    this.#close(FRAME.slot);
    this.piece('jumped');
    f.branch(near);
    this.#close(FRAME.slot);
    this.piece('ended');
    f.close();
    this.piece('atSlot');
    f.branch(out);
    f.close();
    this.piece('atTarget');
    f.close();
    this.#leave();
    f.unreachable();
  }

  #open(type?: 'i32' | 'i64'): number {
    this.f.open('block', type);
    return this.f.depth;
  }

  /** Closes a block that is left with a value only. */
  #close(value: typeof FRAME.target | typeof FRAME.slot): void {
    this.f.unreachable();
    this.f.close();
    this.f.setFromStack(value);
  }

  #enter(): void {
    const { usedX, usedF, usesFloat } = this.registers;
    const { x, f } = this.#layout.field;
    this.piece('enter');
    this.#each(usedX, FIRST_REGISTER.x, x, 'readX');
    this.#each(usedF, FIRST_REGISTER.f, f, 'readF');
    if (usesFloat) this.piece('enterFloat');
  }

  #leave(): void {
    const { writtenX, writtenF } = this.registers;
    const { x, f } = this.#layout.field;
    this.#each(writtenX, FIRST_REGISTER.x, x, 'writeX');
    this.#each(writtenF, FIRST_REGISTER.f, f, 'writeF');
    this.piece('leave');
  }

  /** Writes a piece for each register of a set. @param at offset of the first register of the file in the hart block */
  #each(set: number, first: number, at: number, piece: 'readX' | 'readF' | 'writeX' | 'writeF'): void {
    const { locals } = this.registers;
    const stencil = this.stencils.piece(piece);
    for (let register = 0; register < 32; register++) {
      if ((set & (1 << register)) === 0) continue;
      values[HOLE.rd] = values[HOLE.rs1] = locals[first + register];
      values[HOLE.offset] = at + register * 8;
      this.paste(stencil);
    }
  }

  /** Writes a piece with the {@link values}. */
  piece(name: Parameters<Stencils['piece']>[0]): void {
    this.paste(this.stencils.piece(name));
  }

  /** Writes a stencil with the {@link values}. */
  paste(stencil: Stencil): void {
    const { callees } = stencil;
    for (let k = 0; k < callees.length; k++) values[SLOTS.callees + k] = this.#imports.indexOf(callees[k]);
    this.f.paste(stencil, values);
  }

  /** Accounts for instructions that are about to run. */
  spend(instructions: number): void {
    values[HOLE.imm] = instructions;
    this.piece('spend');
  }

  /** Leaves by a jump to an offset. */
  jumpOut(offset: number): void {
    this.#leaveTo(offset, this.#jumped, REGION_EXIT.far);
  }

  /** Leaves because the code at an offset is not part of the region. */
  goOn(offset: number): void {
    this.#leaveTo(offset, this.#ended, REGION_EXIT.nextFar);
  }

  /**
   * Prepares for a stencil that leaves before an instruction that the interpreter must carry out.
   *
   * @param unspent instructions of the block that do not run, with this one
   */
  mayResume(offset: number, unspent: number): void {
    if (isNear(offset)) {
      values[HOLE.where] = ((offset * this.#layout.slotScale) << UNSPENT_BITS) | unspent;
      this.#exitTo(this.#stuck);
    } else {
      values[HOLE.where] = offset;
      values[HOLE.where + 1] = unspent;
      this.#exitTo(this.#stuckFar);
    }
  }

  /** Leaves before code with floating point if that is illegal now. */
  checkFloat(offset: number, unspent: number): void {
    this.mayResume(offset, unspent);
    this.piece(isNear(offset) ? 'checkFloat' : 'checkFloatFar');
  }

  /**
   * Has a vector instruction carried out by its kernel, or reads vl, or leaves before it.
   *
   * @param unspent as for {@link #mayResume}
   */
  vector({ decoded, traits, offset }: Placed, unspent: number): void {
    if (traits.vector === 'length') {
      values[HOLE.rd] = this.registers.locals[FIRST_REGISTER.x + decoded.rd];
      this.mayResume(offset, unspent);
      this.piece(isNear(offset) ? 'readLength' : 'readLengthFar');
      return;
    }
    const { writtenX, writtenF } = this.registers;
    const { field } = this.#layout;
    const sources = (operands: Operands): number =>
      (operands.rs1 ? 1 << decoded.rs1 : 0) | (operands.rs2 ? 1 << decoded.rs2 : 0);
    const configuration = configurationOf(decoded);
    if (configuration !== undefined) {
      this.#configure(decoded, configuration, offset, unspent);
      return;
    }
    // Registers that the region does not write are in the hart block as they are.
    this.#each(sources(traits.x) & writtenX, FIRST_REGISTER.x, field.x, 'writeX');
    this.#each(sources(traits.f) & writtenF, FIRST_REGISTER.f, field.f, 'writeF');
    this.mayResume(offset, unspent);
    values[HOLE.imm] = decoded.bits | 0;
    this.piece(isNear(offset) ? 'vector' : 'vectorFar');
    if (traits.x.rd) this.#each((1 << decoded.rd) & ~1, FIRST_REGISTER.x, field.x, 'readX');
    if (traits.f.rd) this.#each(1 << decoded.rd, FIRST_REGISTER.f, field.f, 'readF');
  }

  #configure({ rs1, rd }: Decoded, configuration: Configuration, offset: number, unspent: number): void {
    const { locals } = this.registers;
    const { vtype, shift, avl } = configuration;
    this.mayResume(offset, unspent);
    this.piece(isNear(offset) ? 'ifVectorsClean' : 'ifVectorsCleanFar');
    values[HOLE.imm] = vtype;
    values[HOLE.span] = shift;
    values[HOLE.rs1] = locals[FIRST_REGISTER.x + rs1];
    values[HOLE.alignment] = avl ?? 0;
    this.piece(avl === undefined ? 'configure' : 'configureByConstant');
    values[HOLE.rd] = locals[FIRST_REGISTER.x + rd];
    if (rd !== 0) this.piece('length');
  }

  /**
   * Has a system instruction carried out by a function of the interpreter, or leaves before it.
   *
   * @param unspent as for {@link #mayResume}
   */
  system({ decoded, traits, offset }: Placed, unspent: number): void {
    const { rs1, rd, csr } = decoded;
    const { locals } = this.registers;
    const near = isNear(offset);
    values[HOLE.rs1] = locals[FIRST_REGISTER.x + rs1];
    this.mayResume(offset, unspent);
    if (traits.system === 'zero') {
      const atZero = rs1 === 0;
      if (near) this.piece(atZero ? 'zeroFirstBlock' : 'zeroBlock');
      else this.piece(atZero ? 'zeroFirstBlockFar' : 'zeroBlockFar');
      return;
    }
    const access = csrAccessOf(decoded);
    if (access === undefined) throw new Error(`CSR ${csr} is not for compiled code`);
    values[HOLE.span] = csr;
    values[HOLE.alignment] = access.change;
    values[HOLE.offset] = rd * 8;
    if (access.immediate !== undefined) {
      values[HOLE.imm] = access.immediate;
      this.piece(near ? 'csrByConstant' : 'csrByConstantFar');
    } else {
      values[HOLE.imm] = access.refused;
      if (access.refused !== 0) this.piece(near ? 'ifRefused' : 'ifRefusedFar');
      this.piece(near ? 'csr' : 'csrFar');
    }
    if (access.translates) this.piece('readKeys');
    this.#each((1 << rd) & ~1, FIRST_REGISTER.x, this.#layout.field.x, 'readX');
  }

  /** Leaves by a jump to an offset if the region has run for so long that it must be left. */
  jumpOutIfSpent(offset: number): void {
    if (isNear(offset)) {
      values[HOLE.where] = offset * this.#layout.slotScale;
      this.#exitTo(this.#jumped);
      this.piece('ifSpent');
    } else {
      values[HOLE.where] = offset;
      values[HOLE.kind] = REGION_EXIT.far;
      this.#exitTo(this.#far);
      this.piece('ifSpentFar');
    }
  }

  /** Leaves by a jump to the address in {@link FRAME}.target; `site` is the offset of the jump. */
  jumpToTarget(site: number): void {
    values[HOLE.pc] = site;
    this.#exitTo(this.#far);
    this.piece(site === 0 ? 'jumpAtZero' : 'jump');
  }

  /** Begins code for the case that the address in {@link FRAME}.target is that of an offset. */
  openIfTarget(offset: number): void {
    values[HOLE.where] = offset;
    this.piece(offset === 0 ? 'expectZero' : 'expect');
    this.f.openIf();
  }

  /** @param inPage the label of the exit for slots; `elsewhere` says how the region ends if it is not in the page */
  #leaveTo(offset: number, inPage: number, elsewhere: RegionExit): void {
    if (isNear(offset)) {
      values[HOLE.where] = offset * this.#layout.slotScale;
      this.#exitTo(inPage);
      this.piece('leaveNear');
    } else {
      values[HOLE.where] = offset;
      values[HOLE.kind] = elsewhere;
      this.#exitTo(this.#far);
      this.piece('leaveFar');
    }
  }

  #exitTo(label: number): void {
    values[HOLE.label] = this.f.depth - label;
  }
}
