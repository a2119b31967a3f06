import { InputError } from '../../errors/input-error.ts';
import { type ExtraInterrupts, type InterruptNumbers, interruptNumbers } from '../../interrupts/numbers.ts';
import type { Protocol } from '../../interrupts/protocol.ts';
import { type OwnerImage, VcpuInterrupts } from '../../interrupts/vcpu-interrupts.ts';
import type { VcpuWords } from '../../interrupts/words.ts';
import type { RestView } from '../explorer.ts';
import { Monitor } from '../monitor.ts';
import { SharedMemory } from '../shared-memory.ts';
import type { SpecViolation } from '../spec-event.ts';
import type { Env, Thread } from '../thread.ts';
import { messageNumber, vcpuWordInfos } from './word-names.ts';

/** Judges a state in which no thread can move. */
export type RestCheck = (view: RestView, stateOf: (thread: string) => object | undefined) => Verdict;
type Verdict = SpecViolation | undefined;

/** Gives the levels that follow from their source now, as `VcpuInterruptsOptions.derive` does. */
type Derive = () => number;

/** The interrupt file of the vCPU, for those who send messages to it. */
export interface MessageTarget {
  /** A message of a thread arrives. */
  receive(env: Env, thread: string, identity: number): void;
  /** A message of one of many threads arrives. */
  receiveStrictly(env: Env, identity: number): void;
}

/**
 * Everything around the protocol in one scenario: the vCPU's words, the words of the devices around it, the
 * specification. Threads are made by functions that get the world.
 */
export class World {
  readonly memory = new SharedMemory();
  readonly numbers: InterruptNumbers;
  readonly protocol: Protocol;
  readonly words: VcpuWords;
  readonly monitor: Monitor;
  readonly edges: readonly number[];
  /** Of the messages that the vCPU's interrupt file gets, rising; empty where it has no file. */
  readonly identities: readonly number[];
  readonly levels: readonly number[];
  readonly threads: Thread[] = [];
  /** The interrupt file of the vCPU, if it has one. */
  file: MessageTarget | undefined;
  /** False for a vCPU with a thread of its own, which sleeps until it is woken. */
  hasRunQueue = true;
  readonly #derives: Derive[] = [];
  readonly #checks: RestCheck[] = [];
  readonly #named = new Map<string, Int32Array<ArrayBufferLike>>();

  constructor(protocol: Protocol, interrupts: ExtraInterrupts, identities: readonly number[] = []) {
    this.protocol = protocol;
    this.numbers = interruptNumbers(interrupts);
    this.words = this.memory.add(vcpuWordInfos());
    const all = Array.from({ length: 64 }, (_, irq) => irq);
    const { allowedLo, allowedHi, guestWritableLo, guestWritableHi } = this.numbers;
    this.edges = all.filter((irq) => hasBit(irq, guestWritableLo, guestWritableHi));
    this.levels = all.filter(
      (irq) => hasBit(irq, allowedLo, allowedHi) && !hasBit(irq, guestWritableLo, guestWritableHi),
    );
    this.identities = [...identities].sort((one, other) => one - other);
    this.monitor = new Monitor([...this.edges, ...this.identities.map(messageNumber)], this.levels);
    this.word('run_queue');
    this.word('acknowledge');
  }

  /** A word of the world outside the vCPU, by name; made when it is first asked for. It is element 0 of the array. */
  word(name: string, initial = 0): Int32Array<ArrayBufferLike> {
    let array = this.#named.get(name);
    if (array === undefined) {
      array = this.memory.add([{ name }]);
      this.memory.initial[this.memory.addressOf(array, 0)] = initial;
      this.#named.set(name, array);
    }
    return array;
  }

  /**
   * Lets threads tell whether a counter of a vCPU's words has moved, and sleep on it: `EXIT_COUNT` or `WAKE_SEQUENCE`.
   * Scenarios in which nobody looks leave the two out.
   */
  watchCount(words: VcpuWords, index: number): void {
    const address = this.memory.addressOf(words, index);
    this.memory.words[address] = { name: this.memory.words[address].name, isCount: true };
  }

