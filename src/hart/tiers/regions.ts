import type { Decoded } from '../../isa/index.ts';
import { isCarriedOutElsewhere, isCompilable, type Region } from '../../jit/index.ts';
import { REGION_RECORDS } from '../area.ts';
import { hotEntry, NO_ENTRY } from '../hot-code.ts';
import { CODE_PAGE, OPERATION, REGION, REGION_PAGE, SLOT, SLOT_SCALE } from '../interpreter/slots.ts';
import { FIELD, SHORT_STRETCH } from '../layout.ts';
import { MODE } from '../privileged/registers.ts';
import { RegionCounters } from '../region-statistics.ts';
import { EntryNotes } from './entry-notes.ts';
import { ExpectedCode } from './expected-code.ts';
import { FullRegions } from './full-regions.ts';
import { type HalfwordTest, HartCode, type Place } from './hart-code.ts';
import { type Depth, Heat } from './heat.ts';
import { JumpProfile } from './jump-profile.ts';
import { type MadeRegion, RegionMaker } from './region-maker.ts';
import { RegionMemory } from './region-memory.ts';
import type { RegionsOptions } from './regions-options.ts';
import { TierClock } from './tier-clock.ts';

const PAGE = 4096;
/** Regions that no sample has met for so many periods of {@link Heat} are dropped. */
const LONGEST_IDLE = 8;
/** Bytes that the regions of a hart may take unless something else is said. */
const CODE_BYTES = 64 << 20;

/** Exits because a region cannot go on, after which it is compiled otherwise. */
const PATIENCE = 2000;
/** Instructions of compiled code that make up for one such exit: each page that a loop enters may cost one. */
const WORTH_A_STOP = 1000;

/** Jumps farther than that, in bytes, are not noted: no region reaches farther. */
const FARTHEST = 2 ** 30;
/** Samples of a jump at which a region that ends with it is compiled anew. */
const WORTH_ANOTHER: readonly number[] = [8, 200];

/** Instructions of interpreted stretches for each sample of where these begin. */
const STRETCH_CREDIT = 8192;
/** Instructions that the interpreter must carry out, at the start of a stretch, that are passed over. */
const MOST_PASSED_OVER = 8;

/** A region that is in place. */
interface Installed {
  readonly number: number;
  /** Slot at which it begins. */
  readonly slot: number;
  readonly depth: Depth;
  /** The encoding of its first instruction. */
  readonly firstBits: number;
  /** First slots of all pages that it has code of. */
  readonly pages: readonly number[];
  /** Base registers of checks of several accesses, a bit for each, by the slot where such a check leaves. */
  readonly wideChecks: ReadonlyMap<number, number>;
  /** Instructions that compiled code had retired when the patience with it began. */
  patientSince: number;
}

/**
 * The compiled regions of a hart. Where the interpreter is found most often when it ends a chunk, the code is compiled,
 * and the slot there says so from then on.
 *
 * A region lasts until one of its pages is found changed after FENCE.I, or is dropped from the code cache. Whether its
 * pages are still translated to where they were is looked at by the interpreter each time it enters.
 */
export class Regions {
  readonly #options: RegionsOptions;
  readonly #maker: RegionMaker;
  readonly #words: Int32Array;
  readonly #addresses: Uint32Array;
  readonly #memoryWords: Int32Array;
  readonly #halfwords: Uint16Array;
  readonly #heat: Heat;
  readonly #jumps = new JumpProfile();
  readonly #notes = new EntryNotes();
  readonly #full: FullRegions;
  readonly #memory: RegionMemory;
  readonly #expected: ExpectedCode;
  /**
   * By slots of instructions that only the interpreter carries out: the slot of the next one that compiled code does.
   */
  readonly #behind = new Map<number, number>();
  readonly #installed = new Map<number, Installed>();
  /** Numbers of the regions of each decoded page, by its slots. */
  readonly #byPage = new Map<number, Set<number>>();
  readonly #free: number[] = [];
  /** Periods since a sample met the region, by its number. */
  readonly #idle = new Uint8Array(REGION_RECORDS);
  #nextNumber = 1;
  readonly #statistics: RegionCounters;
  readonly #tierClock: TierClock;

