import { array, halves, i32, many, struct } from '../layout/struct.ts';
import { Lock } from '../sync/lock.ts';

/**
 * Supervisor software events (SBI specification, chapter "Supervisor Software Events Extension"): their state, in
 * shared memory, and the choice of the one to deliver. There are the two that software injects itself; the others need
 * a source that the machine has not: RAS, double traps, counters that overflow.
 */
export const EVENT = { local: 0xffff_0000 | 0, global: 0xffff_8000 | 0 } as const;

export type EventId = (typeof EVENT)[keyof typeof EVENT];

export const EVENT_STATE = { unused: 0, registered: 1, enabled: 2, running: 3 } as const;

/** Attributes by number, 64 bits each. */
export const ATTRIBUTE = {
  status: 0,
  priority: 1,
  config: 2,
  preferredHart: 3,
  entryPc: 4,
  entryArgument: 5,
  interruptedSepc: 6,
  interruptedFlags: 7,
  interruptedA6: 8,
  interruptedA7: 9,
  count: 10,
} as const;

const STATE = 3;
const PENDING = 1 << 2;
const INJECTABLE = 1 << 3;
const ONE_SHOT = 1;

const RECORD = struct({
  attributes: array(halves, ATTRIBUTE.count),
  /** Of the global event: number of the vCPU that handles it. Of a local one: not 0 if its vCPU takes events. */
  own: i32,
});
/** A record for the global event, then one for each vCPU. */
const EVENTS = struct({ lock: i32, records: many(RECORD) });

/** One event as one vCPU sees it; used with the lock held. */
export class SoftwareEvent {
  readonly id: EventId;
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(id: EventId, words: Int32Array, at: number) {
    this.id = id;
    this.#words = words;
    this.#at = at;
  }

  low(attribute: number): number {
    return this.#words[this.#at + 2 * attribute] as number;
  }

  high(attribute: number): number {
    return this.#words[this.#at + 2 * attribute + 1] as number;
  }

  set(attribute: number, low: number, high: number): void {
    this.#words[this.#at + 2 * attribute] = low;
    this.#words[this.#at + 2 * attribute + 1] = high;
  }

  get isGlobal(): boolean {
    return this.id === EVENT.global;
  }

  /** One of {@link EVENT_STATE}. */
  get state(): number {
    return this.low(ATTRIBUTE.status) & STATE;
  }

  set state(state: number) {
    this.set(ATTRIBUTE.status, (this.low(ATTRIBUTE.status) & ~STATE) | state, 0);
  }

  get pending(): boolean {
    return (this.low(ATTRIBUTE.status) & PENDING) !== 0;
  }

  set pending(pending: boolean) {
    this.set(ATTRIBUTE.status, (this.low(ATTRIBUTE.status) & ~PENDING) | (pending ? PENDING : 0), 0);
  }

  get own(): number {
    return this.#words[this.#at + RECORD.word.own] as number;
  }

  set own(value: number) {
    this.#words[this.#at + RECORD.word.own] = value;
  }

  /** Puts the event into the state that it has before it is used. */
  reset(preferredHart: number): void {
    this.#words.fill(0, this.#at, this.#at + RECORD.words);
    this.set(ATTRIBUTE.status, INJECTABLE, 0);
    this.set(ATTRIBUTE.preferredHart, preferredHart, 0);
  }

  /** After its handler: an event for once has to be enabled again. */
  leaveRunning(): void {
    const once = (this.low(ATTRIBUTE.config) & ONE_SHOT) !== 0;
    this.state = once ? EVENT_STATE.registered : EVENT_STATE.enabled;
  }

  /** Whether it comes before another: by priority, then by number; both are unsigned, and lower ones come first. */
  precedes(other: SoftwareEvent): boolean {
    const [mine, its] = [this.low(ATTRIBUTE.priority) >>> 0, other.low(ATTRIBUTE.priority) >>> 0];
    return mine < its || (mine === its && this.id >>> 0 < other.id >>> 0);
  }
}

/** The software events of a domain, as one thread sees them. Everything but {@link locked} is for inside of it. */
export class SoftwareEvents {
  /** The layout of its words. */
  static readonly STATE = EVENTS;
  readonly global: SoftwareEvent;
  readonly #lock: Lock;
  readonly #locals: readonly SoftwareEvent[];

  /** Words of shared memory for so many vCPUs. */
  static wordsFor(vcpus: number): number {
    return EVENTS.wordsFor(vcpus + 1);
  }

  constructor(words: Int32Array, vcpus: number) {
    const { lock, records } = EVENTS.word;
    this.#lock = new Lock(words, lock);
    this.global = new SoftwareEvent(EVENT.global, words, records);
    this.#locals = Array.from(
      { length: vcpus },
      (_, vcpu) => new SoftwareEvent(EVENT.local, words, records + (vcpu + 1) * RECORD.words),
    );
  }

  /** Puts all events into the state that they have at reset; once, before any thread runs. */
  reset(): void {
    this.global.reset(0);
    for (const [vcpu, event] of this.#locals.entries()) event.reset(vcpu);
  }

  /** Does something while no other thread looks at events. */
  locked<Result>(action: () => Result): Result {
    return this.#lock.withLock(action);
  }

  local(vcpu: number): SoftwareEvent {
    const event = this.#locals[vcpu];
    if (event === undefined) throw new RangeError(`there is no vCPU ${vcpu}`);
    return event;
  }

  /** Whether a vCPU takes events. */
  takes(vcpu: number): boolean {
    return this.local(vcpu).own !== 0;
  }

  setTakes(vcpu: number, takes: boolean): void {
    this.local(vcpu).own = takes ? 1 : 0;
  }

  /** The event that a vCPU handles; of two, one of which has interrupted the other, the one that runs. */
  running(vcpu: number): SoftwareEvent | undefined {
    const { global } = this;
    return this.#first(vcpu, (event) => {
      return event.state === EVENT_STATE.running && (event !== global || global.own === vcpu);
    });
  }

  /** The event to deliver to a vCPU now: enabled, pending, and before the one that it handles. */
  next(vcpu: number): SoftwareEvent | undefined {
    if (!this.takes(vcpu)) return undefined;
    const best = this.#first(vcpu, (event) => {
      return isReady(event) && (event !== this.global || this.receiver() === vcpu);
    });
    const running = this.running(vcpu);
    return best !== undefined && (running === undefined || best.precedes(running)) ? best : undefined;
  }

  /** The vCPU that the global event is for: the preferred one, which gets it once it takes events. */
  receiver(): number {
    return this.global.low(ATTRIBUTE.preferredHart);
  }

  /** A vCPU stops: it has no event of its own any more, and handles none. */
  forget(vcpu: number): void {
    const { global } = this;
    if (global.state === EVENT_STATE.running && global.own === vcpu) global.leaveRunning();
    this.local(vcpu).reset(vcpu);
  }

  #first(vcpu: number, matches: (event: SoftwareEvent) => boolean): SoftwareEvent | undefined {
    const [first, second] = [this.local(vcpu), this.global].filter(matches);
    return first !== undefined && second?.precedes(first) === true ? second : first;
  }
}

/** Whether an event waits for a vCPU to take it. */
export function isReady(event: SoftwareEvent): boolean {
  return event.state === EVENT_STATE.enabled && event.pending;
}
