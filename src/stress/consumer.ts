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
  SHOWN_LOST,
  SHOWN_RECEIVED,
  SLEEPS,
  senderBase,
  WAITS,
  waitsForRest,
} from './words.ts';

const SOFT = 1 << IRQ_VS_SOFT;
const EXT = 1 << IRQ_VS_EXT;

/** Rounds of exit, sync, flush and entry that deliver nothing before a quiet vCPU counts as at rest. One would do. */
const REST_ROUNDS = 2;

/** Rounds without news before the thread sleeps. */
const IDLE_ROUNDS = 2000;

/** What the vCPU's thread counts. */
export interface StressCounts {
  /** Messages that the guest read in its handler. */
  received: number;
  /** Messages that stayed unread when everything was at rest. */
  lost: number;
  /** Software interrupts that the guest took. */
  deliveries: number;
  /** Deliveries beyond the number of interrupts that were sent between two rests. */
  doubled: number;
  /** Times that everything was at rest. */
  rests: number;
  /** Rests at which the guest's external interrupt was not what its line said. */
  wrongLevels: number;
}

/**
 * The vCPU: enters a guest that clears its software interrupt, reads all mail, answers it, computes for a moment and
 * exits, over and over until every sender has ended.
 *
 * A loss is found without a clock. A sender whose `set` has returned and whose message is unanswered does nothing more.
 * When all senders are like that, whole rounds follow, and no interrupt is delivered in them, then a message that is
 * still unread will never be read. The senders are answered at that rest, so the run goes on.
 */
export function runConsumer(party: StressParty, senders: number): StressCounts {
  const vcpu = new StressVcpu(party, senders);
  let quietRounds = 0;
  let idleRounds = 0;
  while (!vcpu.allDone()) {
    quietRounds = vcpu.allQuiet() ? quietRounds + 1 : 0;
    if (vcpu.round()) {
      quietRounds = 0;
      idleRounds = 0;
    } else if (quietRounds > REST_ROUNDS) {
      vcpu.settle();
      quietRounds = 0;
      idleRounds = 0;
    } else if (++idleRounds > IDLE_ROUNDS) {
      vcpu.sleep();
      idleRounds = 0;
    }
  }
  return vcpu.counts;
}

/**
 * How long the guest computes before it exits: up to 64, 128, 256 or 512 turns. The next interrupt of a sender that
 * saw its answer takes about that long to come, on fast and slow machines, so some exits meet it half-way.
 */
function guestTurns(random: number): number {
  return (random >>> 8) & ((64 << (random & 3)) - 1);
}

class StressVcpu {
  readonly counts: StressCounts = {
    received: 0,
    lost: 0,
    deliveries: 0,
    doubled: 0,
    rests: 0,
    wrongLevels: 0,
  };
  readonly #party: StressParty;
  readonly #local = createOwnerState(interruptNumbers());
  readonly #jitter = createJitter(12345);
  readonly #bases: readonly number[];
  readonly #read: number[];
  readonly #answered: number[];
  #hvip = 0;
  #settledDeliveries = 0;
  #settledMessages = 0;

  constructor(party: StressParty, senders: number) {
    this.#party = party;
    this.#bases = Array.from({ length: senders }, (_, index) => senderBase(index));
    this.#read = this.#bases.map(() => 0);
    this.#answered = this.#bases.map(() => 0);
  }

