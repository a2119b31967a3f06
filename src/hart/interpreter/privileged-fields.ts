/** Privileged state as generated code reaches it: offsets within the hart block, and which CSR counts for which V. */
import { type I32, i32, type Local, select } from '../../wasm/index.ts';
import { CSR, type CsrField, FIELD } from '../layout.ts';

export {
  ENVCFG,
  HSTATUS,
  INTERRUPT,
  MACHINE_STATUS,
  MIE,
  MODE,
  QUIET,
  STATUS,
} from '../privileged/registers.ts';

/** From the low half of a CSR to its high half. */
export const HIGH = 4;

/** Offset of a CSR in the hart block. */
export function csrAddress(name: CsrField): number {
  return FIELD.csr + CSR[name] * 4;
}

/** sstatus of the current mode: the low half of vsstatus if V = 1, else of mstatus. */
export function statusOfMode(hart: Local<'i32'>): I32 {
  return i32.load(statusAddress(hart), csrAddress('mstatus'));
}

/** Address of the hart block, moved so that the field of mstatus is the status register of the current mode. */
export function statusAddress(hart: Local<'i32'>): I32 {
  const distance = csrAddress('vsstatus') - csrAddress('mstatus');
  return i32.add(hart, select(i32.load(hart, FIELD.virtual), i32.const(distance), i32.const(0)));
}

/** Address of the hart block, moved so that the fields of stvec to satp are those of the current mode. */
export function trapCsrs(hart: Local<'i32'>): I32 {
  const distance = csrAddress('vstvec') - csrAddress('stvec');
  return i32.add(hart, select(i32.load(hart, FIELD.virtual), i32.const(distance), i32.const(0)));
}
