import type { BlockResult, OwnerImage, VcpuInterrupts } from '../../interrupts/vcpu-interrupts.ts';
import {
  type LoopOutcome,
  type LoopPart,
  type LoopSurroundings,
  VcpuLoop,
} from '../../interrupts/vcpu-loop.ts';
import type { Env } from '../thread.ts';
import { ownerIn, type World } from './world.ts';

/** The state of a thread that carries out the loop of a vCPU, between two steps, whatever its guest is. */
export interface LoopState {
  readonly at: LoopPart;
  /** The interrupts' own state; null while the vCPU is not loaded here. */
  readonly owner: OwnerImage | null;
  /** HVIP of the hart, or what the guest had in it when it was left. */
  readonly lo: number;
  readonly hi: number;
  readonly waiting: boolean;
}

/** Makes the guest and the handlers around one part of the loop; they change `now`. */
export type MakeGuest<State extends LoopState> = (
  now: Mutable<State>,
  env: Env,
  interrupts: VcpuInterrupts,
) => LoopGuest;

export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The guest of an explored vCPU, its handlers and its registers. */
export interface LoopGuest {
  /** One action of the guest. @returns whether it has left */
  runGuest(): boolean;
  handle(): LoopOutcome;
  carryOut?(requests: number): void;
  saveRegisters?(): void;
  loadRegisters?(): void;
  block(): BlockResult;
  queue(): void;
}

/** Makes a loop that does as the shipped one does, or one that breaks one of its rules. */
export type MakeLoop<State extends LoopState> = (at: LoopSurroundings, now: Mutable<State>) => VcpuLoop;

/** Carries out one part of the shipped loop, and tells the specification when a flush begins and ends. */
export function stepLoop<State extends LoopState>(
  world: World,
  state: State,
  env: Env,
  makeGuest: MakeGuest<State>,
  pcpu = 0,
  makeLoop: MakeLoop<State> = (at) => new VcpuLoop(at),
): State {
  const interrupts = ownerIn(world, state.owner);
  const now: Mutable<State> = { ...state };
  const guest = makeGuest(now, env, interrupts);
  const loop = makeLoop(surround(now, env, interrupts, guest, pcpu), now);
  note(env, state, pcpu);
  if (state.at === 'flush') env.before({ is: 'flush', lo: state.lo, hi: state.hi });
  const at = loop.step(state.at);
  now.at = at;
  now.owner = at === 'gone' ? null : interrupts.capture();
  return now;
}

function surround(
  now: Mutable<LoopState>,
  env: Env,
  interrupts: VcpuInterrupts,
  guest: LoopGuest,
  pcpu: number,
): LoopSurroundings {
  return {
    interrupts,
    pcpu,
    running: true,
    get hvipLo() {
      // Read for sync, and for nothing else.
      env.note('sync');
      return now.lo;
    },
    get hvipHi() {
      return now.hi;
    },
    get waiting() {
      return now.waiting;
    },
    set waiting(waits) {
      now.waiting = waits;
    },
    prepareEntry: () => undefined,
    writeHvip: (lo, hi) => {
      env.after({ is: 'flushed', lo, hi });
      now.lo = lo;
      now.hi = hi;
    },
    runGuest: () => guest.runGuest(),
    carryOut: (requests) => {
      guest.carryOut?.(requests);
      return false;
    },
    handle: () => guest.handle(),
    saveRegisters: () => guest.saveRegisters?.(),
    loadRegisters: () => guest.loadRegisters?.(),
    block: () => guest.block(),
    queue: () => guest.queue(),
    stopped: () => undefined,
  };
}

const NOTES: Partial<Readonly<Record<LoopPart, string>>> = {
  wait: 'woken: look whether it is for the guest',
  enter: 'enter',
  flush: 'flush',
  exit: 'exit',
  block: 'block',
  yield: 'save, back to the queue',
};

function note(env: Env, { at }: LoopState, pcpu: number): void {
  const text = at === 'load' ? `load on pCPU ${pcpu}` : NOTES[at];
  if (text !== undefined) env.note(text);
}
