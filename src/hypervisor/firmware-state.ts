import { array, f64, halves, i32, i64, row, struct } from '../layout/struct.ts';

/**
 * Firmware events of the SBI's PMU extension (chapter "Performance Monitoring Unit Extension", table "PMU Firmware
 * Events") that can come up in a guest: those of hypervisors cannot, and access faults never leave the guest.
 */
export const FIRMWARE_EVENT = {
  misalignedLoad: 0,
  misalignedStore: 1,
  illegalInstruction: 4,
  setTimer: 5,
  ipiSent: 6,
  ipiReceived: 7,
  fenceISent: 8,
  fenceIReceived: 9,
  sfenceVmaSent: 10,
  sfenceVmaReceived: 11,
  sfenceVmaAsidSent: 12,
  sfenceVmaAsidReceived: 13,
} as const;

export type FirmwareEvent = keyof typeof FIRMWARE_EVENT;

/** Logical counters of the PMU extension, by number: cycle is 0 and instret 2, as their CSRs are, and 1 is none. */
export const COUNTER = { cycle: 0, instret: 2, firstFirmware: 3, count: 19 } as const;

const HARDWARE = (1 << COUNTER.cycle) | (1 << COUNTER.instret);
/** All bits of both words: no shared memory. */
const NOWHERE = -1;
const EVENTS = 14;
/** Nanoseconds stolen since the guest asked for the figure, and ticks since when it waits for a pCPU. */
const TIMES = row(f64, ['stolen', 'readySince']);

/** The state of one vCPU. */
export const FIRMWARE = struct({
  /** The value of each counter; while a firmware counter runs: its distance from its event's count. */
  values: array(i64, COUNTER.count),
  times: TIMES,
  /** How often each event came up, by its code. */
  events: array(i64, EVENTS),
  /** The event that each counter is mapped to, 0 = none. */
  mapped: array(i32, COUNTER.count),
  /** Bit n: counter n runs. */
  started: i32,
  /** Bit n: local firmware feature n is locked. */
  locks: i32,
  /** Guest-physical addresses of shared memory. */
  stealArea: halves,
  snapshotArea: halves,
});

const WORD = FIRMWARE.word;

/** A guest-physical address as two words. */
export interface GuestAddress {
  readonly low: number;
  readonly high: number;
}

/**
 * State of one vCPU that a machine's firmware would keep, in shared memory. It belongs to the thread that may touch the
 * vCPU in its present run state, except for the counts of events, which any thread counts.
 */
export class FirmwareState {
  /** Of the PMU's counters; see {@link FIRMWARE}. */
  readonly values: BigInt64Array;
  readonly mapped: Int32Array;
  readonly #events: BigInt64Array;
  readonly #words: Int32Array;
  readonly #times: Float64Array;

  /** @param area byte address in linear memory, aligned to 8 */
  constructor(memory: WebAssembly.Memory, area: number) {
    const { buffer } = memory;
    this.values = FIRMWARE.view('values', buffer, area);
    this.#times = FIRMWARE.view('times', buffer, area);
    this.#events = FIRMWARE.view('events', buffer, area);
    this.mapped = FIRMWARE.view('mapped', buffer, area);
    this.#words = FIRMWARE.over(buffer, area);
  }

  /** The state at the start of a hart: no feature is locked, no counter mapped, no memory shared. */
  reset(): void {
    this.values.fill(0n);
    this.mapped.fill(0);
    this.#words[WORD.started] = 0;
    this.#words[WORD.locks] = 0;
    this.stealArea = undefined;
    this.snapshotArea = undefined;
  }

  /** Counts an event. Any thread. */
  count(event: FirmwareEvent): void {
    // Meets itself on other threads, and the load in `counted`. The result, a BigInt, is never made.
    Atomics.add(this.#events, FIRMWARE_EVENT[event], 1n);
  }

  /** Times that an event was counted, by its code; 0 for one that is not counted. */
  counted(code: number): bigint {
    // Meets the add in `count`.
    return code < EVENTS ? Atomics.load(this.#events, code) : 0n;
  }

  isStarted(counter: number): boolean {
    return (((this.#words[WORD.started] as number) >>> counter) & 1) !== 0;
  }

  /** Whether cycle or instret was started by the SBI. */
  get countsHardware(): boolean {
    return ((this.#words[WORD.started] as number) & HARDWARE) !== 0;
  }

  setStarted(counter: number, started: boolean): void {
    const others = (this.#words[WORD.started] as number) & ~(1 << counter);
    this.#words[WORD.started] = others | (started ? 1 << counter : 0);
  }

  isLocked(feature: number): boolean {
    return (((this.#words[WORD.locks] as number) >>> feature) & 1) !== 0;
  }

  lock(feature: number): void {
    this.#words[WORD.locks] = (this.#words[WORD.locks] as number) | (1 << feature);
  }

  /** Where the guest reads how much time was stolen from it. */
  get stealArea(): GuestAddress | undefined {
    return this.#address(WORD.stealArea);
  }

  set stealArea(address: GuestAddress | undefined) {
    this.#setAddress(WORD.stealArea, address);
  }

  /** Where the guest's counters are written when they stop. */
  get snapshotArea(): GuestAddress | undefined {
    return this.#address(WORD.snapshotArea);
  }

  set snapshotArea(address: GuestAddress | undefined) {
    this.#setAddress(WORD.snapshotArea, address);
  }

  /** Nanoseconds for which the vCPU could have run, but waited for a pCPU. */
  get stolen(): number {
    return this.#times[TIMES.index.stolen] as number;
  }

  set stolen(nanoseconds: number) {
    this.#times[TIMES.index.stolen] = nanoseconds;
  }

  /**
   * Ticks at which the vCPU began to wait for a pCPU; written before it is queued, and read by the pCPU that takes it.
   */
  get readySince(): number {
    return this.#times[TIMES.index.readySince] as number;
  }

  set readySince(ticks: number) {
    this.#times[TIMES.index.readySince] = ticks;
  }

  #address(at: number): GuestAddress | undefined {
    const low = this.#words[at] as number;
    const high = this.#words[at + 1] as number;
    return low === NOWHERE && high === NOWHERE ? undefined : { low, high };
  }

  #setAddress(at: number, address: GuestAddress | undefined): void {
    this.#words[at] = address?.low ?? NOWHERE;
    this.#words[at + 1] = address?.high ?? NOWHERE;
  }
}
