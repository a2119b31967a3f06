import type { DriveFacts } from '../devices/descriptor.ts';
import type { Xlen } from './cpu.ts';
import type { Engine } from './engine.ts';

/** The part of the configuration that machines of both kinds have. */
export interface CommonConfig {
  /** Width of the harts, for which the software must be: 64 unless given. */
  readonly xlen?: Xlen;
  readonly engine?: Engine;
  /**
   * Once the kernel, the initrd or the program is in guest memory, its buffer is detached: collectors of garbage take
   * their time with what is no object of the language, and these are tens of MiB.
   */
  readonly detachFiles?: boolean;
  /** Guest RAM in bytes, a multiple of 4096. */
  readonly memoryBytes: number;
  /** Disks; the threads of the machine open what is in them by `WorkerHost.openDrive`. */
  readonly drives?: readonly DriveFacts[];
}
