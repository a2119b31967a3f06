import type { HartLayout } from '../../jit/index.ts';
import { SLOT_SCALE } from '../interpreter/slots.ts';
import { CSR, FIELD, TLB } from '../layout.ts';
import { STATUS } from '../privileged/registers.ts';

const csr = (name: 'mstatus' | 'vsstatus'): number => FIELD.csr + CSR[name] * 4;

/** A hart as compiled code knows it. */
export const COMPILED_LAYOUT: HartLayout = {
  ...{ field: FIELD, tlb: TLB, slotScale: SLOT_SCALE },
  vectors: { mstatus: csr('mstatus'), vsstatus: csr('vsstatus'), dirty: STATUS.vs },
};
