import { IRQ_VS_EXT, IRQ_VS_SOFT, interruptNumbers } from '../interrupts/numbers.ts';
import { createOwnerState } from '../interrupts/protocol.ts';
import { compute, createJitter } from './jitter.ts';
import type { StressParty } from './sender.ts';
import {
  ACK,
  DONE,
  FINISHED,
  LINE,
  MAIL,
  POKE,
  REST_AFTER,
  RESTED,
  SHOWN_LOST,
  SHOWN_RECEIVED,
  SLEEPS,
  senderBase,
  WAITS,
} from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;
const EXT = 1 << IRQ_VS_EXT;

/** Rounds of exit, sync, flush and entry that deliver nothing before a quiet vCPU counts as at rest. One would do. */
const REST_ROUNDS = 2;

/** Rounds without an interrupt before the thread looks whether anything can still come. */
const EMPTY_ROUNDS = 2;

/** Rounds without news before the thread sleeps: some milliseconds, see the sender's spinning. */
const IDLE_ROUNDS = 30_000;

/** The counts of the vCPU's thread. */
export interface StressCounts {
  /** Messages that the guest read in its handler. */
  received: number;
  /** Messages that stayed unread when everything was at rest. */
  unread: number;
  /** Interrupts that these lacked: one for all unread messages of a sender at a rest. */
  lost: number;
  /** Software interrupts that the guest took. One can stand for many messages. */
  deliveries: number;
  /** Deliveries that no `set` accounts for: each call is good for one, and those before a flush for one together. */
  doubled: number;
  /** Times that everything was at rest. */
  rests: number;
  /** Rests at which the guest's external interrupt differed from its line. */
  wrongLevels: number;
}

/**
 * The vCPU: enters a guest that clears its software interrupt, reads all mail, answers it, computes for a moment and
 * exits, over and over until every sender has ended.
 *
 * A loss is found without a clock. A sender whose burst is finished and whose last message is unanswered does nothing
 * more. When all senders are like that, whole rounds follow, and no interrupt is pending in them, then a message that
 * is still unread will never be read. The senders are answered at that rest, so the run goes on.
 *
 * @param behavior - a random 32-bit number for each entry: the guest's choice
 */
export function runConsumer(
  party: StressParty,
  senders: number,
  behavior: () => number = createJitter(12345),
): StressCounts {
  const vcpu = new StressVcpu(party, senders);
  let emptyRounds = 0;
  for (;;) {
    if (vcpu.round(behavior())) {
      emptyRounds = 0;
    } else if (++emptyRounds >= EMPTY_ROUNDS) {
      if (vcpu.allQuiet()) {
        if (vcpu.allDone()) {
          return vcpu.counts;
        }
        // Only an answer from here ends the quiet, so it need not be looked at again between the rounds.
        if (!anyDelivered(vcpu, behavior)) {
          vcpu.settle();
        }
        emptyRounds = 0;
      } else if (emptyRounds > IDLE_ROUNDS) {
        vcpu.sleep();
        emptyRounds = 0;
      }
    }
  }
}

function anyDelivered(vcpu: StressVcpu, behavior: () => number): boolean {
  for (let round = 0; round < REST_ROUNDS; round++) {
    if (vcpu.round(behavior())) {
      return true;
    }
  }
  return false;
}

/**
 * How long the guest computes before it exits: up to 64, 128, 256 or 512 turns. The next interrupt of a sender that
 * saw its answer takes about that long to come, on fast and slow machines, so some exits meet it half-way.
 */
function guestTurns(random: number): number {
  return (random >>> 8) & ((64 << (random & 3)) - 1);
}

/**
 * When the guest takes an interrupt that is there at its entry: right away, or in some runs half-way or not in this
 * one.
 */
function entryKind(random: number): 'at-once' | 'half-way' | 'masked' {
  switch ((random >>> 4) & 15) {
    case 14:
      return 'half-way';
    case 15:
      return 'masked';
    default:
      return 'at-once';
  }
}

class StressVcpu {
  readonly counts: StressCounts = {
    received: 0,
    unread: 0,
    lost: 0,
    deliveries: 0,
    doubled: 0,
    rests: 0,
    wrongLevels: 0,
  };
  readonly #party: StressParty;
  readonly #local = createOwnerState(interruptNumbers());
  readonly #bases: Int32Array;
  /** For each sender the last message that was read. */
  readonly #read: Int32Array;
  /** For each sender the last message whose `set` is known to have returned. */
  readonly #finished: Int32Array;
  /** For each sender the last message at the last rest. */
  readonly #settled: Int32Array;
  #hvip = 0;
  /** How many messages are known to be sent, of all senders. */
  #sentTotal = 0;
  /** How many of them had their `set` behind them at the last flush. */
  #finishedTotal = 0;
  /** At least so many `set` calls have had their delivery. */
  #consumedTotal = 0;

  constructor(party: StressParty, senders: number) {
    this.#party = party;
    this.#bases = Int32Array.from({ length: senders }, (_, index) => senderBase(index));
    this.#read = new Int32Array(senders);
    this.#finished = new Int32Array(senders);
    this.#settled = new Int32Array(senders);
  }

