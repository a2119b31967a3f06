import type { Hart } from '../hart/index.ts';
import { CSR } from '../hart/layout.ts';
import { STATUS } from '../hart/privileged/registers.ts';
import { makeRequest } from '../interrupts/run-state.ts';
import {
  ATTRIBUTE,
  EVENT_STATE,
  isReady,
  type SoftwareEvent,
  type SoftwareEvents,
} from './software-events.ts';
import type { Vcpu } from './vcpu.ts';
import { REQUEST } from './vcpu-layout.ts';

const VSSTATUS = 0x200;
const VSEPC = 0x241;
/** Attribute "interrupted flags". */
const FLAG = { spp: 1, spie: 2 } as const;
const A6 = 16;
const A7 = 17;

/** Makes a vCPU look for events to deliver before it enters its guest next, also if it sleeps. Any thread. */
export function announceEvent(vcpu: Vcpu): void {
  makeRequest(vcpu.interrupts.words, REQUEST.event);
  vcpu.kick();
}

/** Tells the vCPU that shall handle the global event, if it is pending and one can; with the lock held. */
export function routeGlobal(events: SoftwareEvents, vcpus: readonly Vcpu[]): void {
  const vcpu = isReady(events.global) ? vcpus[events.receiver()] : undefined;
  if (vcpu !== undefined) announceEvent(vcpu);
}

/**
 * Delivers the event that is due for the loaded vCPU, if any: its guest goes on in the handler (section "Software Event
 * Injection").
 *
 * @returns whether there was one
 */
export function deliverEvent(hart: Hart, vcpu: number, events: SoftwareEvents): boolean {
  return events.locked(() => {
    const event = events.next(vcpu);
    if (event === undefined) return false;
    event.pending = false;
    event.state = EVENT_STATE.running;
    if (event.isGlobal) event.own = vcpu;
    enterHandler(hart, vcpu, event);
    return true;
  });
}

function enterHandler({ state, privileged }: Hart, vcpu: number, event: SoftwareEvent): void {
  const { csr } = state;
  const status = csr[CSR.vsstatus] as number;
  const flags = ((status & STATUS.spp) !== 0 ? FLAG.spp : 0) | ((status & STATUS.spie) !== 0 ? FLAG.spie : 0);
  event.set(ATTRIBUTE.interruptedFlags, flags, 0);
  event.set(ATTRIBUTE.interruptedSepc, csr[CSR.vsepc] as number, csr[CSR.vsepc + 1] as number);
  event.set(ATTRIBUTE.interruptedA6, state.xLow(A6), state.xHigh(A6));
  event.set(ATTRIBUTE.interruptedA7, state.xLow(A7), state.xHigh(A7));
  csr[CSR.vsepc] = csr[CSR.sepc] as number;
  csr[CSR.vsepc + 1] = csr[CSR.sepc + 1] as number;
  const privilege = (csr[CSR.mstatus] as number) & STATUS.spp;
  const enabled = (status & STATUS.sie) !== 0 ? STATUS.spie : 0;
  writeStatus(privileged, status, privilege | enabled);
  csr[CSR.sepc] = event.low(ATTRIBUTE.entryPc);
  csr[CSR.sepc + 1] = event.high(ATTRIBUTE.entryPc);
  csr[CSR.mstatus] = (csr[CSR.mstatus] as number) | STATUS.spp;
  state.setX(A6, vcpu, 0);
  state.setX(A7, event.low(ATTRIBUTE.entryArgument), event.high(ATTRIBUTE.entryArgument));
}

/** The guest goes on where an event has interrupted it (section "Software Event Completion"). */
export function leaveHandler({ state, privileged }: Hart, event: SoftwareEvent): void {
  const { csr } = state;
  const status = csr[CSR.vsstatus] as number;
  csr[CSR.sepc] = csr[CSR.vsepc] as number;
  csr[CSR.sepc + 1] = csr[CSR.vsepc + 1] as number;
  csr[CSR.mstatus] = ((csr[CSR.mstatus] as number) & ~STATUS.spp) | (status & STATUS.spp);
  const flags = event.low(ATTRIBUTE.interruptedFlags);
  const before = ((flags & FLAG.spp) !== 0 ? STATUS.spp : 0) | ((flags & FLAG.spie) !== 0 ? STATUS.spie : 0);
  writeStatus(privileged, status, before | ((status & STATUS.spie) !== 0 ? STATUS.sie : 0));
  state.setX(A6, event.low(ATTRIBUTE.interruptedA6), event.high(ATTRIBUTE.interruptedA6));
  state.setX(A7, event.low(ATTRIBUTE.interruptedA7), event.high(ATTRIBUTE.interruptedA7));
  const sepc = ATTRIBUTE.interruptedSepc;
  privileged.writeCsr(VSEPC, event.low(sepc), event.high(sepc));
}

/** Replaces SIE, SPIE and SPP of vsstatus. */
function writeStatus(privileged: Hart['privileged'], old: number, bits: number): void {
  privileged.readCsr(VSSTATUS);
  const high = privileged.high;
  privileged.writeCsr(VSSTATUS, (old & ~(STATUS.sie | STATUS.spie | STATUS.spp)) | bits, high);
}
