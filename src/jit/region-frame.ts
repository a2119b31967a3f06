import { type FunctionBuilder, type I32, type I64, i32, i64, type Label, type Local } from '../wasm/index.ts';
import { REGION_BUDGET, REGION_EXIT, type RegionExit } from './exits.ts';
import type { HartLayout } from './hart-layout.ts';
import type { QuickConditions } from './quick-float.ts';
import type { Registers } from './registers.ts';

const PAGE = 4096;
/** Low bits of the constants of exits, which say how many instructions are to be given back. */
const UNSPENT_BITS = 16;
const UNSPENT_MASK = 0xffff;
/** fflags.NX. */
const INEXACT = 1;

/**
 * The function of a region around the code of its blocks: reads the guest's registers at the entry, and writes them back
 * at two common exits, one for slots of the entry's page and one for addresses.
 *
 * The budget counts the instructions of a block when it begins; an exit in its middle gives back those that did not run.
 */
export class RegionFrame {
  readonly f: FunctionBuilder;
  readonly hart: Local<'i32'>;
  /** Guest-virtual address of the page of the entry. */
  readonly page: Local<'i64'>;
  readonly tlb: Local<'i32'>;
  readonly loadKey: Local<'i64'>;
  readonly storeKey: Local<'i64'>;
  /** Meaningful in regions that use floating point. */
  readonly float: QuickConditions;
  readonly #inexact: Local<'i32'>;
  readonly #inexactNearest: Local<'i32'>;
  readonly #layout: HartLayout;
  readonly #registers: Registers;
  readonly #budget: Local<'i32'>;
  readonly #exit: Local<'i32'>;
  /** Distance of the slot of exit from the first one of the page. */
  readonly #slot: Local<'i32'>;
  readonly #target: Local<'i64'>;
  #spent: Label | undefined;
  #stuck: Label | undefined;
  #stuckFar: Label | undefined;
  #near: Label | undefined;
  #far: Label | undefined;

