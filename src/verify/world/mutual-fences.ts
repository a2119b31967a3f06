import {
  enterGuest,
  exitGuest,
  makeRequest,
  startVcpu,
  takeRequests,
  waitUntilOutside,
} from '../../interrupts/run-state.ts';
import { EXIT_COUNT, EXIT_REQUEST, type VcpuWords } from '../../interrupts/words.ts';
import type { Env, Thread } from '../thread.ts';
import { VCPU_NAME } from './vcpu.ts';
import { vcpuWordInfos } from './word-names.ts';
import type { World } from './world.ts';

export interface FencingVcpuOptions {
  /** 0 or 1: which of the two this is. */
  readonly number: 0 | 1;
  /** Whether it leaves its guest before it waits for the other, as the handler of an SBI call has. Default true. */
  readonly waitsOutside?: boolean;
}

interface FencingState {
  readonly at: 'outside' | 'inside' | 'wait';
  /** Fences that its guest has still to make. */
  readonly left: number;
}

const others = new WeakMap<World, VcpuWords>();

/** The words of both vCPUs; those of the second one are beside the world's. */
function bothWords(world: World): readonly [VcpuWords, VcpuWords] {
  let second = others.get(world);
  if (second === undefined) {
    second = world.memory.add(vcpuWordInfos().map((info) => ({ ...info, name: `${info.name}'` })));
    others.set(world, second);
    for (const words of [world.words, second]) {
      world.watchCount(words, EXIT_COUNT);
      world.memory.runAlone(world.memory.initial, () => startVcpu(words));
    }
  }
  return [world.words, second];
}

/** Makes one of two vCPUs whose guests make a remote fence for each other. They take no interrupts. */
export function fencingVcpu({ number, waitsOutside = true }: FencingVcpuOptions): (world: World) => Thread {
  const name = number === 0 ? VCPU_NAME : 'other';
  return (world) => {
    const words = bothWords(world);
    world.addRestCheck((_view, stateOf) =>
      (stateOf(name) as FencingState | undefined)?.at === 'wait'
        ? { property: 'P4', message: `${name} waits for the other vCPU, and nothing will wake it` }
        : undefined,
    );
    const initial: FencingState = { at: 'outside', left: 1 };
    return {
      name,
      initial,
      step: (state, env) => step(env, state as FencingState, words[number], words[1 - number], waitsOutside),
    };
  };
}

function step(
  env: Env,
  state: FencingState,
  own: VcpuWords,
  other: VcpuWords,
  waitsOutside: boolean,
): FencingState {
  if (state.at === 'wait') {
    waitUntilOutside(other, Number.POSITIVE_INFINITY);
    if (!waitsOutside) exitGuest(own);
    return { ...state, at: 'outside' };
  }
  if (state.at === 'outside') {
    env.note('enter');
    if (enterGuest(own)) return { ...state, at: 'inside' };
    takeRequests(own);
    return state;
  }
  if (state.left > 0 && env.choose(2) === 1) {
    env.note('fence');
    if (waitsOutside) exitGuest(own);
    makeRequest(other, 1);
    return { at: 'wait', left: state.left - 1 };
  }
  // Meets the store in `requestExit`.
  env.awaitWord(own, EXIT_REQUEST, 'different', 0);
  env.note('exit');
  exitGuest(own);
  return { ...state, at: 'outside' };
}
