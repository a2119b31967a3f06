import type { Protocol } from '../interrupts/protocol.ts';
import type { Xlen } from '../isa/index.ts';
import type { Recorder } from '../trace/recorder.ts';

/** The parts of its domain that a vCPU needs, as one thread sees them. */
export interface VcpuOptions {
  readonly memory: WebAssembly.Memory;
  /** Byte address of the vCPU's area. */
  readonly area: number;
  readonly index: number;
  readonly protocol: Protocol;
  /**
   * Level of the external interrupt line of this vCPU, from the interrupt controller; hgeip[1] of the hart it is on.
   */
  readonly externalPending: () => boolean;
  /** Guest time in ticks. */
  readonly ticks: () => number;
  /** The guest programs vstimecmp itself (Sstc); otherwise only the SBI does. */
  readonly sstc: boolean;
  /** The harts have the AIA with an IMSIC, and the guest may raise and clear some interrupts itself. Default false. */
  readonly aia?: boolean;
  /** Puts this vCPU on the run queue. */
  readonly wake: () => void;
  readonly debug?: boolean;
  /** Records this thread's actions on the vCPU, if it is traced. */
  readonly trace?: Recorder | undefined;
  /** Width of the guest: 64 unless given. */
  readonly xlen?: Xlen;
  /** VLEN of its harts in bits; 0, if they have no vectors, unless given. */
  readonly vlen?: number;
}