  constructor(options: RegionsOptions) {
    this.#options = options;
    this.#maker = new RegionMaker(options);
    this.#heat = new Heat(options.threshold);
    this.#full = new FullRegions(this.#heat.threshold);
    this.#expected = new ExpectedCode(options.hot ?? new Uint32Array());
    this.#memory = new RegionMemory(options.codeBytes ?? CODE_BYTES);
    this.#words = options.state.words;
    this.#addresses = options.state.addresses;
    this.#memoryWords = new Int32Array(options.memory.buffer);
    this.#halfwords = new Uint16Array(options.memory.buffer);
    this.#words[FIELD.regions >> 2] = options.records;
    this.#words[FIELD.stretchCredit >> 2] = STRETCH_CREDIT;
    this.#statistics = new RegionCounters(options.memory, options.state.base);
    this.#tierClock = new TierClock(this.#statistics);
  }

  /** Counts that the hart has arrived at the current slot, and compiles from there on when that was often. */
  sample(): void {
    this.#tierClock.sample();
    this.#sampleJump();
    this.#noteUse();
    if (this.#heat.pass()) this.#cool();
    const words = this.#words;
    this.#meet(this.#addresses[FIELD.slot >> 2], FIELD.pageAddress);
    const stretch = words[FIELD.stretch >> 2];
    if (stretch === 0) return;
    const length = words[FIELD.stretchLength >> 2];
    if (length >= SHORT_STRETCH || stretch !== words[FIELD.resumedAt >> 2]) {
      words[FIELD.stretchCredit >> 2] -= length;
    }
    if (words[FIELD.stretchCredit >> 2] > 0) words[FIELD.stretch >> 2] = 0;
    else this.sampleStretch();
  }

  /**
   * Counts that interpreted code, of which there has been enough since the last such sample, began behind a region or a
   * trap. It may lead to a taken jump, where other samples are taken, after a long time only, or to another region.
   */
  sampleStretch(): void {
    const slot = this.#addresses[FIELD.stretch >> 2];
    this.#words[FIELD.stretch >> 2] = 0;
    this.#words[FIELD.stretchCredit >> 2] = STRETCH_CREDIT;
    this.#meet(slot, FIELD.stretchPage, this.#isDeep);
  }

  /**
   * A sample of a slot, behind which a region begins when there have been enough.
   *
   * @param pageAddress a field of the hart block: the guest-virtual address of the page
   * @param isOthers given for a stretch: as for {@link #compile}
   */
  #meet(slot: number, pageAddress: number, isOthers?: HalfwordTest): void {
    // Most samples are of code that is compiled as well as it can be, some 10 million a second.
    if (this.#heat.isSpent(slot)) return;
    const entry = this.#behind.get(slot) ?? slot;
    // Slots of no page are aside, and stand for others in turn.
    const slots = this.#options.code.pageOf(entry);
    const depth = slots === 0 ? undefined : this.#heat.warm(entry);
    if (depth === undefined) return;
    const pageLow = this.#words[pageAddress >> 2];
    const pageHigh = this.#words[(pageAddress >> 2) + 1];
    const place = this.#compilable({ slot: entry, slots, pageLow, pageHigh });
    if (place === undefined) return;
    if (place.slot !== slot) this.#behind.set(slot, place.slot);
    // The code behind a deep region is as hot.
    this.#compile(place, isOthers && this.#wasInDeep() ? 'deep' : depth, isOthers);
  }

  #wasInDeep(): boolean {
    const last = this.#installed.get(this.#numberOf(this.#addresses[FIELD.lastRegion >> 2]));
    return last?.depth === 'deep';
  }

  /** The first place from one on, within a page, where a region may begin. */
  #compilable(place: Place): Place | undefined {
    const { slot, slots } = place;
    const source = new HartCode(this.#options, this.#jumps, place);
    let offset = (slot - slots) / SLOT_SCALE;
    for (let count = 0; count < MOST_PASSED_OVER && offset < PAGE; count++) {
      const decoded = source.at(offset);
      if (decoded === undefined) break;
      if (isCompilable(decoded)) return { ...place, slot: slots + offset * SLOT_SCALE };
      offset += decoded.length;
      if (!source.isWarm(offset)) break;
    }
    return undefined;
  }

  #noteUse(): void {
    const record = this.#addresses[FIELD.lastRegion >> 2];
    if (record === 0) return;
    const number = this.#numberOf(record);
    this.#idle[number] = 0;
    this.#memory.meet(number);
    if (this.#full.meet(number, this.#addresses[FIELD.slot >> 2])) this.#enlarge(number);
  }

