/** Environment configuration (menvcfg, henvcfg, senvcfg) and state enables (Smstateen). */
import { CSR, type CsrField } from '../layout.ts';
import type { Context, Features } from './context.ts';
import { type CsrDefinition, constant, type Gate, legalized, stored, VERDICT } from './csr-definition.ts';
import { ENVCFG, MODE, STATEEN } from './registers.ts';

function configurableLow(features: Features): number {
  let bits: number = ENVCFG.fiom;
  if (features.extensions.has('zicbom')) bits |= ENVCFG.cbie | ENVCFG.cbcfe;
  if (features.extensions.has('zicboz')) bits |= ENVCFG.cbze;
  return bits;
}

function configurableHigh(features: Features): number {
  const { extensions, sstc } = features;
  const adue = extensions.has('svadu') ? ENVCFG.adueHigh : 0;
  const pbmte = extensions.has('svpbmt') ? ENVCFG.pbmteHigh : 0;
  return adue | pbmte | (sstc ? ENVCFG.stceHigh : 0);
}

/** The reserved value of CBIE leaves the field as it was. */
function writeLow(context: Context, field: number, low: number): void {
  const { csr } = context.state;
  const old = csr[field] as number;
  const value =
    (low & ENVCFG.cbie) === ENVCFG.cbieReserved ? (low & ~ENVCFG.cbie) | (old & ENVCFG.cbie) : low;
  csr[field] = value & configurableLow(context.features);
}

/** Bits that are 0 in menvcfg are read-only 0 in henvcfg: the stored value is always the one in effect. */
const NARROWED = ENVCFG.adueHigh | ENVCFG.pbmteHigh | ENVCFG.stceHigh;

/** Where pointer masking of the mode below can be set: the value that a write to PMM leaves there. */
function maskingAfter({ state: { csr }, features }: Context, field: number, high: number): number {
  const { extensions, xlen } = features;
  const isThere = xlen === 64 && extensions.has(field === CSR.menvcfg ? 'smnpm' : 'ssnpm');
  const pmm = high & ENVCFG.pmmHigh;
  return isThere && pmm !== ENVCFG.pmmHighReserved ? pmm : (csr[field + 1] as number) & ENVCFG.pmmHigh;
}

function writeMenvcfg(context: Context, low: number, high: number): void {
  const { csr } = context.state;
  writeLow(context, CSR.menvcfg, low);
  const value = high & configurableHigh(context.features);
  csr[CSR.menvcfg + 1] = value | maskingAfter(context, CSR.menvcfg, high);
  csr[CSR.henvcfg + 1] = (csr[CSR.henvcfg + 1] as number) & (value | ~NARROWED);
  context.hooks.contextChanged();
}

function writeHenvcfg(context: Context, low: number, high: number): void {
  const { csr } = context.state;
  writeLow(context, CSR.henvcfg, low);
  const value = high & NARROWED & (csr[CSR.menvcfg + 1] as number);
  csr[CSR.henvcfg + 1] = value | maskingAfter(context, CSR.henvcfg, high);
  context.hooks.contextChanged();
}

/** Kernels write it whenever they switch threads: the context is the same for most of them. */
function writeSenvcfg(context: Context, low: number, high: number): void {
  const { csr } = context.state;
  writeLow(context, CSR.senvcfg, low);
  const masking = maskingAfter(context, CSR.senvcfg, high);
  if (csr[CSR.senvcfg + 1] === masking) return;
  csr[CSR.senvcfg + 1] = masking;
  context.hooks.contextChanged();
}

/**
 * A state-enable bit of number `index` guards an access: mstateen closes it to everything below M-mode, hstateen to
 * guests.
 */
export function stateGate(bitHigh: number, index: 0 | 1 | 2 | 3 = 0): Gate {
  const machine = CSR[`mstateen${index}`] + 1;
  const hypervisor = CSR[`hstateen${index}`] + 1;
  return (context, privilege, virtual) => {
    if (privilege === MODE.machine || !context.features.stateEnable) return VERDICT.allowed;
    const { csr } = context.state;
    if (((csr[machine] as number) & bitHigh) === 0) return VERDICT.illegal;
    return virtual !== 0 && ((csr[hypervisor] as number) & bitHigh) === 0 ? VERDICT.virtual : VERDICT.allowed;
  };
}

const withStateEnable = (features: Features): boolean => features.stateEnable;
const withGuestStateEnable = (features: Features): boolean => features.stateEnable && features.hypervisor;
const withHypervisor = (features: Features): boolean => features.hypervisor;

/** Bits of mstateen0 that software may write. */
function firstStateBits({ aia, imsic }: Features): number {
  const added = aia ? STATEEN.aiaHigh | STATEEN.indirectHigh : 0;
  return STATEEN.selfHigh | STATEEN.envcfgHigh | added | (imsic ? STATEEN.imsicHigh : 0);
}

/** The mstateen, hstateen and sstateen registers of one number; bits below 32 control nothing that the hart has. */
function stateEnables(index: 0 | 1 | 2 | 3): CsrDefinition[] {
  const machine: CsrField = `mstateen${index}`;
  const hypervisor: CsrField = `hstateen${index}`;
  const gate = stateGate(STATEEN.selfHigh, index);
  return [
    legalized(
      0x30c + index,
      machine,
      ({ state: { csr }, features }, _low, high) => {
        csr[CSR[machine] + 1] = high & (index === 0 ? firstStateBits(features) : STATEEN.selfHigh);
        csr[CSR[hypervisor] + 1] = (csr[CSR[hypervisor] + 1] as number) & high;
      },
      { exists: withStateEnable, upper: 0x31c + index },
    ),
    legalized(
      0x60c + index,
      hypervisor,
      ({ state: { csr } }, _low, high) => {
        csr[CSR[hypervisor] + 1] = high & (csr[CSR[machine] + 1] as number);
      },
      { exists: withGuestStateEnable, gate, upper: 0x61c + index },
    ),
    { ...constant(0x10c + index, `sstateen${index}`), exists: withStateEnable, gate },
  ];
}

export const ENVIRONMENT_CSRS: readonly CsrDefinition[] = [
  legalized(0x30a, 'menvcfg', writeMenvcfg, { upper: 0x31a }),
  legalized(0x60a, 'henvcfg', writeHenvcfg, {
    exists: withHypervisor,
    gate: stateGate(STATEEN.envcfgHigh),
    upper: 0x61a,
  }),
  {
    ...stored(0x10a, 'senvcfg', undefined, { gate: stateGate(STATEEN.envcfgHigh) }),
    write: writeSenvcfg,
  },
  ...stateEnables(0),
  ...stateEnables(1),
  ...stateEnables(2),
  ...stateEnables(3),
];

/**
 * A and D bits are updated by hardware (Svadu) in the given stage of translation; otherwise they fault (Svade).
 *
 * @param stage `guest` is VS-stage translation; G-stage translation is HS-mode's, hence `supervisor`
 */
export function updatesAccessedDirty(csr: Int32Array, stage: 'supervisor' | 'guest'): boolean {
  const field = stage === 'guest' ? CSR.henvcfg : CSR.menvcfg;
  return ((csr[field + 1] as number) & ENVCFG.adueHigh) !== 0;
}

/** After reset hardware with Svadu updates A and D bits; software that wants faults instead clears ADUE. */
export function resetEnvironment(context: Context): void {
  const { csr } = context.state;
  const adue = configurableHigh(context.features) & ENVCFG.adueHigh;
  csr[CSR.menvcfg + 1] = adue;
  csr[CSR.henvcfg + 1] = context.features.hypervisor ? adue : 0;
}
