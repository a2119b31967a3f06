import type { AttachedParts } from '../devices/descriptor.ts';
import type { Extension } from '../isa/extensions.ts';
import type { Xlen } from './cpu.ts';
import type { Engine } from './engine.ts';
import type { TraceConfig } from './trace/config.ts';

/**
 * The part of the configuration that machines of both kinds have. The threads of a machine open the files of its drives
 * by `WorkerHost.openDrive`.
 */
export interface CommonConfig extends AttachedParts {
  /** Width of the harts, for which the software must be: 64 unless given. */
  readonly xlen?: Xlen;
  /** The extensions for the software, in canonical order; all that there are unless given. */
  readonly extensions?: readonly Extension[];
  readonly engine?: Engine;
  /**
   * Once the kernel, the initrd or the program is in guest memory, its buffer is detached: collectors of garbage take
   * their time with memory that is no object of the language, and these are tens of MiB.
   */
  readonly detachFiles?: boolean;
  /** Not traced unless it is given. Not for `lockstep`, where one hart does everything twice. */
  readonly trace?: TraceConfig | undefined;
  /** Guest RAM in bytes, a multiple of 4096. */
  readonly memoryBytes: number;
}
