import {
  checkArgument,
  checkOptions,
  type OptionRules,
  optionsOf,
  SWITCH,
  TEXT,
  word,
} from '../../errors/arguments.ts';
import { IRQ_VS_EXT } from '../../interrupts/numbers.ts';
import type { Protocol } from '../../interrupts/protocol.ts';
import { kick, makeRequest } from '../../interrupts/run-state.ts';
import { REQUESTS } from '../../interrupts/words.ts';
import type { ThreadMaker } from '../scenario.ts';
import type { Env, LocalState, Thread } from '../thread.ts';
import { INDEX, IRQ, SCRIPT, SENDS } from './arguments.ts';
import type { World } from './world.ts';

export interface SenderOptions {
  readonly name?: string;
  /** How many interrupts it sends; `any` may stop before each, `forever` waits for the answer to each. Default 1. */
  readonly count?: number | 'any' | 'forever';
  /** Default VSSIP, the vCPU's first edge. */
  readonly irq?: number;
  /** Writes a message before each interrupt, which the handler reads. `forever` implies it. Default false. */
  readonly mail?: boolean;
}

const SENDER: OptionRules<SenderOptions> = { name: TEXT, count: SENDS, irq: IRQ, mail: SWITCH };

/** Makes a thread that sends interrupts to the vCPU, as another vCPU's SBI call does. */
export function sender(options: SenderOptions = {}): ThreadMaker {
  checkOptions(options, SENDER);
  const { name = 'S', count = 1, irq } = options;
  const hasMail = options.mail === true || count === 'forever';
  const beside = (world: World) => makeSender(world, options, hasMail, callStrictly);
  const sends = { name, irq, ...(hasMail ? { beside } : {}) };
  return Object.assign((world: World) => makeSender(world, options, hasMail, callLoosely), { sends });
}

/** Makes an interrupt pending, and tells the specification of it. */
type Call = (world: World, env: Env, name: string, irq: number) => void;

/** The interrupt becomes pending at some moment of the call. */
const callLoosely: Call = (world, env, name, irq) =>
  world.call(env, name, irq, true, () => world.producer().setInterrupt(irq));

/**
 * The interrupt becomes pending together with the last access of the protocol's `set`. To explain what the guest sees
 * by this moment alone is harder than by any moment of the call, so a proof is one for the specification as well; and
 * nothing has to be known of who is in a call.
 */
const callStrictly: Call = (world, env, _name, irq) => {
  const { protocol } = world;
  const telling: Protocol = {
    ...protocol,
    set: (words, number) => {
      const wanted = protocol.set(words, number);
      env.after({ is: 'effect', irq: number, high: true });
      return wanted;
    },
  };
  world.producer(telling).setInterrupt(irq);
};

interface SenderState {
  readonly left: number | 'any' | 'forever';
}

function makeSender(world: World, options: SenderOptions, hasMail: boolean, call: Call): Thread {
  const { name = 'S', count = 1, irq = world.edges[0] } = options;
  world.expectInterrupt(irq, name);
  const mail = hasMail ? world.word(`mail_${name}`) : undefined;
  if (mail !== undefined) checkMail(world, name, mail);
  const step = ({ left }: SenderState, env: Env): SenderState | null => {
    if (left === 0 || (left === 'any' && env.choose(2) === 1)) return null;
    // Meets the exchange of the guest's handler.
    if (left === 'forever' && mail !== undefined) env.awaitWord(mail, 0, 'equal', 0);
    // As above.
    if (mail !== undefined) Atomics.store(mail, 0, 1);
    call(world, env, name, irq);
    return { left: typeof left === 'string' ? left : left - 1 };
  };
  return { name, initial: { left: count }, step: (state, env) => step(state as SenderState, env) };
}

/** Makes the program of any number of senders that send as often as they like. */
export function manySenders(given: number | undefined): (world: World) => Thread {
  return (world) => {
    const irq = given ?? world.edges[0];
    const name = `senders of ${irq}`;
    world.expectInterrupt(irq, name);
    const step = (state: LocalState, env: Env) => {
      callStrictly(world, env, name, irq);
      return state;
    };
    return { name, initial: {}, step };
  };
}

function checkMail(world: World, name: string, mail: Int32Array<ArrayBufferLike>): void {
  world.addRestCheck((view) =>
    world.valueIn(view, mail) === 0
      ? undefined
      : { property: 'P6', message: `the handler never reads the message of ${name}` },
  );
}

/** The kick that makes a running guest see that a level fell. `never` breaks the rule. */
export type FallKick = 'caller' | 'protocol' | 'never';

export interface DeviceOptions {
  readonly name?: string;
  readonly irq?: number;
  /** The line's levels in turn: `+` raises, `-` lowers. Default `+-`. */
  readonly script?: string;
  /**
   * The party that kicks after the line fell: the caller of unset if the protocol asks for no kick, the protocol, or
   * nobody. Default `caller`.
   */
  readonly fall?: FallKick;
  /** Instead of a script: raise, wait for the guest's acknowledgement, lower, for ever. Default false. */
  readonly acknowledged?: boolean;
}

const DEVICE: OptionRules<DeviceOptions> = {
  name: TEXT,
  irq: IRQ,
  script: SCRIPT,
  fall: word('caller', 'protocol', 'never'),
  acknowledged: SWITCH,
};

