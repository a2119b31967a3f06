import { listOf, OBJECT, type OptionRules, optionsOf, SWITCH, word } from '../../errors/arguments.ts';
import { FILE_REGISTER } from '../../interrupts/interrupt-file.ts';
import { IRQ_VS_EXT } from '../../interrupts/numbers.ts';
import type { RestView } from '../explorer.ts';
import { type FilePlace, type FileWay, wayOf } from '../files/way.ts';
import type { SpecViolation } from '../spec-event.ts';
import type { Env } from '../thread.ts';
import { IDENTITIES, IDENTITY } from './arguments.ts';
import { fileWordInfos, interruptName, messageNumber } from './word-names.ts';
import type { MessageTarget, World } from './world.ts';

/**
 * An access of a guest to a register: it writes all of it, or one bit of the enable or pending bits; or it reads the
 * pending bits around an identity.
 */
export type FileAccess = readonly [
  what: 'delivery' | 'threshold' | 'enable' | 'disable' | 'clear' | 'read',
  value: number,
];

/** The interrupt file when a scenario begins, and what its guest does with it besides taking messages. */
export interface FileOptions {
  /** Identities that are enabled at first. Default: all of the scenario. */
  readonly enabled?: readonly number[];
  /** `eidelivery` at first. Default true. */
  readonly delivery?: boolean;
  /** The guest's accesses to registers, one after the other, each when it has nothing to take. Default: none. */
  readonly accesses?: readonly FileAccess[];
  /** When the hart looks at its file; `at entry` breaks the rule that it does so behind each access. */
  readonly looks?: 'behind each access' | 'at entry';
  /** A level that comes as messages of this identity, from `wire`. */
  readonly wire?: {
    readonly identity: number;
    /** Whether the handler asks the controller again after it has served one device, as it must. Default true. */
    readonly asksAgain?: boolean;
  };
}

const FILE: OptionRules<FileOptions> = {
  enabled: IDENTITIES,
  delivery: SWITCH,
  accesses: listOf(OBJECT, 'a list of accesses'),
  looks: word('behind each access', 'at entry'),
  wire: optionsOf<NonNullable<FileOptions['wire']>>(
    { identity: IDENTITY, asksAgain: SWITCH },
    'a wire with its `identity`',
    ['identity'],
  ),
};
export const FILE_RULE = optionsOf(FILE, 'the options of a file');

/** The settings of a file after so many accesses of its guest. */
interface Settings {
  readonly delivery: boolean;
  readonly enabled: ReadonlySet<number>;
  readonly threshold: number;
}

/** The interrupt file of a world's vCPU. */
export class WorldFile implements MessageTarget {
  readonly way: FileWay;
  readonly options: FileOptions;
  /** The hart has left the guest for good, and leaves it to the loop to ask the file. */
  isAskedByLoop = false;
  readonly #world: World;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #lock: Int32Array<ArrayBufferLike>;
  readonly #identities: readonly number[];
  readonly #largest: number;

