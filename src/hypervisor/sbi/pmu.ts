import { COUNTER } from '../firmware-state.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';
import {
  canCount,
  configureCounter,
  hasEvent,
  isKnownEvent,
  readCounter,
  setCounter,
  startCounter,
  stopCounter,
  unmapCounter,
} from './pmu-counters.ts';
import { SNAPSHOT_BYTES, snapshotOf } from './pmu-snapshot.ts';

const CONFIGURE = { skipMatch: 1, clearValue: 2, autoStart: 4, known: 0xff } as const;
const START = { setValue: 1, fromSnapshot: 2, known: 3 } as const;
const STOP = { reset: 1, takeSnapshot: 2, known: 3 } as const;
/** counter_info: bits of the counter less one, and the type in the highest bit. */
const WIDTH = 63 << 12;
const TYPE_FIRMWARE = 1 << 31;
const CSR_CYCLE = 0xc00;
/** Entries of an event list in one call: more would keep the caller out of its guest for long. */
const MOST_ENTRIES = 0x1_0000;
const EVENT_BITS = 0xf_ffff;

/** Chapter "Performance Monitoring Unit Extension": cycle and instret of the vCPU, and counters of firmware events. */
export const pmuExtension: SbiExtension = {
  id: 0x50_4d55,
  name: 'PMU',
  call(functionId: number, call: SbiCall): boolean {
    const run = FUNCTIONS[functionId];
    if (run === undefined) return false;
    const error = run(call);
    if (error !== SBI.success) call.fail(error);
    return true;
  },
};

/** By function number: they leave a success in the call, and return an error. */
const FUNCTIONS: readonly ((call: SbiCall) => number)[] = [
  (call) => {
    call.succeed(COUNTER.count);
    return SBI.success;
  },
  counterInfo,
  configure,
  start,
  stop,
  firmwareRead,
  firmwareReadHigh,
  setSnapshotArea,
  eventInfo,
];

/** Number 1 is left out, as it is among CSRs: Linux expects cycle and instret at 0 and 2. */
function exists(counter: number): boolean {
  return counter === COUNTER.cycle || (counter >= COUNTER.instret && counter < COUNTER.count);
}

/** The counter whose number argument 0 is. */
function counterOf(call: SbiCall): number | undefined {
  const counter = call.low(0) >>> 0;
  return call.high(0) === 0 && exists(counter) ? counter : undefined;
}

/** The counters that arguments 0 (the first one) and 1 (a mask) name; undefined if one of them does not exist. */
function counterSet(call: SbiCall): number[] | undefined {
  const base = call.low(0) >>> 0;
  const counters: number[] = [];
  for (let bit = 0; bit < 64; bit++) {
    const word = bit < 32 ? call.low(1) : call.high(1);
    if (((word >>> (bit & 31)) & 1) === 0) continue;
    if (call.high(0) !== 0 || !exists(base + bit)) return undefined;
    counters.push(base + bit);
  }
  return counters;
}

/** Flags of argument 2; undefined if one that is reserved is set. */
function flagsOf(call: SbiCall, known: number): number | undefined {
  const flags = call.low(2);
  return call.high(2) === 0 && (flags & ~known) === 0 ? flags : undefined;
}

function counterInfo(call: SbiCall): number {
  const counter = counterOf(call);
  if (counter === undefined) return SBI.invalidParameter;
  const { xlen } = call.hart.state;
  if (counter >= COUNTER.firstFirmware) {
    call.succeedWide(xlen === 64 ? WIDTH : WIDTH | TYPE_FIRMWARE, xlen === 64 ? TYPE_FIRMWARE : 0);
  } else call.succeed(WIDTH | (CSR_CYCLE + counter));
  return SBI.success;
}

/** The event of arguments 3 and 4, on RV32 also 5; undefined for one that no counter here counts. */
function eventOf(call: SbiCall): number | undefined {
  const event = call.low(3);
  const plain = call.high(3) === 0 && !call.isNotZero(4) && call.highOfWide(4) === 0;
  return plain && isKnownEvent(event) ? event : undefined;
}

/** Modes in which not to count are hints: harts of ours have no filters. */
function configure(call: SbiCall): number {
  const counters = counterSet(call);
  const flags = flagsOf(call, CONFIGURE.known);
  if (counters === undefined || flags === undefined) return SBI.invalidParameter;
  const event = eventOf(call);
  const counter =
    event === undefined ? undefined : choose(call, counters, event, (flags & CONFIGURE.skipMatch) !== 0);
  if (event === undefined || counter === undefined) return SBI.notSupported;
  const { hart } = call;
  const { firmware } = call.vcpu;
  configureCounter(hart, firmware, counter, event);
  if ((flags & CONFIGURE.clearValue) !== 0) setCounter(hart, firmware, counter, 0n);
  if ((flags & CONFIGURE.autoStart) !== 0) startCounter(hart, firmware, counter);
  call.succeed(counter);
  return SBI.success;
}

/** Of those that are stopped one without an event comes first; the guest may also name one itself. */
function choose(
  { vcpu: { firmware } }: SbiCall,
  counters: readonly number[],
  event: number,
  named: boolean,
): number | undefined {
  const able = counters.slice(0, named ? 1 : undefined).filter((counter) => canCount(counter, event));
  if (named) return able[0];
  const stopped = able.filter((counter) => !firmware.isStarted(counter));
  return stopped.find((counter) => firmware.mapped[counter] === 0) ?? stopped[0];
}