  constructor(f: FunctionBuilder, layout: HartLayout, registers: Registers) {
    this.f = f;
    this.hart = f.param(0, 'i32');
    this.#layout = layout;
    this.#registers = registers;
    this.page = f.local('i64');
    this.tlb = f.local('i32');
    this.loadKey = f.local('i64');
    this.storeKey = f.local('i64');
    this.#inexact = f.local('i32');
    this.#inexactNearest = f.local('i32');
    this.float = { inexact: this.#inexact, inexactNearest: this.#inexactNearest };
    this.#budget = f.local('i32');
    this.#exit = f.local('i32');
    this.#slot = f.local('i32');
    this.#target = f.local('i64');
  }

  /** Writes the function; `body` writes the blocks, none of which runs past its end. */
  write(body: () => void): void {
    const { f, hart } = this;
    const { field } = this.#layout;
    this.#enter();
    f.block((far) => {
      f.block((near) => {
        this.#near = near;
        this.#far = far;
        this.#commonExits(body);
      });
      const slots = i32.load(hart, field.pageSlots);
      f.store('i32.store', hart, i32.add(slots, this.#slot), field.slot);
      this.#leave();
    });
    f.store('i64.store', hart, this.#target, field.pc);
    this.#leave();
    f.unreachable();
  }

  /**
   * Conditional exits hand over where they are as a constant. So they are single branches out of the way of the code that
   * goes on, also for engines that do not know hints, and small.
   */
  #commonExits(body: () => void): void {
    const { f } = this;
    const spent = f.valueBlock('i32', (spentLabel) => {
      const stuck = f.valueBlock('i32', (stuckLabel) => {
        const stuckFar = f.valueBlock('i64', (stuckFarLabel) => {
          this.#spent = spentLabel;
          this.#stuck = stuckLabel;
          this.#stuckFar = stuckFarLabel;
          body();
        });
        f.set(this.#target, i64.add(this.page, i64.shr_s(stuckFar, i64.const(UNSPENT_BITS))));
        this.#giveBack(i32.and(i32.wrap_i64(stuckFar), i32.const(UNSPENT_MASK)));
        f.set(this.#exit, i32.const(REGION_EXIT.nextFar));
        f.br(labelOf(this.#far));
      });
      f.set(this.#slot, i32.shr_u(stuck, i32.const(UNSPENT_BITS)));
      this.#giveBack(i32.and(stuck, i32.const(UNSPENT_MASK)));
      f.set(this.#exit, i32.const(REGION_EXIT.resume));
      f.br(labelOf(this.#near));
    });
    f.set(this.#slot, spent);
    f.set(this.#exit, i32.const(REGION_EXIT.near));
    f.br(labelOf(this.#near));
  }

  #giveBack(instructions: I32): void {
    this.f.set(this.#budget, i32.add(this.#budget, instructions));
  }

  #enter(): void {
    const { f, hart } = this;
    const { field } = this.#layout;
    f.set(this.page, i64.load(hart, field.pageAddress));
    f.set(this.tlb, i32.load(hart, field.tlb));
    f.set(this.loadKey, i64.load(hart, field.loadKey));
    f.set(this.storeKey, i64.load(hart, field.storeKey));
    f.set(this.#budget, i32.add(i32.load(hart, field.budget), i32.const(REGION_BUDGET)));
    this.#registers.load(f, hart);
    if (!this.#registers.usesFloat) return;
    f.set(this.#inexact, i32.and(i32.load(hart, field.fflags), i32.const(INEXACT)));
    f.set(this.#inexactNearest, i32.and(this.#inexact, i32.eqz(i32.load(hart, field.frm))));
  }

  #leave(): void {
    const { f, hart } = this;
    this.#registers.store(f, hart);
    const budget = i32.sub(this.#budget, i32.const(REGION_BUDGET));
    f.store('i32.store', hart, budget, this.#layout.field.budget);
    f.return(this.#exit);
  }

  /** Accounts for instructions that are about to run. */
  spend(instructions: number): void {
    this.f.set(this.#budget, i32.sub(this.#budget, i32.const(instructions)));
  }

  address(offset: number): I64 {
    return i64.add(this.page, i64.const(offset));
  }

  /** Leaves by a jump to an offset. */
  jumpOut(offset: number): void {
    this.#leaveTo(offset, REGION_EXIT.near, REGION_EXIT.far);
  }

  /** Leaves because what follows at an offset is not part of the region. */
  goOn(offset: number): void {
    this.#leaveTo(offset, REGION_EXIT.next, REGION_EXIT.nextFar);
  }

  /**
   * Leaves, if a condition holds, before an instruction that the interpreter must carry out.
   *
   * @param unspent instructions of the block that do not run, with this one
   */
  resumeIf(condition: I32, offset: number, unspent: number): void {
    if (isNear(offset)) {
      const where = offset * this.#layout.slotScale * (UNSPENT_MASK + 1) + unspent;
      this.f.brIfWith(labelOf(this.#stuck), i32.const(where), condition);
    } else {
      const where = offset * (UNSPENT_MASK + 1) + unspent;
      this.f.brIfWith(labelOf(this.#stuckFar), i64.const(where), condition);
    }
  }

  /** Leaves by a jump to an offset if the region has run for so long that it must be left. */
  jumpOutIfSpent(offset: number): void {
    const isSpent = i32.le_s(this.#budget, i32.const(0));
    if (isNear(offset)) {
      this.f.brIfWith(labelOf(this.#spent), i32.const(offset * this.#layout.slotScale), isSpent);
    } else {
      this.f.ifUnlikely(isSpent, () => this.jumpOut(offset));
    }
  }

  /** Leaves by a jump to an address in a register; `site` is the offset of the jump. */
  jumpTo(target: I64, site: number): void {
    const { f } = this;
    f.set(this.#target, target);
    f.store('i64.store', this.hart, this.address(site), this.#layout.field.jumpSite);
    f.set(this.#exit, i32.const(REGION_EXIT.indirect));
    f.br(labelOf(this.#far));
  }

  #leaveTo(offset: number, inPage: RegionExit, elsewhere: RegionExit): void {
    const { f } = this;
    const near = isNear(offset);
    if (near) f.set(this.#slot, i32.const(offset * this.#layout.slotScale));
    else f.set(this.#target, this.address(offset));
    f.set(this.#exit, i32.const(near ? inPage : elsewhere));
    f.br(labelOf(near ? this.#near : this.#far));
  }
}

function isNear(offset: number): boolean {
  return offset >= 0 && offset < PAGE;
}

function labelOf(label: Label | undefined): Label {
  if (label === undefined) throw new Error('an exit outside of the body of a region');
  return label;
}
