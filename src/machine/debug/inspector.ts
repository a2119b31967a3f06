import type { Stage } from '../../debug/page-walk.ts';
import type { Action, CsrFact } from '../../debug/target.ts';
import type { Cpu } from '../cpu.ts';
import type { Devices } from '../devices.ts';

/**
 * The processors of a machine that stands still, as a debugger sees them: the harts of a bare machine, or the vCPUs of
 * a domain with their guest's own view. Registers have the numbers of `debug/registers.ts`.
 */
export interface Inspector {
  readonly csrs: readonly CsrFact[];
  name(processor: number): string;
  /** The state of a processor, for people. */
  state(processor: number): string;
  read(processor: number, register: number): bigint | undefined;
  write(processor: number, register: number, value: bigint): boolean;
  /** The stages of translation that its addresses go through now, the first one first. */
  stages(processor: number): readonly Stage[];
  /** When the machine has come to stand, for any reason: nothing is left as only a running debugger has it. */
  settle(): void;
  /** Before the machine goes on. */
  prepare(processor: number, action: Action): void;
  /** Whether the processor can carry out an instruction: one that was never started cannot. */
  canStep(processor: number): boolean;
  describePending(processor: number): readonly string[];
  describeStatistics(): readonly string[];
}

/** The machine that an inspector is for, on the thread that owns it. */
export interface InspectedMachine extends Cpu {
  readonly memory: WebAssembly.Memory;
  readonly devices: Devices;
  /** Guest time in ticks, which stands still. */
  readonly ticks: () => number;
  /** Something has changed that harts have derived translations or code from. */
  readonly changed: () => void;
  /** 32 bits at a virtual address of a processor; undefined where there are none. */
  readonly readCode: (processor: number, address: bigint) => bigint | undefined;
}

/** Both halves of a register as one value without sign, of the width of the machine. */
export function joinHalves(low: number, high: number, xlen: 32 | 64): bigint {
  const lower = BigInt(low >>> 0);
  return xlen === 32 ? lower : (BigInt(high >>> 0) << 32n) | lower;
}

/** The halves of a value; on RV32 the high one repeats the sign. */
export function splitValue(value: bigint, xlen: 32 | 64): readonly [number, number] {
  const low = Number(BigInt.asIntN(32, value));
  return [low, xlen === 32 ? low >> 31 : Number(BigInt.asIntN(32, value >> 32n))];
}
