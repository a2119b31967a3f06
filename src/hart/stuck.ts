/**
 * Exceptions without an instruction in between after which a guest is called stuck. Nothing that such a hart does
 * changes anything any more, and it takes about a second to get there: time enough for another hart that would repair
 * its trap handler.
 */
export const STUCK_AFTER = 300_000;

/** Exception codes (privileged specification, "Supervisor Cause Register"). */
const EXCEPTIONS: readonly string[] = [
  'instruction address misaligned',
  'instruction access fault',
  'illegal instruction',
  'breakpoint',
  'load address misaligned',
  'load access fault',
  'store access misaligned',
  'store access fault',
  'environment call from U-mode',
  'environment call from S-mode',
  'environment call from VS-mode',
  'environment call from M-mode',
  'instruction page fault',
  'load page fault',
  'reserved',
  'store page fault',
];

/** An exception: its cause, and the pc that it was raised at in two halves. */
export interface RaisedException {
  readonly cause: number;
  readonly pcLow: number;
  readonly pcHigh: number;
}

/**
 * Says in words how a hart is stuck.
 *
 * @param who name of the hart: `vCPU 0`
 * @param first the exception that began it
 * @param last the newest one, raised by the handler itself
 * @param register the CSR that holds the handler's address
 */
export function describeStuck(
  who: string,
  first: RaisedException,
  last: RaisedException,
  register: 'stvec' | 'mtvec',
  handler: { readonly low: number; readonly high: number },
): string {
  const fetch = last.cause === 0 || last.cause === 1 || last.cause === 12;
  const likely = fetch
    ? 'There is no code that could run: the guest probably jumped to a wrong address before it had a trap handler, or it is not made for this machine'
    : 'The handler itself cannot do its first step: its code was probably overwritten, or is not made for this machine';
  return (
    `${who} takes one exception after the other and executes nothing. It began with ${described(first)}; the trap ` +
    `handler (${register}) is at ${hex(handler.low & ~3, handler.high)}, where every attempt ends with ` +
    `${described(last)}. ${likely}.`
  );
}

function described({ cause, pcLow, pcHigh }: RaisedException): string {
  return `"${EXCEPTIONS[cause] ?? 'unknown exception'}" (cause ${cause}) at pc ${hex(pcLow, pcHigh)}`;
}

function hex(low: number, high: number): string {
  return `0x${((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)}`;
}
