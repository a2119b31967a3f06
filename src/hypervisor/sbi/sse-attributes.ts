import type { GuestWords } from '../../memory/guest-memory.ts';
import { ATTRIBUTE, EVENT_STATE, type SoftwareEvent } from '../software-events.ts';
import { SBI, type SbiCall } from './call.ts';

const ONE_SHOT = 1;
/** SPP, SPIE, SPV, SPVP, SPELP, SDT: all can be kept, though only the first two mean something on our harts. */
const KNOWN_FLAGS = 0x3f;

/** The attributes that a call names, and the memory for their values: each has one word, or two on RV64. */
interface Range {
  readonly base: number;
  readonly count: number;
  readonly words: GuestWords;
  readonly wordsOfEach: 1 | 2;
}

/** Arguments: first attribute and number of attributes, both 32 bits wide, then the address of values of XLEN bits. */
function rangeOf(call: SbiCall): Range | number {
  const [base, count] = [call.low(1) >>> 0, call.low(2) >>> 0];
  if (count === 0) return SBI.invalidParameter;
  if (base + count > ATTRIBUTE.count) return SBI.badRange;
  const wordsOfEach = call.hart.state.xlen === 64 ? 2 : 1;
  const usable = (call.low(3) & (4 * wordsOfEach - 1)) === 0 && !call.isNotZero(4);
  const words = usable ? call.domain.memory.words(call.unsigned(3), wordsOfEach * count) : undefined;
  return words === undefined ? SBI.invalidAddress : { base, count, words, wordsOfEach };
}

/** Copies attributes to memory. @returns an error */
export function readAttributes(call: SbiCall, event: SoftwareEvent): number {
  const range = rangeOf(call);
  if (typeof range === 'number') return range;
  const { base, count, words, wordsOfEach } = range;
  for (let index = 0; index < count; index++) {
    words.store(wordsOfEach * index, event.low(base + index));
    if (wordsOfEach === 2) words.store(2 * index + 1, event.high(base + index));
  }
  return SBI.success;
}

/** Copies attributes from memory: all of them, or none if one is refused. @returns an error */
export function writeAttributes(call: SbiCall, event: SoftwareEvent): number {
  const range = rangeOf(call);
  if (typeof range === 'number') return range;
  const { base, count, words, wordsOfEach } = range;
  // Read once: the guest may change them while they are looked at.
  const values = Array.from({ length: count }, (_, index) => ({
    attribute: base + index,
    low: words.load(wordsOfEach * index),
    high: wordsOfEach === 2 ? words.load(2 * index + 1) : 0,
  }));
  for (const { attribute, low, high } of values) {
    const error = refusal(call, event, attribute, low, high);
    if (error !== SBI.success) return error;
  }
  for (const { attribute, low, high } of values) event.set(attribute, low, high);
  return SBI.success;
}

/** Why an attribute cannot take a value (table "SSE Event Attributes"). */
function refusal(call: SbiCall, event: SoftwareEvent, attribute: number, low: number, high: number): number {
  switch (attribute) {
    case ATTRIBUTE.priority:
      return configurable(event, high === 0);
    case ATTRIBUTE.config:
      return configurable(event, high === 0 && (low & ~ONE_SHOT) === 0);
    case ATTRIBUTE.preferredHart:
      if (!event.isGlobal) return SBI.denied;
      return configurable(event, high === 0 && call.domain.vcpus[low >>> 0] !== undefined);
    case ATTRIBUTE.interruptedFlags:
      return interrupted(call, event, high === 0 && (low & ~KNOWN_FLAGS) === 0);
    case ATTRIBUTE.interruptedSepc:
    case ATTRIBUTE.interruptedA6:
    case ATTRIBUTE.interruptedA7:
      return interrupted(call, event, true);
    default:
      return SBI.denied;
  }
}

function configurable(event: SoftwareEvent, valid: boolean): number {
  if (event.state > EVENT_STATE.registered) return SBI.invalidState;
  return valid ? SBI.success : SBI.invalidParameter;
}

/** Judges a write of the interrupted state: only the hart that runs the handler can change it. */
function interrupted({ vcpu }: SbiCall, event: SoftwareEvent, valid: boolean): number {
  const here = event.state === EVENT_STATE.running && (!event.isGlobal || event.own === vcpu.index);
  if (!here) return SBI.invalidState;
  return valid ? SBI.success : SBI.invalidParameter;
}
