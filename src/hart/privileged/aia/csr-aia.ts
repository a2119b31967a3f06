/** The CSRs that the AIA adds, but for those of indirect access and interrupt files. */
import { CSR, type CsrField } from '../../layout.ts';
import type { Context, Features } from '../context.ts';
import { type CsrDefinition, ignoreWrite, type Mask, stored } from '../csr-definition.ts';
import { stateGate } from '../csr-environment.ts';
import { hasSupervisorTimer } from '../pending.ts';
import { INTERRUPT, STATEEN } from '../registers.ts';
import { INDIRECT_CSRS } from './indirect.ts';
import { LOCAL_LOW, mvipLow, VIRTUAL_LOW } from './local-interrupts.ts';
import { guestTop, HVICTL, machineTop, supervisorTop } from './top.ts';

/** Interrupts 13 to 63. */
const LOCAL: Mask = [LOCAL_LOW, ~0];
/** Bytes 1, 3, 5, 6 and 7: interrupts 1, 5, 13, 14 and 15. */
const FIRST_PRIORITIES: Mask = [~0x00ff_00ff, ~0xff];
const INJECTION: Mask = [HVICTL.vti | HVICTL.iid | HVICTL.dpr | HVICTL.ipriom | HVICTL.iprio, 0];

const gate = stateGate(STATEEN.aiaHigh);
const withAia = (features: Features): boolean => features.aia;
const withHypervisor = (features: Features): boolean => features.aia && features.hypervisor;

/** Bits 1, 5 and 9 are those of mip, except bit 1 while that of mvien is 1. */
function writeMvip(context: Context, low: number, high: number): void {
  const { csr } = context.state;
  const own = (csr[CSR.mvien] as number) & INTERRUPT.ssi;
  const timer = hasSupervisorTimer(context) ? 0 : INTERRUPT.sti;
  const shared = INTERRUPT.sei | timer | (INTERRUPT.ssi & ~own);
  const bits = LOCAL_LOW | own;
  csr[CSR.mip] = ((csr[CSR.mip] as number) & ~shared) | (low & shared);
  csr[CSR.mvip] = ((csr[CSR.mvip] as number) & ~bits) | (low & bits);
  csr[CSR.mvip + 1] = high;
}

/** mtopi, stopi or vstopi. */
function top(
  number: number,
  name: string,
  value: (context: Context) => number,
  extras: Partial<CsrDefinition>,
): CsrDefinition {
  return {
    number,
    name,
    read: (context) => {
      context.low = value(context);
      context.high = 0;
    },
    write: ignoreWrite,
    exists: withAia,
    ...extras,
  };
}

function hypervisorCsr(number: number, name: CsrField, mask: Mask, upper?: number): CsrDefinition {
  const half = upper === undefined ? {} : { upper };
  return stored(number, name, mask, { exists: withHypervisor, gate, ...half });
}

export const AIA_CSRS: readonly CsrDefinition[] = [
  stored(0x308, 'mvien', [VIRTUAL_LOW, ~0], { exists: withAia, upper: 0x318 }),
  {
    number: 0x309,
    name: 'mvip',
    read: (context) => {
      context.low = mvipLow(context);
      context.high = context.state.csr[CSR.mvip + 1] as number;
    },
    write: writeMvip,
    upper: 0x319,
    exists: withAia,
  },
  hypervisorCsr(0x608, 'hvien', LOCAL, 0x618),
  hypervisorCsr(0x609, 'hvictl', INJECTION),
  hypervisorCsr(0x646, 'hviprio1', FIRST_PRIORITIES, 0x656),
  hypervisorCsr(0x647, 'hviprio2', [~0, ~0], 0x657),
  top(0xfb0, 'mtopi', machineTop, {}),
  top(0xdb0, 'stopi', supervisorTop, { guest: 'vstopi', gate }),
  top(0xeb0, 'vstopi', guestTop, { exists: withHypervisor, gate }),
  ...INDIRECT_CSRS,
];