  /** The region is full, and most of the guest's work is done around it. */
  #enlarge(number: number): void {
    const installed = this.#installed.get(number);
    if (installed === undefined) return;
    this.#notes.change(installed.pages[0], installed.slot).large = true;
    this.#retry(installed);
  }

  /** Half of the samples has been forgotten: forgets the regions that no longer show in them. */
  #cool(): void {
    this.#behind.clear();
    this.#full.cool();
    for (const number of [...this.#installed.keys()]) {
      if (this.#idle[number] < LONGEST_IDLE) this.#idle[number]++;
      else this.#drop(number);
    }
  }

  /** If a region was left here by a jump to an address in a register, the next one may do better. */
  #sampleJump(): void {
    const words = this.#words;
    const record = this.#addresses[FIELD.arrivedBy >> 2];
    if (record === 0) return;
    words[FIELD.arrivedBy >> 2] = 0;
    const { pcLow, pcHigh } = this.#options.state;
    const siteLow = words[FIELD.jumpSite >> 2];
    const siteHigh = words[(FIELD.jumpSite >> 2) + 1];
    const distance = (pcHigh - siteHigh) * 2 ** 32 + (pcLow >>> 0) - (siteLow >>> 0);
    const slots = this.#options.tlb.lookupFetch(siteLow, siteHigh);
    if (slots === 0 || Math.abs(distance) > FARTHEST) return;
    const samples = this.#jumps.note(slots + (siteLow & (PAGE - 2)) * SLOT_SCALE, distance);
    const installed = this.#installed.get(this.#numberOf(record));
    if (WORTH_ANOTHER.includes(samples) && installed?.depth === 'deep') this.#retry(installed);
  }

  /** The last region is left all the time because it cannot go on: checking fewer of its accesses at once may help. */
  deoptimize(): void {
    const number = this.#numberOf(this.#addresses[FIELD.lastRegion >> 2]);
    const installed = this.#installed.get(number);
    if (installed === undefined) return;
    const { retired } = this.#statistics;
    if (retired - installed.patientSince > PATIENCE * WORTH_A_STOP || !this.#failedCheck()) {
      installed.patientSince = retired;
      this.#memoryWords[this.#recordOf(number) / 4 + REGION.patience / 4] = PATIENCE;
      return;
    }
    this.#checkLess(installed);
    this.#retry(installed);
  }

  /** Not so before a system instruction, as one that changes SUM: other checks would not help there. */
  #failedCheck(): boolean {
    const { code, decode } = this.#options;
    const slot = this.#addresses[FIELD.slot >> 2];
    const slots = code.pageOf(slot);
    if (slots === 0) return true;
    const decoded = decode(code.bitsAt(slots, (slot - slots) / SLOT.bytes));
    return decoded === undefined || !isCarriedOutElsewhere(decoded);
  }

  #checkLess({ slot, pages: [page], wideChecks }: Installed): void {
    const note = this.#notes.change(page, slot);
    const bases = wideChecks.get(this.#addresses[FIELD.slot >> 2]) ?? 0;
    if ((bases & ~note.ungroupedBases) === 0) note.ungrouped = true;
    else note.ungroupedBases |= bases;
  }

  /** The number of the region whose record is at an address. */
  #numberOf(record: number): number {
    return (record - this.#options.records) / REGION.bytes;
  }

  #recordOf(number: number): number {
    return this.#options.records + number * REGION.bytes;
  }

  /** Drops a region that the next sample at its place brings back, compiled otherwise. */
  #retry({ number, slot, depth }: Installed): void {
    this.#drop(number);
    this.#heat.expect(slot, depth);
  }

  /** The encoding of the instruction whose slot aside this is; undefined: it is none of these. */
  firstBits(slot: number): number | undefined {
    const distance = slot - this.#options.records;
    if (distance < 0 || distance >= REGION_RECORDS * REGION.bytes) return undefined;
    return this.#installed.get(Math.floor(distance / REGION.bytes))?.firstBits;
  }

  /** A page of RAM, by its number, is going to be decoded to the slots at `slots`. */
  admit(slots: number, page: number): void {
    for (const { halfword, depth } of this.#expected.take(page))
      this.#heat.hasten(slots + halfword * SLOT.bytes, depth);
  }

  /** Forgets the regions that have code of the decoded page at `slots`. */
  dropPage(slots: number): void {
    for (const number of [...(this.#byPage.get(slots) ?? [])]) {
      const installed = this.#installed.get(number);
      if (installed === undefined) continue;
      const { slot, pages } = installed;
      this.#drop(number);
      // The new code there may be worth compiling, too, and behave in another way.
      this.#heat.forget(slot);
      this.#notes.forgetSlot(pages[0], slot);
    }
    this.#notes.forget(slots);
    this.#behind.clear();
    this.#byPage.delete(slots);
  }

  /** Drops regions to make room for others; hot ones will soon be back. */
  #makeRoom(numbers: readonly number[]): void {
    for (const number of numbers) {
      const slot = this.#installed.get(number)?.slot ?? 0;
      this.#drop(number);
      this.#heat.forget(slot);
    }
    this.#statistics.add('evicted', numbers.length);
  }

  /** @param isOthers whether the region is not to go on at a halfword of a page, given by its slots */
  #compile(place: Place, depth: Depth, isOthers?: HalfwordTest): void {
    const { slot, slots } = place;
    const halfword = (slot - slots) / SLOT.bytes;
    // A straddling instruction is executed beside its page, and its slot stands for others in turn.
    if (halfword < 0 || halfword >= CODE_PAGE.halfwords || this.#options.code.isStraddling(slot)) return;
    const old = this.#regionAt(slots, halfword);
    if (old !== undefined && (depth === 'shallow' || old.depth === 'deep')) return;
    const { refused, large } = this.#notes.of(slots, slot) ?? { refused: false, large: false };
    if (refused) return;
    const start = performance.now();
    // A large one is there to have the code of others, too.
    const source = new HartCode(this.#options, this.#jumps, place, large ? undefined : isOthers);
    const compiled = this.#make(place, depth, source);
    if (compiled !== undefined) {
      if (old !== undefined) this.#drop(old.number);
      this.#install(compiled, place, source);
    }
    const time = performance.now() - start;
    this.#statistics.add('time', time);
    this.#statistics.raise('longest', time);
    this.#options.onCompiled?.({
      pcLow: (place.pageLow + 2 * halfword) | 0,
      pcHigh: place.pageHigh,
      isDeep: depth === 'deep',
      bytes: compiled?.region.bytes.length ?? 0,
      time,
    });
  }

  /** Compiles the code that begins at a place; refused code is interpreted from then on. */
  #make(place: Place, depth: Depth, source: HartCode): MadeRegion | undefined {
    const { slot, slots } = place;
    const { large = false, ungrouped = false, ungroupedBases = 0 } = this.#notes.of(slots, slot) ?? {};
    const linear = this.#options.state.privilege !== MODE.user;
    const made = this.#maker.make(place, source, { depth, large, linear, ungrouped, ungroupedBases });
    if (made !== 'refused') return made;
    this.#notes.change(slots, slot).refused = true;
    this.#statistics.add('refused', 1);
    return undefined;
  }

  /** The next stretch that is met where a deep region was cut off is compiled: it is run as often. */
  #awaitNext(offset: number, source: HartCode): void {
    const slots = source.slotsOf(Math.floor(offset / PAGE));
    if (slots === 0) return;
    const halfword = (offset & (PAGE - 1)) >> 1;
    if (this.#isDeep(slots, halfword)) return;
    // Otherwise nothing would be interpreted there.
    const next = this.#regionAt(slots, halfword);
    if (next !== undefined) this.#drop(next.number);
    this.#heat.expect(slots + halfword * SLOT.bytes, 'deep');
  }

  /** Code that leads to a deep region need not contain it once more, as every part of a long loop would. */
  readonly #isDeep = (slots: number, halfword: number): boolean =>
    this.#regionAt(slots, halfword)?.depth === 'deep';

  #regionAt(slots: number, halfword: number): Installed | undefined {
    if (this.#halfwords[(slots + halfword * SLOT.bytes) / 2] !== OPERATION.region) return undefined;
    return this.#installed.get(this.#halfwords[(slots + CODE_PAGE.regions) / 2 + halfword]);
  }

  #install({ region, run }: MadeRegion, place: Place, source: HartCode): void {
    const { slot, slots, pageLow, pageHigh } = place;
    const { table } = this.#options;
    this.#makeRoom(this.#memory.victims(region.bytes.length));
    const number = this.#number();
    if (number >= table.length) table.grow(Math.max(64, table.length));
    table.set(number, run);
    this.#writeRecord(number, place, region, source);
    this.#noteEntry(number, place, region.depth);
    const firstBits = this.#packAside(number, source.at(((slot - slots) / SLOT.bytes) * 2));
    this.#halfwords[(slots + CODE_PAGE.regions) / 2 + (slot - slots) / SLOT.bytes] = number;
    this.#halfwords[slot / 2] = OPERATION.region;
    const pages = [slots, ...region.pages.map((page) => source.slotsOf(page))];
    this.#idle[number] = 0;
    this.#installed.set(number, {
      ...{ number, slot, depth: region.depth, firstBits, pages },
      wideChecks: source.bySlot(region.wideChecks),
      patientSince: this.#statistics.retired,
    });
    for (const page of pages) {
      const numbers = this.#byPage.get(page) ?? new Set();
      this.#byPage.set(page, numbers.add(number));
    }
    this.#noteRoom(number, place, region, source);
    if (region.depth === 'deep' && region.cutOff !== undefined) this.#awaitNext(region.cutOff, source);
    this.#options.onRegion?.({
      pageLow,
      pageHigh,
      xlen: this.#options.state.xlen,
      record: this.#recordOf(number),
      region,
    });
    this.#memory.add(number, region.bytes.length);
    this.#statistics.placed(region.bytes.length, region.instructions, this.#memory.total);
  }

  /** A deep region may be worth more room than it has, once. */
  #noteRoom(number: number, { slot, slots }: Place, { depth, unfollowed }: Region, source: HartCode): void {
    if (depth !== 'deep' || this.#notes.of(slots, slot)?.large === true) return;
    const exits = new Set(unfollowed.map((offset) => source.slotOf(offset)));
    this.#full.add(number, exits);
  }

  #writeRecord(number: number, { slot, slots }: Place, { pages }: Region, source: HartCode): void {
    const words = this.#memoryWords;
    const record = this.#recordOf(number) / 4;
    words[record + REGION.element / 4] = number;
    words[record + REGION.operation / 4] = this.#halfwords[slot / 2];
    words[record + REGION.pages / 4] = pages.length;
    words[record + REGION.patience / 4] = this.#notes.of(slots, slot)?.ungrouped === true ? 0 : PATIENCE;
    for (const [index, page] of pages.entries()) {
      const at = record + (REGION.firstPage + index * REGION_PAGE.bytes) / 4;
      words[at] = page * PAGE;
      words[at + 1] = source.slotsOf(page);
    }
  }

  #noteEntry(number: number, { slot, slots }: Place, depth: Depth): void {
    const offset = this.#options.code.ramPageOf(slots) * PAGE + ((slot - slots) / SLOT.bytes) * 2;
    this.#memoryWords[(this.#recordOf(number) + REGION.entry) / 4] = hotEntry(offset, depth);
  }

  /** The interpreter carries out the first instruction where the region cannot. */
  #packAside(number: number, first: Decoded | undefined): number {
    if (first === undefined) throw new Error('a region begins with an instruction');
    this.#options.code.packAside(this.#recordOf(number) + REGION.aside, first);
    return first.bits;
  }

  #number(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#nextNumber < REGION_RECORDS) return this.#nextNumber++;
    this.#makeRoom(this.#memory.share());
    return this.#number();
  }

  #drop(number: number): void {
    const installed = this.#installed.get(number);
    if (installed === undefined) return;
    const { slot, pages } = installed;
    const record = this.#recordOf(number) / 4;
    if (this.#halfwords[slot / 2] === OPERATION.region) {
      this.#halfwords[slot / 2] = this.#memoryWords[record + REGION.operation / 4];
    }
    this.#memoryWords[record + REGION.entry / 4] = NO_ENTRY;
    this.#options.table.set(number, null);
    this.#installed.delete(number);
    this.#memory.remove(number);
    this.#full.remove(number);
    this.#statistics.dropped(this.#memory.total);
    for (const page of pages) this.#byPage.get(page)?.delete(number);
    this.#free.push(number);
  }
}
