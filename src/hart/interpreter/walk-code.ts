/**
 * The common page walks in generated code: one stage of Sv39, Sv48 or Sv57, tables and page in RAM, no physical memory
 * protection, no MXR, no bits of extensions in the entries. All other walks are the TypeScript walker's (`mmu/`), which
 * this one agrees with wherever it does not give up.
 */
import {
  type Expr,
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  type I64,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  select,
} from '../../wasm/index.ts';
import { ACCESS } from '../exceptions.ts';
import { FIELD, TLB } from '../layout.ts';
import { ENTRY } from '../mmu/entry.ts';
import { csrAddress, ENVCFG, HIGH, STATUS, statusOfMode } from './privileged-fields.ts';

/** Added to a request: the access must be aligned. */
const ALIGNED = 64;

/** Added to a request: nobody accesses the page yet, so that its entry must not be marked. */
export const AHEAD = 128;

/** A request to {@link defineRefill}: the kind of access, 4 for each byte accessed less one, and if it must be aligned. */
export function refillRequest(access: number, bytes: number, aligned = false): number {
  return access | ((bytes - 1) << 2) | (aligned ? ALIGNED : 0);
}

/** Numbers of MODE in satp that translate; MODE 8 has 3 levels. */
const FIRST_MODE = 8;
const LAST_MODE = 10;
/** Bits 63:54 of an entry: extensions and reserved. */
const EXTENSION_SHIFT = 54;
const NUMBER_SHIFT = 10;
const PAGE_SHIFT = 12;
const LEVEL_BITS = 9;
const MEGA_SHIFT = 21;
const GIGA_SHIFT = 30;
/** The root's page number in satp and vsatp. */
const ROOT_BITS = (1n << 44n) - 1n;

/**
 * `refill(hart, address, request)`: translates for the current context and puts the page into the TLB (unless the access
 * is a fetch). The address in linear memory of what `address` means, or 0: nothing but A and D bits has changed, and
 * {@link FIELD.pageFault} is 1 if a page fault is certain.
 */
export function defineRefill(module: ModuleBuilder): FunctionRef<'i32'> {
  return module.function('refill', ['i32', 'i64', 'i32'], 'i32', (f) => new RefillGenerator(f).generate());
}

class RefillGenerator {
  readonly #f: FunctionBuilder;
  readonly #hart: Local<'i32'>;
  readonly #address: Local<'i64'>;
  readonly #request: Local<'i32'>;
  /** Of the entry looked at: its address, and what was read. */
  readonly #entryHost: Local<'i32'>;
  readonly #entry: Local<'i64'>;
  /** Position in the address of the digit that selects the entry. */
  readonly #shift: Local<'i64'>;
  readonly #table: Local<'i64'>;

  constructor(f: FunctionBuilder) {
    this.#f = f;
    this.#hart = f.param(0, 'i32');
    this.#address = f.param(1, 'i64');
    this.#request = f.param(2, 'i32');
    this.#entryHost = f.local('i32');
    this.#entry = f.local('i64');
    this.#shift = f.local('i64');
    this.#table = f.local('i64');
  }

