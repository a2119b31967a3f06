import { announceEvent, leaveHandler, routeGlobal } from '../deliver-event.ts';
import { ATTRIBUTE, EVENT, EVENT_STATE, type SoftwareEvent } from '../software-events.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';
import { readAttributes, writeAttributes } from './sse-attributes.ts';

/** Standard events whose source the machine has not: RAS of high and low priority, double traps, counter overflow. */
const WITHOUT_SOURCE: readonly number[] = [0, 1, 0x8000, 0x1_0000, 0x10_0000, 0x10_8000];
/** Functions that are about the calling hart, not about an event that it names. */
const FUNCTION = { complete: 6, unmask: 8, mask: 9 } as const;

/** Chapter "Supervisor Software Events Extension". */
export const sseExtension: SbiExtension = {
  id: 0x53_5345,
  name: 'SSE',
  call(functionId: number, call: SbiCall): boolean {
    switch (functionId) {
      case FUNCTION.complete:
        complete(call);
        return true;
      case FUNCTION.unmask:
        call.finish(setTakes(call, true, SBI.alreadyStarted));
        return true;
      case FUNCTION.mask:
        call.finish(setTakes(call, false, SBI.alreadyStopped));
        return true;
      default: {
        const run = FUNCTIONS[functionId];
        if (run === undefined) return false;
        call.finish(onEvent(call, run));
        return true;
      }
    }
  },
};

/** By function number: actions on an event, with the lock held; they return an error. */
const FUNCTIONS: readonly (((call: SbiCall, event: SoftwareEvent) => number) | undefined)[] = [
  readAttributes,
  writeAttributes,
  register,
  (_, event) => move(event, EVENT_STATE.registered, EVENT_STATE.unused),
  enable,
  (_, event) => move(event, EVENT_STATE.enabled, EVENT_STATE.registered),
  undefined,
  inject,
];

/** Finds the event of argument 0, which is 32 bits wide: its state is the caller's, or that of all. */
function onEvent(call: SbiCall, run: (call: SbiCall, event: SoftwareEvent) => number): number {
  const { events } = call.domain;
  const id = call.low(0);
  if (id === EVENT.local) return events.locked(() => run(call, events.local(call.vcpu.index)));
  if (id === EVENT.global) return events.locked(() => run(call, events.global));
  return WITHOUT_SOURCE.includes(id) ? SBI.notSupported : SBI.invalidParameter;
}

function move(event: SoftwareEvent, from: number, to: number): number {
  if (event.state !== from) return SBI.invalidState;
  event.state = to;
  return SBI.success;
}

/** The address of the handler is one of the caller's address space: its content shows when it is called. */
function register(call: SbiCall, event: SoftwareEvent): number {
  if ((call.low(1) & 1) !== 0) return SBI.invalidParameter;
  const error = move(event, EVENT_STATE.unused, EVENT_STATE.registered);
  if (error !== SBI.success) return error;
  event.set(ATTRIBUTE.entryPc, call.low(1), call.high(1));
  event.set(ATTRIBUTE.entryArgument, call.low(2), call.high(2));
  return SBI.success;
}

function enable(call: SbiCall, event: SoftwareEvent): number {
  const error = move(event, EVENT_STATE.registered, EVENT_STATE.enabled);
  if (error === SBI.success) announce(call, event, call.vcpu.index);
  return error;
}

/**
 * Makes an event pending, a local one on the hart of argument 1. One that is not enabled has no handler to be told: of
 * the errors of this function "failed" is the one for that.
 */
function inject(call: SbiCall, named: SoftwareEvent): number {
  const target = named.isGlobal ? call.vcpu : call.vcpuAt(1);
  if (target === undefined) return SBI.invalidParameter;
  const event = named.isGlobal ? named : call.domain.events.local(target.index);
  if (event.state < EVENT_STATE.enabled) return SBI.failed;
  event.pending = true;
  announce(call, event, target.index);
  return SBI.success;
}

/** Tells the vCPU that is to handle an event, if it is pending. */
function announce(call: SbiCall, event: SoftwareEvent, vcpu: number): void {
  const { events, vcpus } = call.domain;
  if (event.isGlobal) routeGlobal(events, vcpus);
  else if (event.pending && events.takes(vcpu)) announceEvent(vcpus[vcpu] ?? call.vcpu);
}

/** Ends the handler that runs, without a return from this call; without one that runs it does nothing. */
function complete(call: SbiCall): void {
  const { hart, vcpu, domain } = call;
  const { events } = domain;
  events.locked(() => {
    const event = events.running(vcpu.index);
    if (event === undefined) return;
    event.leaveRunning();
    leaveHandler(hart, event);
    call.returns = false;
    // It may be pending again, as may one that this one kept waiting.
    routeGlobal(events, domain.vcpus);
    announceEvent(vcpu);
  });
}

/** Lets events in or keeps them out; `already` is the error if nothing changes by that. */
function setTakes({ domain, vcpu }: SbiCall, takes: boolean, already: number): number {
  const { events } = domain;
  return events.locked(() => {
    if (events.takes(vcpu.index) === takes) return already;
    events.setTakes(vcpu.index, takes);
    routeGlobal(events, domain.vcpus);
    if (takes) announceEvent(vcpu);
    return SBI.success;
  });
}
