import type { HartLayout } from '../../jit/index.ts';
import type { MemoryLimits } from '../../wasm/index.ts';
import { SLOT_SCALE } from '../interpreter/slots.ts';
import { FIELD, TLB } from '../layout.ts';

/** Where compiled code finds the parts of its hart. */
export const REGION_LAYOUT: HartLayout = { field: FIELD, tlb: TLB, slotScale: SLOT_SCALE };

/** The linear memory that compiled code can work in: any. */
export const REGION_LIMITS: MemoryLimits = { minimum: 1, maximum: 65_536 };