  generate(): void {
    const f = this.#f;
    f.store('i32.store', this.#hart, i32.const(0), FIELD.pageFault);
    this.#checkAlignment();
    const status = this.#checkContext();
    this.#begin();
    f.loop((descend) => {
      this.#load();
      f.if(i32.eqz(this.#has(ENTRY.read | ENTRY.write | ENTRY.execute)), () => {
        this.#faultIf(this.#has(ENTRY.user | ENTRY.accessed | ENTRY.dirty));
        f.set(this.#shift, i64.sub(this.#shift, i64.const(LEVEL_BITS)));
        this.#faultIf(i64.lt_s(this.#shift, i64.const(PAGE_SHIFT)));
        f.set(this.#table, this.#pageOfEntry());
        f.br(descend);
      });
    });
    this.#judge(status);
    this.#mark();
    this.#finish();
  }

  /** A misaligned access within a page may be found in the TLB even so, where other probes do not look for it. */
  #checkAlignment(): void {
    const f = this.#f;
    const low = i32.wrap_i64(this.#address);
    const more = f.let(i32.and(i32.shr_u(this.#request, i32.const(2)), i32.const(15)));
    f.if(i32.and(low, more), () => {
      this.#giveUpIf(i32.and(this.#request, i32.const(ALIGNED)));
      const last = i32.add(i32.and(low, i32.const(0xfff)), more);
      this.#giveUpIf(i32.gt_u(last, i32.const(0xfff)));
      const entry = f.let(this.#tlbEntry());
      f.if(i64.eq(i64.load(entry, TLB.loads), this.#tag()), () =>
        f.return(i32.add(low, i32.load(entry, TLB.loads + 8))),
      );
    });
  }

  /** The TLB entry of the address, in the table of the access. */
  #tlbEntry(): I32 {
    const index = i32.and(
      i32.wrap_i64(i64.shr_u(this.#address, i64.const(8))),
      i32.const((TLB.entries - 1) * TLB.entryBytes),
    );
    // The tables of loads and stores lie behind each other, and both have the same key.
    const table = i32.mul(this.#access(), i32.const(TLB.stores - TLB.loads));
    return i32.add(i32.add(index, table), i32.load(this.#hart, FIELD.tlb));
  }

  #tag(): I64 {
    return i64.or(i64.and(this.#address, i64.const(-4096)), i64.load(this.#hart, FIELD.loadKey));
  }

  /** Leaves what is rare to others. @returns the status register whose SUM counts */
  #checkContext(): Local<'i32'> {
    const f = this.#f;
    const hart = this.#hart;
    const privilege = i32.load(hart, FIELD.privilege);
    this.#giveUpIf(i32.gt_u(privilege, i32.const(1)));
    this.#giveUpIf(i32.eqz(i32.load(hart, FIELD.unprotected)));
    const status = f.let(statusOfMode(hart));
    const machine = i32.load(hart, csrAddress('mstatus'));
    const unusual = i32.or(
      i32.and(status, i32.const(STATUS.mxr)),
      i32.and(machine, i32.const(STATUS.mxr | STATUS.mprv)),
    );
    this.#giveUpIf(unusual);
    const guestTranslates = i32.shr_u(i32.load(hart, csrAddress('hgatp') + HIGH), i32.const(28));
    this.#giveUpIf(i32.and(i32.ne(this.#virtual(), i32.const(0)), i32.ne(guestTranslates, i32.const(0))));
    return status;
  }

  #virtual(): I32 {
    return i32.load(this.#hart, FIELD.virtual);
  }

  /** Which of two CSRs counts: that of V = 1 or that of V = 0. */
  #ofMode<T extends 'i32' | 'i64'>(guest: Expr<T>, host: Expr<T>): Expr<T> {
    return select(this.#virtual(), guest, host);
  }

  /** The root table, and whether the address is one of those that can be translated. */
  #begin(): void {
    const f = this.#f;
    const hart = this.#hart;
    const root = f.let(this.#ofMode(i64.load(hart, csrAddress('vsatp')), i64.load(hart, csrAddress('satp'))));
    const mode = f.let(i64.shr_u(root, i64.const(60)));
    const beyond = i64.gt_u(i64.sub(mode, i64.const(FIRST_MODE)), i64.const(LAST_MODE - FIRST_MODE));
    this.#giveUpIf(beyond);
    // The highest level's digit begins at bit 30, 39 or 48, and has 9 bits.
    const aboveGiga = i64.mul(i64.sub(mode, i64.const(FIRST_MODE)), i64.const(LEVEL_BITS));
    f.set(this.#shift, i64.add(aboveGiga, i64.const(GIGA_SHIFT)));
    const unused = f.let(i64.sub(i64.const(64 - LEVEL_BITS), this.#shift));
    const extended = i64.shr_s(i64.shl(this.#address, unused), unused);
    this.#faultIf(i64.ne(extended, this.#address));
    f.set(this.#table, i64.shl(i64.and(root, i64.const(ROOT_BITS)), i64.const(PAGE_SHIFT)));
  }

  /** Reads the entry of the current level, which must be valid. */
  #load(): void {
    const f = this.#f;
    const digit = i64.and(i64.shr_u(this.#address, this.#shift), i64.const((1 << LEVEL_BITS) - 1));
    const physical = i64.or(this.#table, i64.shl(digit, i64.const(3)));
    f.set(this.#entryHost, this.#hostOf(physical));
    // Pairs with the stores of guests to their page tables, and with the compare-exchange below on other harts.
    f.set(this.#entry, i64.atomic.load(this.#entryHost));
    this.#giveUpIf(i64.ne(i64.shr_u(this.#entry, i64.const(EXTENSION_SHIFT)), i64.const(0)));
    this.#faultIf(i32.eqz(this.#has(ENTRY.valid)));
    const access = i32.and(i32.wrap_i64(this.#entry), i32.const(ENTRY.read | ENTRY.write));
    this.#faultIf(i32.eq(access, i32.const(ENTRY.write)));
  }

  /** Whether a leaf is aligned and allows the access. */
  #judge(status: Local<'i32'>): void {
    const f = this.#f;
    this.#faultIf(i64.ne(i64.and(this.#pageOfEntry(), this.#offsetMask()), i64.const(0)));
    const isUser = f.let(i32.ne(this.#has(ENTRY.user), i32.const(0)));
    const isFetch = i32.eq(this.#access(), i32.const(ACCESS.fetch));
    const mayUseUserPages = i32.and(
      i32.ne(i32.and(status, i32.const(STATUS.sum)), i32.const(0)),
      i32.eqz(isFetch),
    );
    f.if(
      i32.load(this.#hart, FIELD.privilege),
      () => this.#faultIf(i32.and(isUser, i32.eqz(mayUseUserPages))),
      () => this.#faultIf(i32.eqz(isUser)),
    );
    // R, W and X are in the order of load, store and fetch.
    this.#faultIf(
      i32.eqz(i32.and(i32.wrap_i64(this.#entry), i32.shl(i32.const(ENTRY.read), this.#access()))),
    );
  }

  /** Sets A, and D for a store, where hardware does that. */
  #mark(): void {
    const f = this.#f;
    const isStore = i32.eq(this.#access(), i32.const(ACCESS.store));
    const marks = select(isStore, i64.const(ENTRY.accessed | ENTRY.dirty), i64.const(ENTRY.accessed));
    const marked = f.let(i64.or(this.#entry, marks));
    f.if(i64.ne(marked, this.#entry), () => {
      this.#giveUpIf(i32.and(this.#request, i32.const(AHEAD)));
      const environment = this.#ofMode(
        i32.load(this.#hart, csrAddress('henvcfg') + HIGH),
        i32.load(this.#hart, csrAddress('menvcfg') + HIGH),
      );
      this.#faultIf(i32.eqz(i32.and(environment, i32.const(ENVCFG.adueHigh))));
      // Atomic against stores of guests to the entry and against other harts that mark it.
      const found = i64.atomic.rmwCmpxchg(this.#entryHost, this.#entry, marked);
      this.#giveUpIf(i64.ne(found, this.#entry));
    });
  }

  #finish(): void {
    const f = this.#f;
    const physical = i64.or(this.#pageOfEntry(), i64.and(this.#address, this.#offsetMask()));
    const host = f.let(this.#hostOf(physical));
    f.if(i64.gt_u(this.#shift, i64.const(PAGE_SHIFT)), () => this.#noteSuperpage());
    f.if(i32.ne(this.#access(), i32.const(ACCESS.fetch)), () => {
      const at = f.let(this.#tlbEntry());
      f.store('i64.store', at, this.#tag(), TLB.loads);
      f.store('i32.store', at, i32.sub(host, i32.wrap_i64(this.#address)), TLB.loads + 8);
    });
    f.return(host);
    f.unreachable();
  }

  /** Lets fences know that more than one entry may belong to a page (`Tlb.flushPage`). */
  #noteSuperpage(): void {
    const f = this.#f;
    const note = (field: number, shift: number): void => {
      const number = i32.wrap_i64(i64.shr_u(this.#address, i64.const(shift)));
      const at = f.let(i32.add(this.#hart, i32.and(i32.shr_u(number, i32.const(3)), i32.const(0x1fc))));
      const bit = i32.shl(i32.const(1), number);
      f.store('i32.store', at, i32.or(i32.load(at, field), bit), field);
    };
    f.if(
      i64.eq(this.#shift, i64.const(MEGA_SHIFT)),
      () => note(FIELD.superpages, MEGA_SHIFT),
      () => {
        f.if(
          i64.eq(this.#shift, i64.const(GIGA_SHIFT)),
          () => note(FIELD.gigapages, GIGA_SHIFT),
          () => f.store('i32.store', this.#hart, i32.const(1), FIELD.hugePages),
        );
      },
    );
  }

  #access(): I32 {
    return i32.and(this.#request, i32.const(3));
  }

  #has(bits: number): I32 {
    return i32.and(i32.wrap_i64(this.#entry), i32.const(bits));
  }

  /** The address in an entry, whose upper bits are 0. */
  #pageOfEntry(): I64 {
    return i64.shl(i64.shr_u(this.#entry, i64.const(NUMBER_SHIFT)), i64.const(PAGE_SHIFT));
  }

  /** The bits of the address below the digit of the current level. */
  #offsetMask(): I64 {
    return i64.sub(i64.shl(i64.const(1), this.#shift), i64.const(1));
  }

  /** The address in linear memory of a physical address, in a whole page of RAM or not at all. */
  #hostOf(physical: I64): I32 {
    const f = this.#f;
    const offset = f.let(i64.sub(physical, i64.load(this.#hart, FIELD.ramBase)));
    this.#giveUpIf(i64.ge_u(offset, i64.load(this.#hart, FIELD.ramSize)));
    return i32.add(i32.wrap_i64(offset), i32.load(this.#hart, FIELD.ramOffset));
  }

  #giveUpIf(condition: I32): void {
    this.#f.if(condition, () => this.#f.return(i32.const(0)));
  }

  #faultIf(condition: I32): void {
    this.#f.if(condition, () => {
      this.#f.store('i32.store', this.#hart, i32.const(1), FIELD.pageFault);
      this.#f.return(i32.const(0));
    });
  }
}
