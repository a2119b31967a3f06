import type { Aia } from '../../devices/descriptor.ts';
import type { CommonConfig } from '../common-config.ts';
import type { BareProgram } from './boot.ts';

/** A machine whose software starts in M-mode. */
export interface BareConfig extends CommonConfig {
  readonly kind: 'bare';
  /** 1 to 64. */
  readonly harts: number;
  readonly program: BareProgram;
  readonly bootArgs?: string;
  /** How external interrupts reach the harts; `none`, the default, is the PLIC. */
  readonly aia?: Aia;
  /** Guest interrupt files of each hart's IMSIC, 0 to 7; 0 is the default. */
  readonly aiaGuests?: number;
}
