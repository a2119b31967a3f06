/**
 * Protocols as C on RISC-V: which of the kernel's operations each access is, and where the barriers stand. The
 * TypeScript functions run as they are; an access is recognised by its thread, word, kind and operand.
 *
 * What is not the protocol's (run state, requests to leave the guest, devices) is taken as fully ordered.
 */
import { Kind } from '../operations.ts';
import {
  KERNEL_BARRIERS,
  KERNEL_ORDERINGS,
  NAMED_ORDERINGS,
  type Ordering,
  type ProtocolOrderings,
  type Weakening,
  weaken,
} from './orderings.ts';
import type { FenceOrder } from './program.ts';
import type { AccessSite, OrderingOf } from './weak-search.ts';

/** One access of a protocol; the first rule that fits an access counts. */
export interface TranscriptionRule {
  /** What reports call it: the function and the operation. */
  readonly place: string;
  readonly fits: (site: AccessSite) => boolean;
  readonly ordering: Ordering;
  /** A barrier that stands directly before it. */
  readonly barrier?: { readonly name: string; readonly orders: readonly FenceOrder[] };
}

export type Transcription = readonly TranscriptionRule[];

/** Where senders leave messages; scenarios without come to no such place. */
export const MESSAGE_PLACE = 'message: WRITE_ONCE';

/** The message that a sender leaves: a plain store. */
const MESSAGE: TranscriptionRule = {
  place: MESSAGE_PLACE,
  fits: (site) => site.word.startsWith('mail_'),
  ordering: KERNEL_ORDERINGS.WRITE_ONCE,
};

const VSSIP = 1 << 2;
const LCOFIP = 1 << 13;

function isWord(site: AccessSite, name: 'irqs_pending' | 'irqs_pending_mask'): boolean {
  return site.word === name || site.word === `${name}[1]`;
}

/**
 * take-mirror with the weakest orders that its argument needs: producers publish what came before with their or/and, and
 * the take acquires it. The load of `flush` is ordered by the entry around it, that of `has` by the sleep around it.
 */
const TAKE_MIRROR: Transcription = [
  MESSAGE,
  {
    place: 'set: fetch_or',
    fits: (site) => isWord(site, 'irqs_pending') && site.kind === Kind.OR,
    ordering: NAMED_ORDERINGS.acqrel,
  },
  {
    place: 'flush: take (fetch_and)',
    fits: (site) => isWord(site, 'irqs_pending') && site.kind === Kind.AND && site.thread === 'vCPU',
    ordering: NAMED_ORDERINGS.acq,
  },
  {
    place: 'unset: fetch_and',
    fits: (site) => isWord(site, 'irqs_pending') && site.kind === Kind.AND,
    ordering: NAMED_ORDERINGS.acqrel,
  },
  {
    place: 'flush and has: READ_ONCE',
    fits: (site) => isWord(site, 'irqs_pending') && site.kind === Kind.LOAD,
    ordering: KERNEL_ORDERINGS.READ_ONCE,
  },
];

/** In `sync` the vCPU's thread touches the guest-writable bits only, and it sets them nowhere else. */
function isSync(site: AccessSite): boolean {
  return site.thread === 'vCPU' && (site.operand === VSSIP || site.operand === LCOFIP);
}

const PUBLISHED: Transcription = [
  MESSAGE,
  {
    place: 'sync: test_and_set_bit(mask)',
    fits: (site) => isWord(site, 'irqs_pending_mask') && site.kind === Kind.OR && isSync(site),
    ordering: KERNEL_ORDERINGS.test_and_set_bit,
  },
  {
    place: 'set/unset: set_bit(mask)',
    fits: (site) => isWord(site, 'irqs_pending_mask') && site.kind === Kind.OR,
    ordering: KERNEL_ORDERINGS.set_bit,
    barrier: { name: 'smp_mb__before_atomic', orders: KERNEL_BARRIERS.smp_mb__before_atomic },
  },
  {
    place: 'set/unset/sync: set_bit, clear_bit(pending)',
    fits: (site) => isWord(site, 'irqs_pending') && (site.kind === Kind.OR || site.kind === Kind.AND),
    ordering: KERNEL_ORDERINGS.set_bit,
  },
  {
    place: 'flush: xchg_acquire(mask)',
    fits: (site) => site.kind === Kind.EXCHANGE && isWord(site, 'irqs_pending_mask'),
    ordering: KERNEL_ORDERINGS.xchg_acquire,
  },
  {
    place: 'flush and has: READ_ONCE',
    fits: (site) => site.kind === Kind.LOAD && site.word.startsWith('irqs_pending'),
    ordering: KERNEL_ORDERINGS.READ_ONCE,
  },
];

/** Protocols that have been transcribed, by name. */
export const TRANSCRIPTIONS: Readonly<Record<string, Transcription>> = {
  'take-mirror': TAKE_MIRROR,
  published: PUBLISHED,
};

/** The orderings of a transcription by place. */
export function orderingsOf(transcription: Transcription): ProtocolOrderings {
  const barriers: Record<string, readonly FenceOrder[]> = {};
  for (const { place, barrier } of transcription) {
    if (barrier !== undefined) barriers[`${place}: ${barrier.name}`] = barrier.orders;
  }
  return {
    accesses: Object.fromEntries(transcription.map(({ place, ordering }) => [place, ordering])),
    barriers,
  };
}

/** The ordering of each access, by the transcription with these orderings; fully ordered where no rule fits. */
export function orderingBy(
  transcription: Transcription,
  orderings: ProtocolOrderings = orderingsOf(transcription),
): OrderingOf {
  return (site) => {
    const rule = transcription.find(({ fits }) => fits(site));
    if (rule === undefined) return NAMED_ORDERINGS.sc;
    const access = orderings.accesses[rule.place] ?? rule.ordering;
    const fences =
      rule.barrier === undefined ? [] : orderings.barriers[`${rule.place}: ${rule.barrier.name}`];
    return { ...access, before: [...(fences ?? []), ...access.before] };
  };
}

/** The transcription with one order less, for each of its orders. */
export function* weakened(
  transcription: Transcription,
): Generator<{ readonly weakening: Weakening; readonly orderingOf: OrderingOf }> {
  for (const { weakening, orderings } of weaken(orderingsOf(transcription))) {
    yield { weakening, orderingOf: orderingBy(transcription, orderings) };
  }
}
