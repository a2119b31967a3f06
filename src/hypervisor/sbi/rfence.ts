import { hasRequests, makeRequest, runState, waitUntilOutside } from '../../interrupts/run-state.ts';
import { RunState, type VcpuWords } from '../../interrupts/words.ts';
import { hostClock } from '../../time/host-clock.ts';
import type { Vcpu } from '../vcpu.ts';
import { REQUEST } from '../vcpu-layout.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';

const FUNCTION = { fenceI: 0, sfenceVma: 1, sfenceVmaAsid: 2, firstGuest: 3, lastGuest: 6 } as const;
/** A guest leaves within microseconds. Where it takes longer (its thread is not scheduled, or gone) we look around. */
const PATIENCE_MS = 100;
/** For so long we look ourselves, in milliseconds, as waking a thread up takes longer. */
const WATCH_MS = 0.05;

/**
 * Chapter "RFENCE Extension". The call returns when no target can use a translation that was valid before: each has
 * either left its guest since, or was not in it, and carries out the request before it enters again.
 */
export const rfenceExtension: SbiExtension = {
  id: 0x5246_4e43,
  name: 'RFENCE',
  call(functionId: number, call: SbiCall): boolean {
    // The hypervisor variants are for guests with H, which this one has not.
    if (functionId >= FUNCTION.firstGuest && functionId <= FUNCTION.lastGuest) {
      call.fail(SBI.notSupported);
      return true;
    }
    if (functionId > FUNCTION.lastGuest) return false;
    const targets = call.targets(0);
    if (targets === undefined) {
      call.fail(SBI.invalidParameter);
      return true;
    }
    count(call, targets, functionId);
    fence(call, targets, functionId === FUNCTION.fenceI ? REQUEST.fenceI : REQUEST.fence);
    call.succeed();
    return true;
  },
};

/** By function number: counters of the caller and of the other harts. */
const EVENTS = [
  ['fenceISent', 'fenceIReceived'],
  ['sfenceVmaSent', 'sfenceVmaReceived'],
  ['sfenceVmaAsidSent', 'sfenceVmaAsidReceived'],
] as const;

function count({ vcpu }: SbiCall, targets: readonly Vcpu[], functionId: number): void {
  const events = EVENTS[functionId];
  if (events === undefined) return;
  for (const target of targets) {
    if (target === vcpu) continue;
    vcpu.firmware.count(events[0]);
    target.firmware.count(events[1]);
  }
}

function fence({ domain }: SbiCall, targets: readonly Vcpu[], request: number): void {
  for (const { interrupts } of targets) makeRequest(interrupts.words, request);
  for (const { interrupts } of targets) {
    watch(interrupts.words);
    while (domain.running && !waitUntilOutside(interrupts.words, PATIENCE_MS));
  }
}

/** Gives the vCPU a moment to leave its guest; whether it did is found out by `waitUntilOutside`. */
function watch(words: VcpuWords): void {
  const end = hostClock.now() + WATCH_MS;
  while (runState(words) === RunState.IN_GUEST && hasRequests(words) && hostClock.now() < end);
}
