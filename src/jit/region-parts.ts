import type { FloatFunctions } from '../float/float.ts';
import type { HartLayout } from './hart-layout.ts';
import type { RegionFrame } from './region-frame.ts';
import type { Registers } from './registers.ts';

/** What the code of a region is generated into and from. */
export interface RegionParts {
  readonly frame: RegionFrame;
  readonly layout: HartLayout;
  readonly registers: Registers;
  readonly float: FloatFunctions;
  /** No other thread works in the guest's memory. */
  readonly alone: boolean;
  /** Bytes within which accesses are checked together. */
  readonly longestSpan: number;
}
