import type { HartRegisters } from '../../hart/saved-registers.ts';
import type { Cpu } from '../cpu.ts';
import type { OwnFacts } from '../kind.ts';
import type { MachinePlan } from '../plan.ts';
import type { KeptByDevice } from '../thread.ts';

/**
 * A paused machine as plain data: all of its state. That of a machine which may go on holds only until then; that of a
 * copy, or of a file that was read, is for one machine to begin with.
 */
export interface SavedMachine extends Cpu {
  readonly plan: MachinePlan;
  readonly own: OwnFacts;
  /** Guest time in milliseconds, a multiple of a tick or in between. */
  readonly milliseconds: number;
  /** Linear memory, with RAM and all parts of the state in their places. */
  readonly memory: WebAssembly.Memory;
  /** The device tree that the guest was given. */
  readonly deviceTree: Uint8Array<ArrayBuffer>;
  /** Of each hart of a bare machine. */
  readonly registers: readonly HartRegisters[];
  /** Where the compiled code of its harts begins, as `hotCodeOf` gives it. */
  readonly hot: Uint32Array<ArrayBuffer>;
  /** State of the devices on I/O threads. */
  readonly kept: readonly KeptByDevice[];
}
