/**
 * Protocols as C on RISC-V: which of the kernel's operations each access is, and where the barriers stand, from the C
 * code of `transcriptions/`. What is explored under RVWMO is that code.
 *
 * Words that are not the protocol's (run state, requests to leave the guest, devices) are taken as fully ordered, but
 * for the barriers that a transcription asks its callers for: `loop-orderings.ts`.
 */
import type { Protocol } from '../../interrupts/protocol.ts';
import { FILE_ORDERINGS, filePlaceOf, withFile } from './file-orderings.ts';
import { inLoop, LOOP_ORDERINGS, LOOP_WORDS, loopPlaceOf } from './loop-orderings.ts';
import {
  KERNEL_ORDERINGS,
  NAMED_ORDERINGS,
  type ProtocolOrderings,
  type Weakening,
  weaken,
} from './orderings.ts';
import type { FenceOrder } from './program.ts';
import { CFunction, fencesOf, type Place } from './transcriptions/c-operations.ts';
import { DIRECT } from './transcriptions/direct.ts';
import { CALLS, situations } from './transcriptions/exercise.ts';
import { KVM_SPINLOCK } from './transcriptions/kvm-spinlock.ts';
import { MINIMAL_PATCH } from './transcriptions/minimal-patch.ts';
import { PUBLISHED } from './transcriptions/published.ts';
import { TAKE_MIRROR } from './transcriptions/take-mirror.ts';
import type { Transcription } from './transcriptions/transcription-type.ts';
import { XCHG } from './transcriptions/xchg.ts';
import { XEN } from './transcriptions/xen.ts';
import { XEN_MINIMAL_PATCH } from './transcriptions/xen-minimal-patch.ts';
import type { AccessSite, OrderingOf } from './weak-search.ts';

export type { Transcription } from './transcriptions/transcription-type.ts';

/** Protocols that have been transcribed, by name. */
export const TRANSCRIPTIONS: Readonly<Record<string, Transcription>> = {
  'take-mirror': TAKE_MIRROR,
  published: PUBLISHED,
  xen: XEN,
  'kvm-spinlock': KVM_SPINLOCK,
  'minimal-patch': MINIMAL_PATCH,
  'xen-minimal-patch': XEN_MINIMAL_PATCH,
  xchg: XCHG,
  direct: DIRECT,
};

/** Where senders leave messages; scenarios without come to no such place. */
export const MESSAGE_PLACE = 'message: WRITE_ONCE';

/** The message that a sender leaves: a plain store. */
const MESSAGE: Place = { name: MESSAGE_PLACE, ordering: KERNEL_ORDERINGS.WRITE_ONCE, barrier: undefined };

interface Compiled {
  readonly protocol: Protocol;
  readonly places: ReadonlyMap<string, Place>;
}

const compiled = new WeakMap<Transcription, Compiled>();

/** Every place of a transcription is known after all its functions have been called in all situations. */
function compile(transcription: Transcription): Compiled {
  const known = compiled.get(transcription);
  if (known !== undefined) return known;
  const places = new Map<string, Place>([[MESSAGE.name, MESSAGE]]);
  const protocol = callable(transcription, places);
  for (const call of CALLS) for (const situation of situations()) call.make(protocol, situation);
  const made = { protocol, places };
  compiled.set(transcription, made);
  return made;
}

function callable(transcription: Transcription, places: Map<string, Place>): Protocol {
  const { name, provenance } = transcription;
  const c = (of: string) => new CFunction(of, places);
  return {
    name,
    provenance,
    set: (words, irq) => transcription.set(c('set'), words, irq),
    unset: (words, irq) => transcription.unset(c('unset'), words, irq),
    sync: (words, local, lo, hi) => transcription.sync(c('sync'), words, local, lo, hi),
    flush: (words, local) => transcription.flush(c('flush'), words, local),
    has: (words, local, lo, hi) => transcription.has(c('has'), words, local, lo, hi),
  };
}

/** The operation of the C code that an access with this name is; undefined for accesses that are not the protocol's. */
export function placeIn(transcription: Transcription, name: string | undefined): Place | undefined {
  return name === undefined ? undefined : compile(transcription).places.get(name);
}

/** The C code as a protocol: its accesses tell which operation they are. */
export function transcribed(transcription: Transcription): Protocol {
  return compile(transcription).protocol;
}

/** The place of an access, undefined when it is neither the protocol's, nor the file's, nor the loop's. */
export function placeOf(site: AccessSite): string | undefined {
  return protocolPlaceOf(site) ?? filePlaceOf(site) ?? loopPlaceOf(site);
}

function protocolPlaceOf(site: AccessSite): string | undefined {
  return site.word.startsWith('mail_') ? MESSAGE_PLACE : site.within;
}

/** The orderings of a transcription by place. */
export function orderingsOf(transcription: Transcription): ProtocolOrderings {
  const places = [...compile(transcription).places.values()];
  const barriers: Record<string, readonly FenceOrder[]> = {};
  for (const place of places) {
    if (place.barrier !== undefined) barriers[`${place.name}: ${place.barrier}`] = fencesOf(place);
  }
  return {
    accesses: Object.fromEntries(places.map(({ name, ordering }) => [name, ordering])),
    barriers,
  };
}

/**
 * The ordering of each access of {@link transcribed}, by the transcription with these orderings, and of an interrupt
 * file; fully ordered where it is neither's.
 */
export function orderingBy(
  transcription: Transcription,
  orderings: ProtocolOrderings = orderingsOf(transcription),
): OrderingOf {
  const { places } = compile(transcription);
  return withFile((site) => {
    const at = protocolPlaceOf(site);
    if (at === undefined) return NAMED_ORDERINGS.sc;
    const place = places.get(at);
    if (place === undefined) throw new RangeError(`The C code of ${transcription.name} has no ${at}`);
    const access = orderings.accesses[at] ?? place.ordering;
    const fences = place.barrier === undefined ? [] : orderings.barriers[`${at}: ${place.barrier}`];
    return { ...access, before: [...(fences ?? []), ...access.before] };
  });
}

/** One order less, in the protocol or in the loop. */
export interface Weakened {
  readonly weakening: Weakening;
  readonly orderingOf: OrderingOf;
  /** With that order. */
  readonly whole: OrderingOf;
  /** Names of the words that count as shared in both. */
  readonly shared: readonly string[];
}

/**
 * The transcription with one order less, for each of its orders, and for those that it asks its callers for; also those
 * of an interrupt file, if there is one.
 */
export function* weakened(transcription: Transcription, hasFile = false): Generator<Weakened> {
  const whole = orderingBy(transcription);
  for (const { weakening, orderings } of weaken(orderingsOf(transcription))) {
    yield { weakening, orderingOf: orderingBy(transcription, orderings), whole, shared: [] };
  }
  if (!transcription.asksForBarriers) return;
  const plain = inLoop(whole);
  for (const { weakening, orderings } of weaken(LOOP_ORDERINGS)) {
    yield { weakening, orderingOf: inLoop(whole, orderings), whole: plain, shared: LOOP_WORDS };
  }
  if (!hasFile) return;
  for (const { weakening, orderings } of weaken(FILE_ORDERINGS)) {
    yield { weakening, orderingOf: withFile(plain, orderings), whole: plain, shared: LOOP_WORDS };
  }
}
