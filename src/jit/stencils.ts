import { addressWithin, emitSemantics } from '../isa/index.ts';
import {
  ConstHole,
  call,
  type FunctionBuilder,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  indexHole,
  labelHole,
  localHole,
  recordStencil,
  type Stencil,
  select,
} from '../wasm/index.ts';
import { REGION_BUDGET, REGION_EXIT } from './exits.ts';
import { addressHole, FRAME, HOLE, registerHole, setRegister } from './frame-locals.ts';
import { probe, resumeIf } from './probe.ts';
import { ACCESS_CSR, VECTOR_LENGTH, VECTOR_STEP, ZERO_BLOCK } from './region-module.ts';
import { RegionSemantics, type Setting } from './region-semantics.ts';
import { SHAPE, type Traits } from './traits.ts';

/** Low bits of the constants of exits, which say how many instructions are to be given back. */
export const UNSPENT_BITS = 16;
const UNSPENT_MASK = 0xffff;
/** fflags.NX. */
const INEXACT = 1;
const LAST_ROUNDING_MODE = 4;
const PAGE = 4096;

/** Shapes of checks of groups: bits. */
export const PROBE = { stores: 1, long: 2, far: 4, x0: 8, atBase: 16, addendOnly: 32, guessed: 64 } as const;

/**
 * The code that regions are put together from, with holes. A piece is recorded when it is first wanted, by the
 * descriptions of instructions and the builders of WebAssembly, and only copied from then on.
 */