/** Makes a device with an interrupt line of its own, whose level is set and unset. */
export function device(options: DeviceOptions = {}): (world: World) => Thread {
  checkOptions(options, DEVICE);
  const { name = 'D', irq = IRQ_VS_EXT, script = '+-', fall = 'caller', acknowledged = false } = options;
  const line: Line = { name, irq, fall };
  return (world) => {
    world.expectInterrupt(irq, name);
    return {
      name,
      initial: { at: 0 },
      step: (state, env) => {
        const { at } = state as { at: number };
        if (acknowledged) {
          drive(world, env, line, true);
          const word = world.word('acknowledge');
          // Meets the store of the guest's handler.
          env.awaitWord(word, 0, 'equal', 1);
          Atomics.store(word, 0, 0);
          drive(world, env, line, false);
          return state;
        }
        if (at === script.length) return null;
        drive(world, env, line, script[at] === '+');
        return { at: at + 1 };
      },
    };
  };
}

/** An interrupt line, and the name of the thread that drives it. */
interface Line {
  readonly name: string;
  readonly irq: number;
  readonly fall: FallKick;
}

function drive(world: World, env: Env, { name, irq, fall }: Line, high: boolean): void {
  const interrupts = world.producer();
  world.call(env, name, irq, high, () => {
    if (high) interrupts.setInterrupt(irq);
    else if (fall === 'never') world.protocol.unset(world.words, irq);
    else if (!interrupts.unsetInterrupt(irq) && fall === 'caller') interrupts.kick();
  });
}

export interface SharedLineOptions {
  readonly name: string;
  /** Which of the devices on the line this is, from 0. */
  readonly index: number;
  readonly script?: string;
  /**
   * `derived`: the level is computed from all devices. `stored`: each evaluates it and then sets or unsets; breaks rule
   * 4.
   */
  readonly level?: 'derived' | 'stored';
}

const SHARED_LINE: OptionRules<SharedLineOptions> = {
  name: TEXT,
  index: INDEX,
  script: SCRIPT,
  level: word('derived', 'stored'),
};
const SHARING = optionsOf(SHARED_LINE, 'a device with its `name` and `index`', ['name', 'index']);

/** Makes one of several devices on one line: the level is high while any of them asks. */
export function sharingDevice(options: SharedLineOptions): (world: World) => Thread {
  checkArgument('options', options, SHARING);
  const { name, index, script = '+-', level = 'derived' } = options;
  return (world) => {
    const sources = world.word('sources');
    if (index === 0) shareLine(world, sources, level);
    const shared: SharedLine = { name, bit: 1 << index, sources, level };
    return {
      name,
      initial: { at: 0 },
      step: (state, env) => {
        const { at } = state as { at: number };
        if (at === script.length) return null;
        driveShared(world, env, shared, script[at] === '+');
        return { at: at + 1 };
      },
    };
  };
}

function shareLine(world: World, sources: Int32Array<ArrayBufferLike>, level: 'derived' | 'stored'): void {
  if (level === 'derived') {
    // Meets the writes of the devices.
    world.addDerive(() => (Atomics.load(sources, 0) !== 0 ? 1 << IRQ_VS_EXT : 0));
    return;
  }
  world.addRestCheck((view) => {
    const high = world.valueIn(view, sources) !== 0;
    const agrees =
      world.monitor.unsettled(view.spec, [IRQ_VS_EXT], high ? 1 << IRQ_VS_EXT : 0, 0).length === 0;
    return agrees
      ? undefined
      : {
          property: 'P3',
          message: `VSEIP stays ${high ? 'low' : 'high'} although the devices ask for the opposite`,
        };
  });
}

/** A device's part of a line that several drive. */
interface SharedLine {
  readonly name: string;
  /** Its bit in `sources`. */
  readonly bit: number;
  /** The word that says which devices ask. */
  readonly sources: Int32Array<ArrayBufferLike>;
  readonly level: 'derived' | 'stored';
}

function driveShared(world: World, env: Env, { name, bit, sources, level }: SharedLine, high: boolean): void {
  // Meets the reads of the vCPU and the accesses of the other devices.
  const before = high ? Atomics.or(sources, 0, bit) : Atomics.and(sources, 0, ~bit);
  const now = high ? before | bit : before & ~bit;
  if (level === 'derived') {
    env.after({ is: 'effect', irq: IRQ_VS_EXT, high: now !== 0 });
    world.producer().kick();
    return;
  }
  // As above; by the time of the call below the answer may be old.
  const asks = Atomics.load(sources, 0) !== 0;
  drive(world, env, { name, irq: IRQ_VS_EXT, fall: 'caller' }, asks);
}

export interface RequesterOptions {
  readonly name?: string;
  /** How many requests it makes. Default 1. */
  readonly count?: number;
  /** Whether it also wakes a vCPU that sleeps. Without, a sleeping vCPU may leave requests for later. Default true. */
  readonly wakes?: boolean;
}

/** Makes a thread that leaves work for the vCPU to do before it runs its guest again. */
export function requester(options: RequesterOptions = {}): (world: World) => Thread {
  const { name = 'R', count = 1, wakes = true } = options;
  return (world) => {
    if (wakes) checkRequests(world);
    return {
      name,
      initial: { left: count },
      step: (state) => {
        const { left } = state as { left: number };
        if (left === 0) return null;
        makeRequest(world.words, 1 << (left - 1));
        if (wakes) kick(world.words, world.wake);
        return { left: left - 1 };
      },
    };
  };
}

function checkRequests(world: World): void {
  world.addRestCheck((view) =>
    world.valueIn(view, world.words, REQUESTS) === 0
      ? undefined
      : { property: 'P4', message: 'a request waits, and nothing will make the vCPU look' },
  );
}
