import type { Kernel } from '../../boot/kernel-image.ts';
import type { DomainAia } from '../../devices/descriptor.ts';
import type { CommonConfig } from '../common-config.ts';

/** A guest of the hypervisor. */
export interface DomainConfig extends CommonConfig {
  readonly kind: 'domain';
  /** 1 to 64. */
  readonly vcpus: number;
  /** Threads that run them: 1 to `vcpus`. */
  readonly pcpus: number;
  /** Name of the interrupt protocol. */
  readonly protocol: string;
  readonly kernel: Kernel;
  readonly initrd?: Uint8Array;
  /** The kernel command line. */
  readonly bootArgs: string;
  /** How external interrupts reach the vCPUs; `none`, the default, is the PLIC. */
  readonly aia?: DomainAia;
  /**
   * Processors of the host that the vCPUs may take together, above 0; as many as there are threads, if it is left out.
   */
  readonly cpuLimit?: number | undefined;
  /** Check the rules of the vCPU loop. */
  readonly debug?: boolean;
}