  /** Enters the guest and leaves it again. Returns whether a software interrupt was delivered. */
  round(): boolean {
    const { protocol, vcpu } = this.#party;
    protocol.flush(vcpu, this.#local);
    this.#hvip = this.#local.hvipLo;
    const delivered = (this.#hvip & SOFT) !== 0;
    if (delivered) {
      this.#hvip &= ~SOFT;
      this.counts.deliveries++;
      this.#readMail();
    }
    compute(guestTurns(this.#jitter()));
    protocol.sync(vcpu, this.#local, this.#hvip, this.#local.hvipHi);
    return delivered;
  }

  #readMail(): void {
    const { words } = this.#party;
    for (let sender = 0; sender < this.#bases.length; sender++) {
      // Meets the sender's store before its `set`.
      const message = Atomics.load(words, this.#bases[sender] + MAIL);
      if (message !== this.#read[sender]) {
        this.#read[sender] = message;
        this.counts.received++;
        if (!waitsForRest(message)) {
          this.#answer(sender, message);
        }
      }
    }
    // Meets the load of whoever watches the run.
    Atomics.store(words, SHOWN_RECEIVED, this.counts.received);
  }

  #answer(sender: number, message: number): void {
    const { words } = this.#party;
    const base = this.#bases[sender];
    this.#answered[sender] = message;
    // Meets the loads in `awaitAnswer`.
    Atomics.store(words, base + ACK, message);
    // Meets the store in `awaitAnswer`, which comes before the last look at the answer.
    if (Atomics.load(words, base + WAITS) !== 0) {
      Atomics.notify(words, base + ACK);
    }
  }

  #isDone(sender: number): boolean {
    // Meets the sender's last store.
    return Atomics.load(this.#party.words, this.#bases[sender] + DONE) !== 0;
  }

  /** Whether a sender has finished a message that is unanswered, or has ended: it does nothing until it is answered. */
  #isQuiet(sender: number): boolean {
    const { words } = this.#party;
    const base = this.#bases[sender];
    // Both meet the sender's stores before and after its `set`: they differ while it is inside.
    const finished = Atomics.load(words, base + FINISHED);
    return (
      (finished !== this.#answered[sender] && finished === Atomics.load(words, base + MAIL)) ||
      this.#isDone(sender)
    );
  }

  allQuiet(): boolean {
    return this.#bases.every((_, sender) => this.#isQuiet(sender));
  }

  allDone(): boolean {
    return this.#bases.every((_, sender) => this.#isDone(sender));
  }

  /** Everything is at rest: whatever was not delivered by now never will be. Counts it, and answers all senders. */
  settle(): void {
    const { words } = this.#party;
    const { counts } = this;
    // These meet the stores of senders that have been waiting since: nothing changes any more.
    const line = Atomics.load(words, this.#bases[0] + LINE) !== 0;
    counts.rests++;
    counts.wrongLevels += ((this.#hvip & EXT) !== 0) === line ? 0 : 1;
    const messages = this.#bases.map((base) => Atomics.load(words, base + MAIL));
    const sent = messages.reduce((sum, message) => sum + message, 0);
    counts.doubled += Math.max(
      0,
      counts.deliveries - this.#settledDeliveries - (sent - this.#settledMessages),
    );
    this.#settledDeliveries = counts.deliveries;
    this.#settledMessages = sent;
    messages.forEach((message, sender) => {
      if (this.#read[sender] !== message) {
        this.#read[sender] = message;
        counts.lost++;
      }
      this.#answer(sender, message);
    });
    // Meets the load of whoever watches the run.
    Atomics.store(words, SHOWN_LOST, counts.lost);
  }

  /** Sleeps until a sender has news, unless one has some already. */
  sleep(): void {
    const { words } = this.#party;
    // Meets the add in `poke`, which ends the wait below.
    const seen = Atomics.load(words, POKE);
    // Meets the load in `poke`.
    Atomics.store(words, SLEEPS, 1);
    // These meet the stores of senders before `poke`.
    const news = this.#bases.some((base, sender) => {
      const message = Atomics.load(words, base + MAIL);
      return message !== this.#read[sender] && message === Atomics.load(words, base + FINISHED);
    });
    if (!news && !this.allQuiet()) {
      Atomics.wait(words, POKE, seen);
    }
    // Meets the load in `poke`: a sender that still sees the 1 makes one call too many.
    Atomics.store(words, SLEEPS, 0);
  }
}
