import {
  checkArgument,
  checkOptions,
  type OptionRules,
  optionsOf,
  SWITCH,
  TEXT,
} from '../../errors/arguments.ts';
import type { ThreadMaker } from '../scenario.ts';
import type { Env, LocalState, Thread } from '../thread.ts';
import { IDENTITIES, IDENTITY, INDEX } from './arguments.ts';
import { FIRST_IDENTITY, identityOf, messageNumber } from './word-names.ts';
import type { MessageTarget, World } from './world.ts';

export interface MessengerOptions {
  readonly name?: string;
  /** Identities of its messages, in their order. Default: the scenario's smallest one, once. */
  readonly sends?: readonly number[];
  /** Sends as often as it likes, instead, messages of the first of `sends`. Default false. */
  readonly anyNumber?: boolean;
  /** Writes to memory before each message, which the handler reads. Default false. */
  readonly mail?: boolean;
}

const MESSENGER: OptionRules<MessengerOptions> = {
  name: TEXT,
  sends: IDENTITIES,
  anyNumber: SWITCH,
  mail: SWITCH,
};

/** Makes a thread that sends message-signaled interrupts to the vCPU's file, as a device or another vCPU does. */
export function messenger(options: MessengerOptions = {}): ThreadMaker {
  checkOptions(options, MESSENGER);
  const { name = 'M', mail = false, sends } = options;
  const make = (world: World) => makeMessenger(world, options, callLoosely);
  const [first] = sends ?? [];
  if (sends?.some((identity) => identity !== first)) return make;
  const beside = (world: World) => makeMessenger(world, options, callStrictly);
  const irq = first === undefined ? FIRST_IDENTITY : messageNumber(first);
  return Object.assign(make, { sends: { name, irq, ...(mail ? { beside } : {}) } });
}

type Call = (file: MessageTarget, env: Env, name: string, identity: number) => void;

const callLoosely: Call = (file, env, name, identity) => file.receive(env, name, identity);
const callStrictly: Call = (file, env, _name, identity) => file.receiveStrictly(env, identity);

function makeMessenger(world: World, options: MessengerOptions, call: Call): Thread {
  const { name = 'M', mail = false, anyNumber = false, sends = world.identities.slice(0, 1) } = options;
  const files = sends.map((identity) => world.expectFile(identity, name));
  const boxes = mail ? sends.map((identity) => mailFor(world, name, identity)) : [];
  return {
    name,
    initial: { at: 0 },
    step: (state, env) => {
      const { at } = state as { at: number };
      if (at === sends.length || (anyNumber && env.choose(2) === 1)) return null;
      // Meets the exchange of the guest's handler.
      if (mail) Atomics.store(boxes[at], 0, 1);
      call(files[at], env, name, sends[at]);
      return anyNumber ? state : { at: at + 1 };
    },
  };
}

/** Makes the program of any number of senders of messages that send as often as they like. */
export function manyMessengers(number: number): (world: World) => Thread {
  return (world) => {
    const identity = number === FIRST_IDENTITY ? world.identities[0] : identityOf(number);
    const name = `senders of message ${identity}`;
    const file = world.expectFile(identity, name);
    const step = (state: LocalState, env: Env) => {
      file.receiveStrictly(env, identity);
      return state;
    };
    return { name, initial: {}, step };
  };
}

function mailFor(world: World, name: string, identity: number): Int32Array<ArrayBufferLike> {
  const box = world.word(`mail_${identity}_${name}`);
  world.addRestCheck((view) =>
    world.valueIn(view, box) === 0
      ? undefined
      : { property: 'P6', message: `the handler never reads what ${name} has written` },
  );
  return box;
}

export interface WireOptions {
  readonly name: string;
  /** The number of the device on its wire, from 0. */
  readonly index: number;
  /** Identity of the messages for the wire. Default: the scenario's smallest one. */
  readonly identity?: number;
}

const WIRE: OptionRules<WireOptions> = { name: TEXT, index: INDEX, identity: IDENTITY };
const WIRED = optionsOf(WIRE, 'a device with its `name` and `index`', ['name', 'index']);

/**
 * Makes one of several devices on a wire, a level source of an APLIC that sends messages: a rise of the wire is one
 * message, and another device that asks while it is high adds none. Its handler serves one device for each message.
 */
export function wired(options: WireOptions): ThreadMaker {
  checkArgument('options', options, WIRED);
  const { name, index, identity: given } = options;
  return (world): Thread => {
    const identity = given ?? world.identities[0];
    const file = world.expectFile(identity, name);
    const wire = world.word('wire');
    const bit = 1 << index;
    world.addRestCheck((view) =>
      (world.valueIn(view, wire) & bit) === 0
        ? undefined
        : { property: 'P4', message: `${name} asks for service, and no message tells of it` },
    );
    return {
      name,
      initial: {},
      step: (_state, env) => {
        // Meets the accesses of the handler and of the other devices: one of them sees the wire rise.
        const rises = Atomics.or(wire, 0, bit) === 0;
        if (rises) file.receive(env, name, identity);
        return null;
      },
    };
  };
}