  /**
   * Checks that the vCPU has an interrupt that a thread of the scenario sends.
   *
   * @throws InputError that says how it gets it.
   */
  expectInterrupt(irq: number, thread: string): void {
    const all = [...this.edges, ...this.levels].sort((one, other) => one - other);
    if (all.includes(irq)) return;
    throw new InputError(
      `Thread ${thread} sends interrupt ${irq}, but the scenario's vCPU has ${all.join(', ')} only. A scenario gives it more with "interrupts", for example interrupts: { lcofi: true } for 13, or { edges: [41] }, or { levels: [41] }.`,
    );
  }

  /**
   * Gives the vCPU's interrupt file to a thread that sends messages to it.
   *
   * @throws InputError when there is none, or it gets no messages of that identity
   */
  expectFile(identity: number, thread: string): MessageTarget {
    if (this.file !== undefined && this.identities.includes(identity)) return this.file;
    throw new InputError(
      `Thread ${thread} sends messages of identity ${identity}, but the scenario's vCPU takes ${this.identities.join(', ') || 'none'}. A scenario says which with "identities", for example identities: [${identity}], and its vCPU comes first and is vcpu({ file: {} }).`,
    );
  }

  /** Names of the words that {@link word} made so far and that begin with `prefix`. */
  wordsNamed(prefix: string): Int32Array<ArrayBufferLike>[] {
    return [...this.#named].filter(([name]) => name.startsWith(prefix)).map(([, array]) => array);
  }

  /** Content of a word at rest. */
  valueIn(view: RestView, array: Int32Array<ArrayBufferLike>, index = 0): number {
    return view.contents[this.memory.addressOf(array, index)];
  }

  /** Adds a source of derived levels. */
  addDerive(derive: Derive): void {
    this.#derives.push(derive);
  }

  /** The levels that all sources of {@link addDerive} hold up. */
  readonly derive = (): number => this.#derives.reduce((levels, derive) => levels | derive(), 0);

  /** Adds a condition on states in which nothing moves. */
  addRestCheck(check: RestCheck): void {
    this.#checks.push(check);
  }

  /** The fault of a state in which nothing moves; undefined if there is none. */
  readonly atRest = (view: RestView): Verdict => {
    const stateOf = (name: string) => {
      const text = view.states[this.threads.findIndex((thread) => thread.name === name)];
      return text === undefined ? undefined : (JSON.parse(text) as object);
    };
    for (const check of this.#checks) {
      const verdict = check(view, stateOf);
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  };

  /** Puts the vCPU on the run queue, as the hypervisor's wake callback does, if there is one. */
  readonly wake = (): void => {
    if (this.hasRunQueue) Atomics.add(this.word('run_queue'), 0, 1);
  };

  /** The vCPU's interrupts as a producer sees them; `protocol` for one that tells more of itself. */
  producer(protocol = this.protocol): VcpuInterrupts {
    return new VcpuInterrupts({
      words: this.words,
      protocol,
      numbers: this.numbers,
      wake: this.wake,
    });
  }

  /** Carries out a producer's call, and tells the specification when it begins and ends. */
  call(env: Env, thread: string, irq: number, set: boolean, perform: () => void): void {
    env.before({ is: 'call', thread, irq, set });
    perform();
    env.after({ is: 'return', thread });
  }
}

/** Whether `irq` is in a set of two words. */
export function hasBit(irq: number, lo: number, hi: number): boolean {
  return (((irq < 32 ? lo : hi) >>> (irq & 31)) & 1) !== 0;
}

/**
 * Makes the shipped `VcpuInterrupts` of the pCPU that has the vCPU loaded, or is to load it, as an earlier step left
 * it.
 */
export function ownerIn(world: World, image: OwnerImage | null): VcpuInterrupts {
  const { words, protocol, numbers, derive, wake } = world;
  const interrupts = new VcpuInterrupts({ words, protocol, numbers, derive, wake });
  if (image !== null) interrupts.resume(image);
  return interrupts;
}
