import type { AmoOperation, AtomicWidth, LoadKind, MemorySemantics, StoreWidth } from '../isa/index.ts';
import { type I64, i32, i64, type Local } from '../wasm/index.ts';
import type { AccessGroup } from './access-groups.ts';
import type { AtomicCode } from './atomic-code.ts';
import type { HartLayout } from './hart-layout.ts';
import { LOADS, STORE_NAMES } from './plain-access.ts';
import type { RegionFrame } from './region-frame.ts';

/**
 * Memory accesses of compiled code: a probe of the TLB in line for each group of accesses. Whatever it does not know leaves
 * the region before the instruction: no call is made, which the engine would have to keep registers for.
 */
export class MemoryCode implements MemorySemantics {
  readonly #frame: RegionFrame;
  readonly #tlb: HartLayout['tlb'];
  readonly #atomics: AtomicCode;
  #offset = 0;
  #unspent = 0;
  #group: AccessGroup | undefined;
  #base: I64 = i64.const(0);
  #imm = 0;
  /** Addresses in linear memory of the lowest access of groups that have been checked. */
  readonly #hosts = new Map<AccessGroup, Local<'i32'>>();

  constructor(frame: RegionFrame, { tlb }: HartLayout, atomics: AtomicCode) {
    this.#frame = frame;
    this.#tlb = tlb;
    this.#atomics = atomics;
  }

  /**
   * Turns to an instruction.
   *
   * @param unspent instructions of its block from this one on
   * @param group of a plain load or store, which is at `imm` from `base`
   */
  at(offset: number, unspent: number, group: AccessGroup | undefined, base: I64, imm: number): void {
    this.#offset = offset;
    this.#unspent = unspent;
    this.#group = group;
    this.#base = base;
    this.#imm = imm;
  }

  /** Checks a group before a loop; if that fails, the loop is left to the interpreter from its header on. */
  check(group: AccessGroup, base: I64, header: number): void {
    this.at(header, 0, group, base, group.low);
    this.#hostOf(group);
  }

  readonly load = (kind: LoadKind): I64 => {
    const group = this.#plain();
    return this.#frame.f.let(LOADS[kind](this.#hostOf(group), this.#imm - group.low));
  };

  readonly store = (width: StoreWidth, _address: I64, value: I64): void => {
    const group = this.#plain();
    this.#frame.f.store(STORE_NAMES[width], this.#hostOf(group), value, this.#imm - group.low);
  };

  readonly amo = (operation: AmoOperation, width: AtomicWidth, address: I64, value: I64): I64 =>
    this.#atomics.amo(operation, width, this.#single(address, width / 8, true), value);

  readonly loadReserved = (width: AtomicWidth, address: I64): I64 =>
    this.#atomics.loadReserved(width, this.#single(address, width / 8, false));

  readonly storeConditional = (width: AtomicWidth, address: I64, value: I64): I64 =>
    this.#atomics.storeConditional(width, this.#single(address, width / 8, true), value);

  readonly fence = (): void => this.#atomics.fence();

  #plain(): AccessGroup {
    if (this.#group === undefined) throw new Error('an access without a group');
    return this.#group;
  }

  #hostOf(group: AccessGroup): Local<'i32'> {
    const known = this.#hosts.get(group);
    if (known !== undefined) return known;
    const host = this.#probe(i64.add(this.#base, i64.const(group.low)), group);
    this.#hosts.set(group, host);
    return host;
  }

  #single(address: I64, bytes: number, stores: boolean): Local<'i32'> {
    return this.#probe(address, { span: bytes, alignment: bytes, stores });
  }

  /**
   * The address in linear memory of `span` bytes at a virtual address, if the TLB knows their page and they are aligned.
   * The tag of another page or context differs, as does that of a misaligned address, whose low bits are kept, and that
   * of a span that ends in the next page.
   */
  #probe(
    address: I64,
    { span, alignment, stores }: Pick<AccessGroup, 'span' | 'alignment' | 'stores'>,
  ): Local<'i32'> {
    const { f, tlb, loadKey, storeKey } = this.#frame;
    const { entries, entryBytes, loads, stores: storeTable } = this.#tlb;
    const table = stores ? storeTable : loads;
    const host = f.local('i32');
    const virtual = f.let(address);
    const index = i32.and(
      i32.wrap_i64(i64.shr_u(virtual, i64.const(12 - Math.log2(entryBytes)))),
      i32.const((entries - 1) * entryBytes),
    );
    const entry = f.let(i32.add(index, tlb));
    const key = stores ? storeKey : loadKey;
    const page =
      span > alignment
        ? i64.or(
            i64.and(i64.add(virtual, i64.const(span - 1)), i64.const(-4096)),
            i64.and(virtual, i64.const(alignment - 1)),
          )
        : i64.and(virtual, i64.const(-4096 | (alignment - 1)));
    const misses = i64.ne(i64.load(entry, table), i64.or(page, key));
    this.#frame.resumeIf(misses, this.#offset, this.#unspent);
    f.set(host, i32.add(i32.wrap_i64(virtual), i32.load(entry, table + 8)));
    return host;
  }
}
