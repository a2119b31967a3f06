/**
 * The common page walks in generated code: no stage, one, or two, of Sv39, Sv48 or Sv57, or of Sv32, with tables and
 * page in RAM that physical memory protection leaves alone, no MXR, no bits of extensions in the entries. All other
 * walks are the TypeScript walker's (`mmu/`), which this one agrees with wherever it does not give up.
 */
import type { Xlen } from '../../isa/index.ts';
import {
  call,
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
import { openHost, openRange, StageCode } from './stage-code.ts';
import {
  DATUM,
  GIGA_SHIFT,
  megaShift,
  PAGE_OFFSET,
  superpageNumber,
  superpageWord,
  tlbEntry,
  tlbTag,
} from './tlb-code.ts';

/** Added to a request: the access must be aligned. */
const ALIGNED = 64;

/** Added to a request: nobody accesses the page yet, so that its entry must not be marked. */
export const AHEAD = 128;

/**
 * A request to {@link defineRefill}: the kind of access, 4 for each byte accessed less one, and if it must be aligned.
 */
export function refillRequest(access: number, bytes: number, aligned = false): number {
  return access | ((bytes - 1) << 2) | (aligned ? ALIGNED : 0);
}

const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute;
/** The value of PMM that masks most, and the bits that both values mask. */
const PMM_LONG = 3;
const MASKED = { short: 7, long: 16 } as const;
const PAGE_SHIFT = 12;

/**
 * `refill(hart, address, request)`: translates for the current context and puts the page into the TLB (unless the
 * access is a fetch). The address in linear memory of the target of `address`, or 0: nothing but A and D bits has
 * changed, and {@link FIELD.pageFault} is 1 if a page fault is certain.
 */
export function defineRefill(module: ModuleBuilder, xlen: Xlen): FunctionRef<'i32'> {
  const guestWalk = defineGuestWalk(module, xlen);
  return module.function('refill', ['i32', 'i64', 'i32'], 'i32', (f) =>
    new RefillGenerator(f, xlen, guestWalk).generate(),
  );
}

/**
 * `guestWalk(hart, address, request)`: the G-stage, for privileges below M. The request is the ENTRY bit that the leaf
 * must have, and {@link AHEAD} if no entry may be marked. The address in linear memory, or 0: ask TypeScript.
 */
function defineGuestWalk(module: ModuleBuilder, xlen: Xlen): FunctionRef<'i32'> {
  return module.function('guestWalk', ['i32', 'i64', 'i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const address = f.param(1, 'i64');
    const request = f.param(2, 'i32');
    const giveUpIf = (condition: I32): void => f.if(condition, () => f.return(i32.const(0)));
    const entryHost = (physical: I64): I32 => openHost(f, hart, physical, giveUpIf);
    const stage = new StageCode({
      ...{ xlen, f, hart, address, entryHost, giveUpIf },
      guestPhysical: true,
      faultIf: giveUpIf,
    });
    stage.descend(f.let(i64.load(hart, csrAddress('hgatp'))));
    // Every access counts as a user's.
    giveUpIf(i32.eqz(stage.has(ENTRY.user)));
    giveUpIf(i32.eqz(stage.has(i32.and(request, i32.const(PERMISSIONS)))));
    const isWrite = i32.and(request, i32.const(ENTRY.write));
    stage.mark(marksOf(isWrite), () => {
      giveUpIf(i32.and(request, i32.const(AHEAD)));
      giveUpIf(i32.eqz(updatesMarks(i32.load(hart, csrAddress('menvcfg') + HIGH))));
    });
    f.return(entryHost(stage.translated()));
    f.unreachable();
  });
}

/** The bits that an access sets in a leaf. */
function marksOf(isStore: I32): I64 {
  return select(isStore, i64.const(ENTRY.accessed | ENTRY.dirty), i64.const(ENTRY.accessed));
}

/** Whether A and D bits are set by hardware, as the upper half of menvcfg or henvcfg says. */
function updatesMarks(environment: I32): I32 {
  return i32.and(environment, i32.const(ENVCFG.adueHigh));
}

class RefillGenerator {
  readonly #f: FunctionBuilder;
  readonly #xlen: Xlen;
  readonly #guestWalk: FunctionRef<'i32'>;
  readonly #hart: Local<'i32'>;
  readonly #address: Local<'i64'>;
  /** The address without bits that pointer masking ignores; the TLB knows the address as it is written. */
  readonly #masked: Local<'i64'>;
  /** Bits of it that are ignored. */
  readonly #maskedBits: Local<'i64'>;
  readonly #request: Local<'i32'>;
  /** The address before the G-stage, and with two stages not 0. */
  readonly #translated: Local<'i64'>;
  readonly #twoStages: Local<'i32'>;
  readonly #open: Local<'i32'>;

  constructor(f: FunctionBuilder, xlen: Xlen, guestWalk: FunctionRef<'i32'>) {
    this.#f = f;
    this.#xlen = xlen;
    this.#guestWalk = guestWalk;
    this.#hart = f.param(0, 'i32');
    this.#address = f.param(1, 'i64');
    this.#request = f.param(2, 'i32');
    this.#masked = f.local('i64');
    this.#maskedBits = f.local('i64');
    this.#translated = f.local('i64');
    this.#twoStages = f.local('i32');
    this.#open = f.local('i32');
  }

  generate(): void {
    const f = this.#f;
    const hart = this.#hart;
    f.store('i32.store', hart, i32.const(0), FIELD.pageFault);
    f.if(i32.load(hart, FIELD.debugs), () => this.#giveUpIf(this.#isDebugged()));
    this.#checkAlignment();
    const status = this.#checkContext();
    const isMachine = f.let(i32.gt_u(i32.load(hart, FIELD.privilege), i32.const(1)));
    f.set(this.#open, openRange(hart, isMachine));
    const guestTranslates = i32.shr_u(i32.load(hart, csrAddress('hgatp') + HIGH), i32.const(28));
    f.set(this.#twoStages, i32.mul(this.#virtual(), guestTranslates));
    const atp = f.let(this.#ofMode(i64.load(hart, csrAddress('vsatp')), i64.load(hart, csrAddress('satp'))));
    const stage = this.#firstStage();
    const isPlain = f.let(i32.or(isMachine, i64.eqz(i64.shr_u(atp, i64.const(60)))));
    this.#maskAddress(isMachine, isPlain);
    f.if(
      isPlain,
      () => f.set(this.#translated, this.#masked),
      () => {
        stage.descend(atp);
        this.#judge(stage, status);
        this.#mark(stage);
        f.set(this.#translated, stage.translated());
      },
    );
    this.#finish(stage);
  }

  #firstStage(): StageCode {
    return new StageCode({
      xlen: this.#xlen,
      f: this.#f,
      hart: this.#hart,
      address: this.#masked,
      guestPhysical: false,
      entryHost: (address) => this.#hostOf(address, i32.const(ENTRY.read)),
      giveUpIf: (condition) => this.#giveUpIf(condition),
      faultIf: (condition) => this.#faultIf(condition),
    });
  }

  /** As `maskedHigh` of the TypeScript walker; MXR and MPRV have been left to that. */
  #maskAddress(isMachine: Local<'i32'>, isPlain: Local<'i32'>): void {
    const f = this.#f;
    f.set(this.#masked, this.#address);
    f.set(this.#maskedBits, i64.const(0));
    if (this.#xlen === 32) return;
    const isFetch = i32.eq(this.#access(), i32.const(ACCESS.fetch));
    f.if(i32.eqz(i32.or(isMachine, isFetch)), () => {
      const environment = (name: 'menvcfg' | 'henvcfg' | 'senvcfg') =>
        i32.load(this.#hart, csrAddress(name) + HIGH);
      const ofSupervisor = this.#ofMode(environment('henvcfg'), environment('menvcfg'));
      const pmm = select(i32.load(this.#hart, FIELD.privilege), ofSupervisor, environment('senvcfg'));
      const field = f.let(i32.and(pmm, i32.const(ENVCFG.pmmHigh)));
      f.if(field, () => {
        const isLong = i32.eq(field, i32.const(PMM_LONG));
        f.set(this.#maskedBits, select(isLong, i64.const(MASKED.long), i64.const(MASKED.short)));
        const kept = f.let(i64.shl(this.#address, this.#maskedBits));
        const plain = i64.shr_u(kept, this.#maskedBits);
        f.set(this.#masked, select(isPlain, plain, i64.shr_s(kept, this.#maskedBits)));
      });
    });
  }

  /** A debugger may want to stop in the page. */
  #isDebugged(): I32 {
    const page = i64.shr_u(this.#address, i64.const(PAGE_SHIFT));
    return i32.wrap_i64(i64.and(i64.shr_u(i64.load(this.#hart, FIELD.debugPages), page), i64.const(1)));
  }

  /** A misaligned access within a page may be found in the TLB even so, where other probes do not look for it. */
  #checkAlignment(): void {
    const f = this.#f;
    const low = i32.wrap_i64(this.#address);
    const more = f.let(i32.and(i32.shr_u(this.#request, i32.const(2)), i32.const(15)));
    f.if(i32.and(low, more), () => {
      this.#giveUpIf(i32.and(this.#request, i32.const(ALIGNED)));
      const last = i32.add(i32.and(low, i32.const(PAGE_OFFSET)), more);
      this.#giveUpIf(i32.gt_u(last, i32.const(PAGE_OFFSET)));
      const entry = f.let(this.#tlbEntry());
      f.if(i64.eq(i64.load(entry, TLB.loads), this.#tag()), () =>
        f.return(i32.add(low, i32.load(entry, TLB.loads + DATUM))),
      );
    });
  }

  /** The TLB entry of the address, in the table of the access. */
  #tlbEntry(): I32 {
    // The tables of loads and stores lie behind each other, and both have the same key.
    const table = i32.mul(this.#access(), i32.const(TLB.stores - TLB.loads));
    return i32.add(tlbEntry(this.#hart, this.#address), table);
  }

  #tag(): I64 {
    return tlbTag(this.#hart, this.#address, 'loadKey');
  }

  /** Leaves rare cases to others. @returns the status register whose SUM counts */
  #checkContext(): Local<'i32'> {
    const f = this.#f;
    const status = f.let(statusOfMode(this.#hart));
    const machine = i32.load(this.#hart, csrAddress('mstatus'));
    const unusual = i32.or(
      i32.and(status, i32.const(STATUS.mxr)),
      i32.and(machine, i32.const(STATUS.mxr | STATUS.mprv)),
    );
    // Fetches do not care.
    this.#giveUpIf(i32.and(i32.ne(unusual, i32.const(0)), i32.ne(this.#access(), i32.const(ACCESS.fetch))));
    return status;
  }

  #virtual(): I32 {
    return i32.load(this.#hart, FIELD.virtual);
  }

  /** Which of two CSRs counts: that of V = 1 or that of V = 0. */
  #ofMode<T extends 'i32' | 'i64'>(guest: Expr<T>, host: Expr<T>): Expr<T> {
    return select(this.#virtual(), guest, host);
  }

  /** Whether a leaf allows the access. */
  #judge(stage: StageCode, status: Local<'i32'>): void {
    const f = this.#f;
    const isUser = f.let(i32.ne(stage.has(ENTRY.user), i32.const(0)));
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
    this.#faultIf(i32.eqz(stage.has(this.#permission())));
  }

  /** The bit of an entry that the access needs: R, W and X are in the order of load, store and fetch. */
  #permission(): I32 {
    return i32.shl(i32.const(ENTRY.read), this.#access());
  }

  /** Sets A, and D for a store, where hardware does that. */
  #mark(stage: StageCode): void {
    const isStore = i32.eq(this.#access(), i32.const(ACCESS.store));
    const may = (): void => {
      this.#giveUpIf(this.#ahead());
      const environment = this.#ofMode(
        i32.load(this.#hart, csrAddress('henvcfg') + HIGH),
        i32.load(this.#hart, csrAddress('menvcfg') + HIGH),
      );
      this.#faultIf(i32.eqz(updatesMarks(environment)));
    };
    stage.mark(marksOf(isStore), may, (address) => this.#hostOf(address, i32.const(ENTRY.write)));
  }

  #ahead(): I32 {
    return i32.and(this.#request, i32.const(AHEAD));
  }

  #finish(stage: StageCode): void {
    const f = this.#f;
    const host = f.let(this.#hostOf(this.#translated, this.#permission()));
    f.if(i64.gt_u(stage.shift, i64.const(PAGE_SHIFT)), () => this.#noteSuperpage(stage.shift));
    f.if(i32.ne(this.#access(), i32.const(ACCESS.fetch)), () => {
      const at = f.let(this.#tlbEntry());
      f.store('i64.store', at, this.#tag(), TLB.loads);
      f.store('i32.store', at, i32.sub(host, i32.wrap_i64(this.#address)), TLB.loads + DATUM);
    });
    f.return(host);
    f.unreachable();
  }

  /** Lets fences know that more than one entry may belong to a page (`Tlb.flushPage`). */
  #noteSuperpage(shift: Local<'i64'>): void {
    const f = this.#f;
    const mega = megaShift(this.#xlen);
    const note = (field: number, bits: number): void => {
      const at = f.let(i32.add(this.#hart, superpageWord(this.#masked, bits)));
      const bit = i32.shl(i32.const(1), superpageNumber(this.#masked, bits));
      f.store('i32.store', at, i32.or(i32.load(at, field), bit), field);
    };
    f.if(
      i64.eq(shift, i64.const(mega)),
      () => note(FIELD.superpages, mega),
      () => {
        f.if(
          i64.eq(shift, i64.const(GIGA_SHIFT)),
          () => note(FIELD.gigapages, GIGA_SHIFT),
          () => f.store('i32.store', this.#hart, i32.const(1), FIELD.hugePages),
        );
      },
    );
  }

  #access(): I32 {
    return i32.and(this.#request, i32.const(3));
  }

  /**
   * The address in linear memory of an address behind the first stage.
   *
   * @param permission - the ENTRY bit that the G-stage must grant
   */
  #hostOf(address: Local<'i64'>, permission: I32): I32 {
    const f = this.#f;
    const host = f.local('i32');
    f.if(
      this.#twoStages,
      () => {
        f.set(host, call(this.#guestWalk, this.#hart, address, i32.or(permission, this.#ahead())));
        this.#giveUpIf(i32.eqz(host));
      },
      () =>
        f.set(
          host,
          openHost(f, this.#open, address, (condition) => this.#giveUpIf(condition)),
        ),
    );
    return host;
  }

  #giveUpIf(condition: I32): void {
    this.#f.if(condition, () => this.#f.return(i32.const(0)));
  }

  #faultIf(condition: I32): void {
    this.#f.if(condition, () => {
      // Traps in generated code know nothing of masks, but the address that they report has gone through them.
      this.#f.store('i32.store', this.#hart, i64.eqz(this.#maskedBits), FIELD.pageFault);
      this.#f.return(i32.const(0));
    });
  }
}
