import { IRQ_VS_EXT } from '../../interrupts/numbers.ts';
import type { Env } from '../thread.ts';
import type { WorldFile } from './file.ts';
import { hasBit, type World } from './world.ts';

/** A guest with an interrupt file, and its hart, between two steps. */
export interface FileState {
  /**
   * `look`: the hart is about to ask the file. `handler`: the guest takes messages until there are none. `idle`: the
   * hart has seen that there is nothing to take.
   */
  readonly at: 'look' | 'handler' | 'idle';
  /** How many of the guest's accesses to registers are done. */
  readonly accesses: number;
}

export const FRESH_FILE_STATE: FileState = { at: 'look', accesses: 0 };

/** The part of the vCPU's state that this is about. */
interface GuestState {
  file: FileState;
  /** Why the guest is left. */
  why: string;
  readonly lo: number;
  readonly hi: number;
}

const NAME = 'vCPU';

/** The part of a guest that deals with its interrupt file: a hart looks at it, a handler takes messages. */
export class FileGuest {
  readonly #world: World;
  readonly #file: WorldFile;
  readonly #now: GuestState;
  readonly #env: Env;

  constructor(world: World, file: WorldFile, now: GuestState, env: Env) {
    this.#world = world;
    this.#file = file;
    this.#now = now;
    this.#env = env;
  }

  /** The action before all others: the hart looks at the file, or the handler goes on. */
  urgentAction(): (() => boolean) | undefined {
    const { at } = this.#now.file;
    if (at === 'handler') return () => this.#takeMessage();
    if (this.#file.way.isInHart) return at === 'look' ? () => this.#look() : undefined;
    return hasBit(IRQ_VS_EXT, this.#now.lo, this.#now.hi) ? () => this.#enterHandler() : undefined;
  }

  /** Actions for a guest that has nothing to take. */
  ownActions(): (() => boolean)[] {
    const { accesses = [] } = this.#file.options;
    return this.#now.file.accesses < accesses.length ? [() => this.#accessRegister()] : [];
  }

  /** The access of the guest to a file that is not in its hart. */
  handle(why: 'claim' | 'access'): void {
    if (why === 'claim') this.#claim();
    else this.#access();
  }

  /** The hart looks at the file when it is asked to, and stays in the guest. */
  get looksOnRequest(): boolean {
    return this.#file.way.isInHart;
  }

  /** Next comes such a look. */
  willLook(): void {
    this.#go('look');
  }

  /** The hart will look at the file when it enters the guest again, unless the guest is in its handler. */
  willEnter(): void {
    if (this.#now.file.at === 'idle') this.#go('look');
  }

  /** While the vCPU has no hart, the loop asks the file. */
  leavingItToTheLoop<T>(body: () => T): T {
    this.#file.isAskedByLoop = true;
    try {
      return body();
    } finally {
      this.#file.isAskedByLoop = false;
    }
  }

  #look(): boolean {
    if (this.#file.look(this.#env, this.#now.file.accesses)) return this.#enterHandler();
    this.#go('idle');
    return false;
  }

  #enterHandler(): boolean {
    this.#env.note('takes the external interrupt');
    this.#go('handler');
    return false;
  }

  #takeMessage(): boolean {
    if (this.#file.way.isInHart) {
      this.#claim();
      return false;
    }
    this.#now.why = 'claim';
    return true;
  }

  /** The handler's `csrrw stopei`, and what it does for the message. */
  #claim(): void {
    const identity = this.#file.claim(this.#env, NAME, this.#now.file.accesses);
    this.#env.note(identity === 0 ? 'no message is left' : `takes message ${identity}`);
    if (identity === 0) {
      this.#go('look');
      return;
    }
    for (const mail of this.#world.wordsNamed(`mail_${identity}_`)) {
      // Meets the store of a sender.
      Atomics.exchange(mail, 0, 0);
    }
    const { wire } = this.#file.options;
    if (wire?.identity === identity) this.#serveWire(identity, wire.asksAgain ?? true);
  }

  /** Serves one of the devices that ask, and has the controller send another message where one still does. */
  #serveWire(identity: number, asksAgain: boolean): void {
    const wire = this.#world.word('wire');
    // All three meet the accesses of the devices on the wire.
    const asking = Atomics.load(wire, 0);
    this.#env.note('serves a device');
    Atomics.and(wire, 0, ~(asking & -asking));
    if (asksAgain && Atomics.load(wire, 0) !== 0) this.#file.receive(this.#env, NAME, identity);
  }

  #accessRegister(): boolean {
    if (this.#file.way.isInHart) {
      this.#access();
      return false;
    }
    this.#now.why = 'access';
    return true;
  }

  #access(): void {
    const { accesses = [], looks = 'behind each access' } = this.#file.options;
    const { file } = this.#now;
    const access = accesses[file.accesses];
    this.#env.note(`register: ${access.join(' ')}`);
    this.#file.access(this.#env, NAME, access);
    const at = looks === 'at entry' ? file.at : 'look';
    this.#now.file = { at, accesses: file.accesses + 1 };
  }

  #go(at: FileState['at']): void {
    this.#now.file = { ...this.#now.file, at };
  }
}