  /** Enters the guest and leaves it again. Returns whether a software interrupt was pending in the guest. */
  round(random: number): boolean {
    const { protocol, vcpu } = this.#party;
    const local = this.#local;
    this.#lookWhatIsFinished();
    protocol.flush(vcpu, local);
    this.#hvip = local.hvipLo;
    const pending = (this.#hvip & SOFT) !== 0;
    const turns = guestTurns(random);
    const kind = entryKind(random);
    if (kind === 'half-way') {
      compute(turns);
    }
    if (pending && kind !== 'masked') {
      this.#hvip &= ~SOFT;
      this.#readMail();
    }
    compute(turns);
    protocol.sync(vcpu, local, this.#hvip, local.hvipHi);
    return pending;
  }

  #lookWhatIsFinished(): void {
    const { words } = this.#party;
    for (let sender = 0; sender < this.#bases.length; sender++) {
      // Meets the sender's store after its `set`.
      const message = Atomics.load(words, this.#bases[sender] + FINISHED);
      this.#finishedTotal += (message - this.#finished[sender]) >>> 0;
      this.#finished[sender] = message;
    }
  }

  #readMail(): void {
    const { words } = this.#party;
    const before = this.#sentTotal;
    for (let sender = 0; sender < this.#bases.length; sender++) {
      // Meets the sender's store before its `set`.
      const message = Atomics.load(words, this.#bases[sender] + MAIL);
      if (message !== this.#read[sender]) {
        this.#sentTotal += (message - this.#read[sender]) >>> 0;
        this.#read[sender] = message;
        this.#answer(sender, ACK, message);
      }
    }
    this.counts.received += this.#sentTotal - before;
    this.#account();
  }

  /**
   * A delivery uses up every `set` that returned before the flush, and at least one. It is one too many if there were
   * not that many: `#sentTotal` includes all that may have been in time for it.
   */
  #account(): void {
    this.counts.deliveries++;
    this.#consumedTotal = Math.max(this.#consumedTotal + 1, this.#finishedTotal);
    if (this.#consumedTotal > this.#sentTotal) {
      this.#consumedTotal = this.#sentTotal;
      this.counts.doubled++;
    }
  }

  #answer(sender: number, word: number, message: number): void {
    const { words } = this.#party;
    const base = this.#bases[sender];
    // Meets the loads in `awaitWord`.
    Atomics.store(words, base + word, message);
    // Meets the store in `awaitWord`, which comes before the last look at the answer.
    if (Atomics.load(words, base + WAITS) !== 0) {
      Atomics.notify(words, base + word);
    }
  }

  #isDone(sender: number): boolean {
    // Meets the sender's last store.
    return Atomics.load(this.#party.words, this.#bases[sender] + DONE) !== 0;
  }

  /**
   * Whether a sender has finished a burst and does nothing until it is answered, because its last message is unread or
   * it waits for a rest; or has ended.
   */
  #isQuiet(sender: number): boolean {
    const { words } = this.#party;
    const base = this.#bases[sender];
    // These meet the sender's stores before its first `set` and after its last: they differ while it is inside a burst.
    const finished = Atomics.load(words, base + FINISHED);
    const waits =
      finished !== this.#settled[sender] &&
      finished === Atomics.load(words, base + MAIL) &&
      // Meets the sender's store before the one of FINISHED.
      (finished !== this.#read[sender] || finished === Atomics.load(words, base + REST_AFTER));
    return waits || this.#isDone(sender);
  }

  allQuiet(): boolean {
    return this.#bases.every((_, sender) => this.#isQuiet(sender));
  }

  allDone(): boolean {
    return this.#bases.every((_, sender) => this.#isDone(sender));
  }

  /** Everything is at rest: messages not delivered by now never will be. Counts it, and answers all senders. */
  settle(): void {
    const { words } = this.#party;
    const { counts } = this;
    // These meet the stores of senders that have been waiting since: nothing changes any more.
    const line = Atomics.load(words, this.#bases[0] + LINE) !== 0;
    counts.rests++;
    counts.wrongLevels += ((this.#hvip & EXT) !== 0) === line ? 0 : 1;
    this.#bases.forEach((base, sender) => {
      const message = Atomics.load(words, base + MAIL);
      const unread = (message - this.#read[sender]) >>> 0;
      counts.unread += unread;
      counts.lost += unread === 0 ? 0 : 1;
      this.#sentTotal += unread;
      this.#read[sender] = message;
      this.#settled[sender] = message;
    });
    this.#consumedTotal = this.#sentTotal;
    // Meet the loads of watchers of the run.
    Atomics.store(words, SHOWN_RECEIVED, counts.received);
    Atomics.store(words, SHOWN_LOST, counts.lost);
    this.#bases.forEach((_, sender) => {
      this.#answer(sender, ACK, this.#settled[sender]);
      this.#answer(sender, RESTED, this.#settled[sender]);
    });
  }

  /** Sleeps until a sender has news, unless one has some already. */
  sleep(): void {
    const { words } = this.#party;
    // Meets the add in `poke`, which ends the wait below.
    const seen = Atomics.load(words, POKE);
    // Meets the load in `poke`.
    Atomics.store(words, SLEEPS, 1);
    // Meets the stores of senders before `poke`.
    const news = this.#bases.some((base, sender) => Atomics.load(words, base + MAIL) !== this.#read[sender]);
    if (!news && !this.allQuiet()) {
      Atomics.wait(words, POKE, seen);
    }
    // Meets the load in `poke`: a sender that still sees the 1 makes one call too many.
    Atomics.store(words, SLEEPS, 0);
  }
}