function start(call: SbiCall): number {
  const { hart, domain } = call;
  const { firmware } = call.vcpu;
  const counters = counterSet(call);
  const flags = flagsOf(call, START.known);
  if (counters === undefined || flags === undefined || flags === START.known) return SBI.invalidParameter;
  if (!counters.every((counter) => hasEvent(firmware, counter))) return SBI.invalidParameter;
  const snapshot = snapshotOf(firmware, domain.memory);
  const fromSnapshot = (flags & START.fromSnapshot) !== 0;
  if (fromSnapshot && snapshot === undefined) return SBI.noSharedMemory;
  const stopped = counters.filter((counter) => !firmware.isStarted(counter));
  for (const counter of stopped) {
    if ((flags & START.setValue) !== 0)
      setCounter(hart, firmware, counter, wide(call.low(3), call.highOfWide(3)));
    if (fromSnapshot) setCounter(hart, firmware, counter, snapshot?.load(counter - call.low(0)) ?? 0n);
    startCounter(hart, firmware, counter);
  }
  if (stopped.length < counters.length) return SBI.alreadyStarted;
  call.succeed();
  return SBI.success;
}

function stop(call: SbiCall): number {
  const { hart, domain } = call;
  const { firmware } = call.vcpu;
  const counters = counterSet(call);
  const flags = flagsOf(call, STOP.known);
  if (counters === undefined || flags === undefined) return SBI.invalidParameter;
  const snapshot = snapshotOf(firmware, domain.memory);
  const takesSnapshot = (flags & STOP.takeSnapshot) !== 0;
  if (takesSnapshot && snapshot === undefined) return SBI.noSharedMemory;
  const started = counters.filter((counter) => firmware.isStarted(counter));
  for (const counter of started) stopCounter(hart, firmware, counter);
  if (takesSnapshot) {
    snapshot?.clearOverflows();
    for (const counter of counters) {
      snapshot?.store(counter - call.low(0), readCounter(hart, firmware, counter));
    }
  }
  if ((flags & STOP.reset) !== 0) for (const counter of counters) unmapCounter(hart, firmware, counter);
  if (started.length < counters.length) return SBI.alreadyStopped;
  call.succeed();
  return SBI.success;
}

function firmwareRead(call: SbiCall): number {
  const counter = counterOf(call);
  if (counter === undefined || counter < COUNTER.firstFirmware) return SBI.invalidParameter;
  const value = readCounter(call.hart, call.vcpu.firmware, counter);
  call.succeedWide(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  return SBI.success;
}

/** The upper half on RV32. Registers of 64 bits have none elsewhere. */
function firmwareReadHigh(call: SbiCall): number {
  const counter = counterOf(call);
  if (counter === undefined || counter < COUNTER.firstFirmware) return SBI.invalidParameter;
  const isWide = call.hart.state.xlen === 64;
  const value = isWide ? 0n : readCounter(call.hart, call.vcpu.firmware, counter);
  call.succeed(Number(BigInt.asIntN(32, value >> 32n)));
  return SBI.success;
}

/**
 * Guests that have scountovf get no snapshots: with both, Linux 6.12 starts counters that overflowed by a wrong number
 * (`pmu_sbi_start_ovf_ctrs_snapshot` in drivers/perf/riscv_pmu_sbi.c), and they stand still.
 */
function setSnapshotArea(call: SbiCall): number {
  const { domain, vcpu } = call;
  if (vcpu.tellsOverflows) return SBI.notSupported;
  const [low, high] = [call.low(0), call.high(0)];
  if (call.isNotZero(2)) return SBI.invalidParameter;
  const nowhere = call.isNowhere(0);
  if (!nowhere && (low & (SNAPSHOT_BYTES - 1)) !== 0) return SBI.invalidParameter;
  const usable = nowhere || (!call.isNotZero(1) && domain.memory.contains(call.unsigned(0), SNAPSHOT_BYTES));
  if (!usable) return SBI.invalidAddress;
  vcpu.firmware.snapshotArea = nowhere ? undefined : { low, high };
  call.succeed();
  return SBI.success;
}

/** Says of each event of a list whether there is a counter for it. */
function eventInfo(call: SbiCall): number {
  const entries = call.low(2) >>> 0;
  if (call.isNotZero(3) || (call.low(0) & 15) !== 0) return SBI.invalidParameter;
  if (call.high(2) !== 0 || entries > MOST_ENTRIES) return SBI.failed;
  const words = call.isNotZero(1) ? undefined : call.domain.memory.words(call.unsigned(0), 4 * entries);
  if (words === undefined) return SBI.invalidAddress;
  // Read once: the guest may change them while they are looked at.
  const events = Array.from({ length: entries }, (_, entry) => words.load(4 * entry));
  if (events.some((event) => (event & ~EVENT_BITS) !== 0)) return SBI.invalidParameter;
  for (const [entry, event] of events.entries()) words.store(4 * entry + 1, isKnownEvent(event) ? 1 : 0);
  call.succeed();
  return SBI.success;
}

function wide(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