  constructor(world: World, options: FileOptions) {
    this.way = wayOf(world.protocol);
    this.options = options;
    this.#world = world;
    this.#identities = world.identities;
    this.#largest = Math.ceil((Math.max(63, ...world.identities) + 1) / 64) * 64 - 1;
    this.#words = world.memory.add(fileWordInfos());
    this.#lock = world.word('swfile_extirq_lock');
    const { enabled = world.identities, delivery = true } = options;
    world.memory.runAlone(world.memory.initial, () => {
      const place = this.#placeFor(() => undefined);
      for (const identity of enabled) this.#carryOut(place, ['enable', identity]);
      this.#carryOut(place, ['delivery', delivery ? 1 : 0]);
    });
    if (this.way.isInHart) {
      // Meets the writes of senders and of the guest. While the guest runs, the hart asks.
      world.addDerive(() => (this.isAskedByLoop && this.#asserts() ? 1 << IRQ_VS_EXT : 0));
    }
  }

  /** The hart looks at the file, after so many accesses of its guest. */
  look(env: Env, accesses: number): boolean {
    const asserts = this.#asserts();
    if (asserts && !this.#settings(accesses).delivery) {
      env.fail('P3', 'the hart sees an external interrupt although the delivery of its file is off');
    }
    return asserts;
  }

  /** A message arrives. */
  receive(env: Env, thread: string, identity: number): void {
    const place = this.#place(env, thread);
    this.#world.call(env, thread, messageNumber(identity), true, () => this.way.receive(place, identity));
  }

  /** The same, of a thread that has no name: the message is there from the moment at which its bit is. */
  receiveStrictly(env: Env, identity: number): void {
    const place = this.#placeFor(() => undefined);
    this.way.receiveInCode?.(place, identity, () =>
      env.after({ is: 'effect', irq: messageNumber(identity), high: true }),
    );
  }

  /** The guest claims, after so many of its accesses. Returns the identity, 0 for none. */
  claim(env: Env, thread: string, accesses: number): number {
    const { enabled, threshold } = this.#settings(accesses);
    const wanted = this.#identities.filter(
      (each) => enabled.has(each) && (threshold === 0 || each < threshold),
    );
    env.before({ is: 'claim', wanted: wanted.map(messageNumber) });
    const identity = this.way.claim(this.#place(env, thread));
    env.after({ is: 'claimed', irq: identity === 0 ? 0 : messageNumber(identity) });
    return identity;
  }

  /** The guest accesses a register. */
  access(env: Env, thread: string, access: FileAccess): void {
    const place = this.#place(env, thread);
    const [what, value] = access;
    if (what === 'read') this.#read(env, place, value >> 6);
    else if (what === 'clear') {
      this.#world.call(env, thread, messageNumber(value), false, () => this.#carryOut(place, access));
    } else this.#carryOut(place, access);
  }

  /** Messages come in rising order here, and nobody takes them: without the one before, none was ever there. */
  #read(env: Env, place: FilePlace, pair: number): void {
    const halves = this.way.read(place, FILE_REGISTER.pending + 2 * pair);
    const inside = this.#identities.filter((identity) => identity >> 6 === pair);
    const there = inside.map((identity) => ((halves[(identity >> 5) & 1] >>> (identity & 31)) & 1) !== 0);
    if (there.some((bit, index) => bit && there[index - 1] === false)) {
      env.fail('P3', `eip${2 * pair} reads as it never was`);
    }
  }

  /** Judges a state in which nothing moves, for a vCPU that sleeps or waits in its guest. */
  checkRest(view: RestView, sleeps: boolean): SpecViolation | undefined {
    const { monitor } = this.#world;
    const waits = this.#deliverable(view);
    if (waits !== undefined) {
      const irq = messageNumber(waits);
      const message = sleeps
        ? `the vCPU sleeps although ${interruptName(irq)} is in its file`
        : `the guest runs on with ${interruptName(irq)} in its file, and nothing will make it look`;
      return { property: 'P4', message, irq };
    }
    const gone = this.#identities.filter((identity) => !this.#isPending(view, identity)).map(messageNumber);
    const [irq] = monitor.unsettled(view.spec, gone, 0, 0);
    return irq === undefined
      ? undefined
      : {
          property: 'P1',
          message: `${interruptName(irq)} is lost: it was sent, and is not in the file`,
          irq,
        };
  }

  #asserts(): boolean {
    return this.way.asserts(this.#placeFor(() => undefined));
  }

  /** The identity that the file has to deliver, by its words alone. */
  #deliverable(view: RestView): number | undefined {
    const word = (name: string) => this.#valueOf(view, name);
    if (word('eidelivery') === 0) return undefined;
    const threshold = word('eithreshold');
    return this.#identities.find(
      (identity) =>
        this.#isPending(view, identity) &&
        ((word(`eie${identity >> 5}`) >>> (identity & 31)) & 1) !== 0 &&
        (threshold === 0 || identity < threshold),
    );
  }

  #isPending(view: RestView, identity: number): boolean {
    return ((this.#valueOf(view, `eip${identity >> 5}`) >>> (identity & 31)) & 1) !== 0;
  }

  #valueOf(view: RestView, name: string): number {
    const index = fileWordInfos().findIndex((info) => info.name === name);
    return this.#world.valueIn(view, this.#words, index);
  }

  #settings(accesses: number): Settings {
    const { enabled = this.#identities, accesses: all = [] } = this.options;
    let { delivery = true } = this.options;
    let threshold = 0;
    const on = new Set(enabled);
    for (const [what, value] of all.slice(0, accesses)) {
      if (what === 'delivery') delivery = value !== 0;
      if (what === 'threshold') threshold = value;
      if (what === 'enable') on.add(value);
      if (what === 'disable') on.delete(value);
    }
    return { delivery, enabled: on, threshold };
  }

  #carryOut(place: FilePlace, [what, value]: FileAccess): void {
    const { way } = this;
    if (what === 'delivery' || what === 'threshold') {
      way.write(place, FILE_REGISTER[what], value, true);
      return;
    }
    const array = what === 'clear' ? FILE_REGISTER.pending : FILE_REGISTER.enabled;
    way.write(place, array + 2 * (value >> 6), value & 63, what === 'enable');
  }

  #place(env: Env, thread: string): FilePlace {
    return this.#placeFor((high) => {
      const interrupts = this.#world.producer();
      this.#world.call(env, `${thread}'s level`, IRQ_VS_EXT, high, () => {
        if (high) interrupts.setInterrupt(IRQ_VS_EXT);
        else interrupts.unsetInterrupt(IRQ_VS_EXT);
      });
    });
  }

  #placeFor(setExternal: (high: boolean) => void): FilePlace {
    return {
      words: this.#words,
      identities: this.#largest,
      lock: this.#lock,
      // A hart looks at its file by itself; nobody else needs more than the look.
      kick: () => (this.way.isInHart ? this.#world.producer().nudge() : this.#world.producer().kick()),
      setExternal,
    };
  }
}
