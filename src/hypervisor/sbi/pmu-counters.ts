import type { Hart } from '../../hart/index.ts';
import { CSR } from '../../hart/layout.ts';
import { COUNTER, FIRMWARE_EVENT, type FirmwareState } from '../firmware-state.ts';

/**
 * Counters of the calling vCPU. cycle and instret are the hart's: while their vCPU is loaded, mcountinhibit stops them.
 * One that has never been given an event counts on, for software that reads it without asking the SBI.
 */
const MCOUNTINHIBIT = 0x320;
const MCYCLE = 0xb00;
/** event_idx: hardware general events, by code; type 15 in bits 19:16 for firmware events. */
const HARDWARE_EVENTS: ReadonlyMap<number, number> = new Map([
  [1, COUNTER.cycle],
  [2, COUNTER.instret],
]);
const FIRMWARE_TYPE = 15;
const FIRMWARE_CODES: ReadonlySet<number> = new Set(Object.values(FIRMWARE_EVENT));

function isFirmware(counter: number): boolean {
  return counter >= COUNTER.firstFirmware;
}

/** Whether some counter can count an event. */
export function isKnownEvent(event: number): boolean {
  return HARDWARE_EVENTS.has(event) || isFirmwareEvent(event);
}

function isFirmwareEvent(event: number): boolean {
  return event >> 16 === FIRMWARE_TYPE && FIRMWARE_CODES.has(event & 0xffff);
}

/** Whether a counter can count an event. */
export function canCount(counter: number, event: number): boolean {
  return isFirmware(counter) ? isFirmwareEvent(event) : HARDWARE_EVENTS.get(event) === counter;
}

/** Whether a counter has something to count. */
export function hasEvent(firmware: FirmwareState, counter: number): boolean {
  return !isFirmware(counter) || firmware.mapped[counter] !== 0;
}

function inhibit({ privileged }: Hart, counter: number, stopped: boolean): void {
  privileged.readCsr(MCOUNTINHIBIT);
  const others = privileged.low & ~(1 << counter);
  privileged.writeCsr(MCOUNTINHIBIT, others | (stopped ? 1 << counter : 0), 0);
}

/** How often the event of a firmware counter came up. */
function counted(firmware: FirmwareState, counter: number): bigint {
  return firmware.counted((firmware.mapped[counter] as number) & 0xffff);
}

export function readCounter({ privileged }: Hart, firmware: FirmwareState, counter: number): bigint {
  if (!isFirmware(counter)) {
    privileged.readCsr(MCYCLE + counter);
    return (BigInt(privileged.high >>> 0) << 32n) | BigInt(privileged.low >>> 0);
  }
  const value = firmware.values[counter] as bigint;
  return BigInt.asUintN(64, firmware.isStarted(counter) ? value + counted(firmware, counter) : value);
}

export function setCounter(
  { privileged }: Hart,
  firmware: FirmwareState,
  counter: number,
  value: bigint,
): void {
  if (isFirmware(counter)) {
    firmware.values[counter] = firmware.isStarted(counter) ? value - counted(firmware, counter) : value;
  } else {
    const halves = [BigInt.asIntN(32, value), BigInt.asIntN(32, value >> 32n)] as const;
    privileged.writeCsr(MCYCLE + counter, Number(halves[0]), Number(halves[1]));
  }
}

/** Maps an event to a counter, which keeps its value. One that is stopped stays so. */
export function configureCounter(hart: Hart, firmware: FirmwareState, counter: number, event: number): void {
  const value = readCounter(hart, firmware, counter);
  firmware.mapped[counter] = event;
  if (isFirmware(counter)) setCounter(hart, firmware, counter, value);
  else if (!firmware.isStarted(counter)) inhibit(hart, counter, true);
}

/** Lets a counter count on from its value; nothing if it does. It has not overflown yet. */
export function startCounter(hart: Hart, firmware: FirmwareState, counter: number): void {
  const value = readCounter(hart, firmware, counter);
  const { csr } = hart.state;
  if (!isFirmware(counter)) csr[CSR.scountovf] = (csr[CSR.scountovf] as number) & ~(1 << counter);
  firmware.setStarted(counter, true);
  if (isFirmware(counter)) setCounter(hart, firmware, counter, value);
  else inhibit(hart, counter, false);
}

export function stopCounter(hart: Hart, firmware: FirmwareState, counter: number): void {
  const value = readCounter(hart, firmware, counter);
  firmware.setStarted(counter, false);
  if (isFirmware(counter)) setCounter(hart, firmware, counter, value);
  else inhibit(hart, counter, true);
}

/** Takes the event from a counter, which is stopped: cycle and instret count again as they do without an event. */
export function unmapCounter(hart: Hart, firmware: FirmwareState, counter: number): void {
  firmware.mapped[counter] = 0;
  if (!isFirmware(counter)) inhibit(hart, counter, false);
}