export class Stencils {
  readonly #setting: Setting;
  readonly #instructions = new Map<number, Stencil>();
  readonly #probes: (Stencil | undefined)[] = [];
  readonly #pieces = new Map<keyof typeof PIECES, Stencil>();

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  /** The code of an instruction. @param shape see {@link SHAPE} */
  instruction({ instruction }: Traits, shape: number): Stencil {
    const key = instruction.id * SHAPE.count + shape;
    const known = this.#instructions.get(key);
    if (known !== undefined) return known;
    const made = recordStencil((f) =>
      emitSemantics(
        instruction,
        new RegionSemantics(f, this.#setting, instruction, shape),
        this.#setting.xlen,
      ),
    );
    this.#instructions.set(key, made);
    return made;
  }

  /** The check of a group of accesses. @param shape see {@link PROBE} */
  probe(shape: number): Stencil {
    const known = this.#probes[shape];
    if (known !== undefined) return known;
    const has = (what: keyof typeof PROBE): boolean => (shape & PROBE[what]) !== 0;
    const base = registerHole(this.#setting.xlen, HOLE.rs1, has('x0'));
    const made = recordStencil((f) =>
      probe(f, this.#setting.layout, localHole('i32', HOLE.host), {
        address: addressOf(
          this.#setting,
          has('atBase') ? base : i64.add(base, new ConstHole('i64', HOLE.imm)),
        ),
        stores: has('stores'),
        last: new ConstHole('i64', HOLE.span),
        aligned: new ConstHole('i64', HOLE.alignment),
        mask: new ConstHole('i64', HOLE.alignment),
        isLong: has('long'),
        far: has('far'),
        addendOnly: has('addendOnly'),
        guessed: has('guessed'),
      }),
    );
    this.#probes[shape] = made;
    return made;
  }

  /** Another piece. */
  piece(name: keyof typeof PIECES): Stencil {
    const known = this.#pieces.get(name);
    if (known !== undefined) return known;
    const made = recordStencil((f) => PIECES[name](f, this.#setting));
    this.#pieces.set(name, made);
    return made;
  }
}

const { hart, page, target, budget, exit, slot } = FRAME;
const isSpent = i32.le_s(budget, i32.const(0));

/** Pieces by name; where there are two, one is for offsets within the page of the entry, or for the offset 0. */
const PIECES = {
  /** The begin of a region, before the registers are read. */
  enter: (f: FunctionBuilder, setting: Setting) => {
    const { field } = setting.layout;
    f.set(page, i64.load(hart, field.pageAddress));
    f.set(FRAME.tlb, i32.load(hart, field.tlb));
    PIECES.readKeys(f, setting);
    f.set(budget, i32.add(i32.load(hart, field.budget), i32.const(REGION_BUDGET)));
  },
  /** The keys of the TLB, as translation is now. */
  readKeys: (f: FunctionBuilder, { layout: { field } }: Setting) => {
    f.set(FRAME.loadKey, i64.load(hart, field.loadKey));
    f.set(FRAME.storeKey, i64.load(hart, field.storeKey));
  },
  enterFloat: (f: FunctionBuilder, { layout: { field } }: Setting) => {
    f.set(FRAME.inexact, i32.and(i32.load(hart, field.fflags), i32.const(INEXACT)));
    f.set(FRAME.inexactNearest, i32.and(FRAME.inexact, i32.eqz(i32.load(hart, field.frm))));
  },
  readX: (f: FunctionBuilder, { xlen }: Setting) =>
    xlen === 64
      ? f.set(localHole('i64', HOLE.rd), i64.load(hart, indexHole(HOLE.offset)))
      : f.set(localHole('i32', HOLE.rd), i32.load(hart, indexHole(HOLE.offset))),
  readF: (f: FunctionBuilder) => f.set(localHole('f64', HOLE.rd), f64.load(hart, indexHole(HOLE.offset))),
  writeX: (f: FunctionBuilder, { xlen }: Setting) =>
    f.store('i64.store', hart, registerHole(xlen, HOLE.rs1), indexHole(HOLE.offset)),
  writeF: (f: FunctionBuilder) =>
    f.store('f64.store', hart, localHole('f64', HOLE.rs1), indexHole(HOLE.offset)),
  /** The ends of a region, before and after the registers are written. */
  atSlot: (f: FunctionBuilder, { layout: { field } }: Setting) =>
    f.store('i32.store', hart, i32.add(i32.load(hart, field.pageSlots), slot), field.slot),
  atTarget: (f: FunctionBuilder, { layout: { field } }: Setting) =>
    f.store('i64.store', hart, target, field.pc),
  leave: (f: FunctionBuilder, { layout: { field } }: Setting) => {
    f.store('i32.store', hart, i32.sub(budget, i32.const(REGION_BUDGET)), field.budget);
    f.return(exit);
  },
  /** An exit leaves its value in `target` or `slot`. */
  stuckFar: (f: FunctionBuilder, { xlen }: Setting) => {
    f.set(budget, i32.add(budget, i32.and(i32.wrap_i64(target), i32.const(UNSPENT_MASK))));
    f.set(target, addressWithin(xlen, i64.add(page, i64.shr_s(target, i64.const(UNSPENT_BITS)))));
    f.set(exit, i32.const(REGION_EXIT.nextFar));
  },
  stuck: (f: FunctionBuilder) => {
    f.set(budget, i32.add(budget, i32.and(slot, i32.const(UNSPENT_MASK))));
    f.set(slot, i32.shr_u(slot, i32.const(UNSPENT_BITS)));
    f.set(exit, i32.const(REGION_EXIT.resume));
  },
  jumped: (f: FunctionBuilder) => f.set(exit, i32.const(REGION_EXIT.near)),
  ended: (f: FunctionBuilder) => f.set(exit, i32.const(REGION_EXIT.next)),
  /** For how many turns of a loop, of `imm` instructions at most, the region may go on: 1 or more. */
  turns: (f: FunctionBuilder) => {
    const turns = i32.add(i32.div_u(budget, new ConstHole('i32', HOLE.imm)), i32.const(1));
    f.set(turnsHole, select(i32.gt_s(budget, i32.const(0)), turns, i32.const(1)));
  },
  /** No more turns than a register that is moved stays in its page for: by `stride` bytes upwards or downwards. */
  turnsUp: (f: FunctionBuilder, setting: Setting) =>
    limitTurns(f, i32.sub(new ConstHole('i32', HOLE.span), f.let(offsetInPage(setting)))),
  turnsDown: (f: FunctionBuilder, setting: Setting) => limitTurns(f, offsetInPage(setting)),
  nextTurn: (f: FunctionBuilder) => {
    f.set(turnsHole, i32.sub(turnsHole, i32.const(1)));
    f.push(turnsHole);
  },
  /**
   * Where a register points to, `host` being the distance from there to linear memory; with an offset below 0 of it.
   */
  moved: (f: FunctionBuilder, setting: Setting) => f.set(FRAME.moved, movedTo(setting)),
  movedBelow: (f: FunctionBuilder, setting: Setting) =>
    f.set(FRAME.moved, i32.add(movedTo(setting), new ConstHole('i32', HOLE.imm))),
  /** Accounts for instructions that are about to run. */
  spend: (f: FunctionBuilder) => f.set(budget, i32.sub(budget, new ConstHole('i32', HOLE.imm))),
  leaveNear: (f: FunctionBuilder) => {
    f.push(new ConstHole('i32', HOLE.where));
    f.br(labelHole(HOLE.label));
  },
  leaveFar: (f: FunctionBuilder, setting: Setting) => {
    f.set(target, targetHole(setting));
    f.set(exit, new ConstHole('i32', HOLE.kind));
    f.br(labelHole(HOLE.label));
  },
  /** Leaves by a jump if the region has run for so long that it must be left. */
  ifSpent: (f: FunctionBuilder) =>
    f.brIfWith(labelHole(HOLE.label), new ConstHole('i32', HOLE.where), isSpent),
  ifSpentFar: (f: FunctionBuilder, setting: Setting) =>
    f.ifUnlikely(isSpent, () => PIECES.leaveFar(f, setting)),
  /** Leaves by a jump to the address in `target`; the jump is at `pc`. */
  jump: (f: FunctionBuilder, setting: Setting) => jump(f, setting, false),
  jumpAtZero: (f: FunctionBuilder, setting: Setting) => jump(f, setting, true),
  /** Whether `target` is an address. */
  expect: (f: FunctionBuilder, setting: Setting) => f.push(i64.eq(target, targetHole(setting))),
  expectZero: (f: FunctionBuilder) => f.push(i64.eq(target, addressHole(HOLE.where, true))),
  /**
   * Which one of the addresses from `where` on, two bytes apart, is in `target`; if it is farther than `span`, goes on
   * at `label`.
   */
  tableIndex: (f: FunctionBuilder, setting: Setting) => {
    const distance = f.let(i64.sub(target, targetHole(setting)));
    f.brIf(labelHole(HOLE.label), i64.gt_u(distance, new ConstHole('i64', HOLE.span)));
    f.push(i32.shr_u(i32.wrap_i64(distance), i32.const(1)));
  },
  /** Floating-point instructions are illegal while FS is off or the dynamic rounding mode is reserved. */
  checkFloat: (f: FunctionBuilder, setting: Setting) => checkFloat(f, setting, false),
  checkFloatFar: (f: FunctionBuilder, setting: Setting) => checkFloat(f, setting, true),
  /** A vector instruction, whose encoding is `imm`, by its kernel; leaves if that does not go to the end. */
  vector: (f: FunctionBuilder) => resumeIf(f, vectorStep(), false),
  vectorFar: (f: FunctionBuilder) => resumeIf(f, vectorStep(), true),
  /** Leaves if vectors are off, or not marked as dirty. */
  ifVectorsClean: (f: FunctionBuilder, setting: Setting) => resumeIf(f, vectorsAreClean(setting), false),
  ifVectorsCleanFar: (f: FunctionBuilder, setting: Setting) => resumeIf(f, vectorsAreClean(setting), true),
  /** Sets vtype to `imm`, and vl by AVL: no more than eight times VLEN in bytes, shifted to the right by `span`. */
  configure: (f: FunctionBuilder, setting: Setting) =>
    configure(f, setting, registerHole(setting.xlen, HOLE.rs1)),
  configureByConstant: (f: FunctionBuilder, setting: Setting) =>
    configure(f, setting, new ConstHole('i64', HOLE.alignment)),
  length: (f: FunctionBuilder, { xlen, layout: { field } }: Setting) =>
    setRegister(f, xlen, HOLE.rd, i64.load32_u(hart, field.vl)),
  /** Reads vl, or leaves. */
  readLength: (f: FunctionBuilder, setting: Setting) => readLength(f, setting, false),
  readLengthFar: (f: FunctionBuilder, setting: Setting) => readLength(f, setting, true),
  /** CBO.ZERO at the address in a register, or at 0; leaves if the TLB does not know the page, or it is illegal. */
  zeroBlock: (f: FunctionBuilder, setting: Setting) => zeroBlock(f, rs1Address(setting), false),
  zeroBlockFar: (f: FunctionBuilder, setting: Setting) => zeroBlock(f, rs1Address(setting), true),
  zeroFirstBlock: (f: FunctionBuilder) => zeroBlock(f, i64.const(0), false),
  zeroFirstBlockFar: (f: FunctionBuilder) => zeroBlock(f, i64.const(0), true),
  /** Leaves if a register has one of the bits of `imm`. */
  ifRefused: (f: FunctionBuilder, setting: Setting) => resumeIf(f, isRefused(setting), false),
  ifRefusedFar: (f: FunctionBuilder, setting: Setting) => resumeIf(f, isRefused(setting), true),
  /**
   * An access to the CSR `span`, of the kind `alignment`, with a register or `imm` as its operand; leaves if the
   * interpreter has to do it. The result is in the hart block.
   */
  csr: (f: FunctionBuilder, { xlen }: Setting) => accessCsr(f, registerHole(xlen, HOLE.rs1), false),
  csrFar: (f: FunctionBuilder, { xlen }: Setting) => accessCsr(f, registerHole(xlen, HOLE.rs1), true),
  csrByConstant: (f: FunctionBuilder) => accessCsr(f, new ConstHole('i64', HOLE.imm), false),
  csrByConstantFar: (f: FunctionBuilder) => accessCsr(f, new ConstHole('i64', HOLE.imm), true),
} as const satisfies Record<string, (f: FunctionBuilder, setting: Setting) => void>;

const vectorStep = (): I32 => call(VECTOR_STEP, hart, new ConstHole('i32', HOLE.imm));

function vectorsAreClean({ layout: { field, vectors } }: Setting): I32 {
  const machine = i32.load(hart, vectors.mstatus);
  const both = i32.and(machine, i32.load(hart, vectors.vsstatus));
  const status = select(i32.load(hart, field.virtual), both, machine);
  return i32.ne(i32.and(status, i32.const(vectors.dirty)), i32.const(vectors.dirty));
}

function configure(f: FunctionBuilder, { layout: { field } }: Setting, avl: I64): void {
  const bytes = i32.shl(i32.load(hart, field.vlenb), i32.const(3));
  const most = f.let(i64.extend_i32_u(i32.shr_u(bytes, new ConstHole('i32', HOLE.span))));
  f.store('i32.store', hart, i32.wrap_i64(select(i64.lt_u(avl, most), avl, most)), field.vl);
  f.store('i32.store', hart, new ConstHole('i32', HOLE.imm), field.vtype);
  f.store('i32.store', hart, i32.const(0), field.vstart);
}

function readLength(f: FunctionBuilder, { xlen }: Setting, far: boolean): void {
  const length = f.let(call(VECTOR_LENGTH, hart));
  resumeIf(f, i64.lt_s(length, i64.const(0)), far);
  setRegister(f, xlen, HOLE.rd, length);
}

const rs1Address = (setting: Setting): I64 => addressOf(setting, registerHole(setting.xlen, HOLE.rs1));

function zeroBlock(f: FunctionBuilder, address: I64, far: boolean): void {
  resumeIf(f, i32.eqz(call(ZERO_BLOCK, hart, address)), far);
}

function isRefused(setting: Setting): I32 {
  return i32.and(lowHalf(setting, HOLE.rs1), new ConstHole('i32', HOLE.imm));
}

function accessCsr(f: FunctionBuilder, operand: I64, far: boolean): void {
  const constant = (hole: number): I32 => new ConstHole('i32', hole);
  const args = [constant(HOLE.span), constant(HOLE.alignment), operand, constant(HOLE.offset)];
  resumeIf(f, i32.eqz(call(ACCESS_CSR, hart, ...args)), far);
}

const turnsHole = localHole('i32', HOLE.rd);

/** The address of the place that an exit or an expected jump leads to. */
function targetHole({ xlen }: Setting): I64 {
  return addressWithin(xlen, addressHole(HOLE.where, false));
}

/** A guest-virtual address that was computed from registers. */
function addressOf({ xlen }: Setting, address: I64): I64 {
  return xlen === 64 ? address : i64.extend_i32_u(address.narrowed());
}

/** The low half of an integer register. */
function lowHalf({ xlen }: Setting, slot: number): I32 {
  return xlen === 64 ? i32.wrap_i64(localHole('i64', slot)) : localHole('i32', slot);
}

function movedTo(setting: Setting): I32 {
  return i32.add(lowHalf(setting, HOLE.rs1), localHole('i32', HOLE.host));
}

/** The offset in its page of the address `imm` bytes from a register. */
function offsetInPage({ xlen }: Setting): I32 {
  const address = i64.add(registerHole(xlen, HOLE.rs1), new ConstHole('i64', HOLE.imm));
  return i32.and(xlen === 64 ? i32.wrap_i64(address) : address.narrowed(), i32.const(PAGE - 1));
}

function limitTurns(f: FunctionBuilder, room: I32): void {
  const turns = f.let(i32.add(i32.div_u(room, new ConstHole('i32', HOLE.alignment)), i32.const(1)));
  f.set(turnsHole, select(i32.lt_u(turns, turnsHole), turns, turnsHole));
}

function jump(f: FunctionBuilder, { xlen, layout: { field } }: Setting, atZero: boolean): void {
  f.store('i64.store', hart, addressWithin(xlen, addressHole(HOLE.pc, atZero)), field.jumpSite);
  f.set(exit, i32.const(REGION_EXIT.indirect));
  f.br(labelHole(HOLE.label));
}

function checkFloat(f: FunctionBuilder, { layout: { field } }: Setting, far: boolean): void {
  const modeIsReserved = i32.gt_u(i32.load(hart, field.frm), i32.const(LAST_ROUNDING_MODE));
  resumeIf(f, i32.or(i32.load(hart, field.floatOff), modeIsReserved), far);
}
