/**
 * The CSRs through which software reaches registers behind a select register, and interrupt files: miselect, mireg and
 * mtopei with those of S and VS.
 */
import { topRegister } from '../../../interrupts/interrupt-file.ts';
import { CSR, type CsrField } from '../../layout.ts';
import type { InterruptFilePort } from '../../platform.ts';
import type { Context, Features } from '../context.ts';
import { type CsrDefinition, type Mask, stored, VERDICT, type Verdict } from '../csr-definition.ts';
import { stateGate } from '../csr-environment.ts';
import { hypervisorInterrupts } from '../csr-machine.ts';
import {
  FIRST_PRIORITY,
  INTERRUPT,
  isPriority,
  MIE,
  MODE,
  STATEEN,
  SUPERVISOR_INTERRUPTS,
} from '../registers.ts';
import { FILE, guestFile } from './top.ts';

const { allowed, illegal, virtual } = VERDICT;

/** Select registers hold 9 bits. */
const SELECT: Mask = [0x1ff, 0];
const FIRST_OF_FILE = 0x70;
const FIRST_ARRAY = 0x80;
const LAST_OF_FILE = 0xff;

const withAia = (features: Features): boolean => features.aia;
const withImsic = (features: Features): boolean => features.imsic;
const withHypervisor = (features: Features): boolean => features.aia && features.hypervisor;

const indirectGate = stateGate(STATEEN.indirectHigh);
const aiaGate = stateGate(STATEEN.aiaHigh);
const imsicGate = stateGate(STATEEN.imsicHigh);

function isOfFile(select: number): boolean {
  return select >= FIRST_OF_FILE && select <= LAST_OF_FILE;
}

/** With 64 bits, registers of arrays have even numbers only. */
function isMissing({ features }: Context, select: number): boolean {
  const inArray = isPriority(select) || (isOfFile(select) && select >= FIRST_ARRAY);
  return features.xlen === 64 && inArray && (select & 1) !== 0;
}

/** Interrupts at machine level that have a priority of their own: those of mie, without the external and VS ones. */
const MACHINE_PRIORITIES = (MIE & ~INTERRUPT.mei) | INTERRUPT.lcofi;
/** At supervisor level the writable ones of sie and hie, without the external one; of 14 to 63 all. */
const SUPERVISOR_PRIORITIES = (SUPERVISOR_INTERRUPTS & ~INTERRUPT.sei) | ~0x1fff;

/** One of the three levels at which a select register and its alias stand. */
interface Level {
  readonly select: CsrField;
  /** First field of the array of priorities. */
  readonly priorities: number | undefined;
  /** Number of the file now, or of none. */
  readonly file: (context: Context) => number | undefined;
}

const MACHINE: Level = {
  select: 'miselect',
  priorities: CSR.miprio0,
  file: ({ features }) => (features.imsic ? FILE.machine : undefined),
};
const SUPERVISOR: Level = {
  select: 'siselect',
  priorities: CSR.siprio0,
  file: ({ features }) => (features.imsic ? FILE.supervisor : undefined),
};
const GUEST: Level = {
  select: 'vsiselect',
  priorities: undefined,
  file: (context) => guestFile(context) || undefined,
};

function selected({ state }: Context, { select }: Level): number {
  return state.csr[CSR[select]] as number;
}

function fileOf(context: Context, level: Level): InterruptFilePort | undefined {
  const number = level.file(context);
  return number === undefined ? undefined : context.platform.interruptFile?.(number);
}

/** Whether the selected register is there at all. */
function isThere(context: Context, level: Level): boolean {
  const select = selected(context, level);
  if (isMissing(context, select)) return false;
  if (isPriority(select)) return level.priorities !== undefined;
  return isOfFile(select) && level.file(context) !== undefined;
}

function readSelected(context: Context, level: Level): void {
  const select = selected(context, level);
  context.low = 0;
  context.high = 0;
  if (isPriority(select) && level.priorities !== undefined) {
    const { csr } = context.state;
    const at = level.priorities + (select - FIRST_PRIORITY);
    context.low = csr[at] as number;
    context.high = context.features.xlen === 64 ? (csr[at + 1] as number) : 0;
  } else if (isOfFile(select)) {
    fileOf(context, level)?.read(select, context.features.xlen, context);
  }
}

function exchangeSelected(
  context: Context,
  level: Level,
  oldLow: number,
  oldHigh: number,
  low: number,
  high: number,
): void {
  const select = selected(context, level);
  if (isPriority(select) && level.priorities !== undefined) {
    const first = select - FIRST_PRIORITY;
    writePriorities(context, level.priorities + first, priorityMask(context, level, first), low);
    if (context.features.xlen === 32) return;
    writePriorities(context, level.priorities + first + 1, priorityMask(context, level, first + 1), high);
  } else if (isOfFile(select)) {
    fileOf(context, level)?.write(select, context.features.xlen, oldLow, oldHigh, low, high);
  }
}

function writePriorities({ state: { csr } }: Context, at: number, mask: number, value: number): void {
  csr[at] = value & mask;
}

/** The writable bytes of a word of an array; without an IMSIC none is. */
function priorityMask(context: Context, level: Level, word: number): number {
  if (!context.features.imsic) return 0;
  let bits: number = MACHINE_PRIORITIES;
  if (level === SUPERVISOR) bits = SUPERVISOR_PRIORITIES | hypervisorInterrupts(context);
  if (word >= 8) return level === SUPERVISOR ? ~0 : 0;
  let mask = 0;
  for (let byte = 0; byte < 4; byte++) {
    if ((bits >>> (4 * word + byte)) & 1) mask |= 0xff << (8 * byte);
  }
  return mask;
}

/** mireg, sireg or vsireg. */
function alias(number: number, name: string, level: Level, extras: Partial<CsrDefinition>): CsrDefinition {
  return {
    number,
    name,
    read: (context) => readSelected(context, level),
    write: (context, low, high) => {
      readSelected(context, level);
      exchangeSelected(context, level, context.low, context.high, low, high);
    },
    exchange: (context, ...values) => exchangeSelected(context, level, ...values),
    exists: withAia,
    ...extras,
  };
}

/** mtopei, stopei or vstopei: a write claims the identity that was read. */
function topExternal(
  number: number,
  name: string,
  level: Level,
  extras: Partial<CsrDefinition>,
): CsrDefinition {
  const top = (context: Context): number => fileOf(context, level)?.top() ?? 0;
  return {
    number,
    name,
    read: (context) => {
      context.low = topRegister(top(context));
      context.high = 0;
    },
    write: (context) => fileOf(context, level)?.claim(top(context)),
    exchange: (context, old) => fileOf(context, level)?.claim(old >>> 16),
    exists: withImsic,
    ...extras,
  };
}

/** SEI is filtered by M-mode: S-mode is kept from its own file. */
function isKept({ state }: Context, privilege: number): boolean {
  return privilege === MODE.supervisor && ((state.csr[CSR.mvien] as number) & INTERRUPT.sei) !== 0;
}

/** mstateen0 keeps the state of files from everything below M-mode; a hart without files has none to keep. */
function imsicVerdict(context: Context, privilege: number, isGuest: number): Verdict {
  return context.features.imsic ? imsicGate(context, privilege, isGuest, false) : allowed;
}

function gateOfSireg(context: Context, privilege: number): Verdict {
  const verdict = indirectGate(context, privilege, 0, false);
  if (verdict !== allowed) return verdict;
  if (!isThere(context, SUPERVISOR)) return illegal;
  if (isPriority(selected(context, SUPERVISOR))) return aiaGate(context, privilege, 0, false);
  return isKept(context, privilege) ? illegal : imsicVerdict(context, privilege, 0);
}

/** sireg in a guest, "really vsireg". */
function guestGateOfSireg(context: Context, privilege: number): Verdict {
  const verdict = indirectGate(context, privilege, 1, false);
  if (verdict !== allowed) return verdict;
  if (privilege === MODE.user) return virtual;
  const ofFile = isOfFile(selected(context, GUEST)) ? imsicVerdict(context, privilege, 1) : allowed;
  if (ofFile !== allowed) return ofFile;
  return isThere(context, GUEST) ? allowed : virtual;
}

function gateOfVsireg(context: Context, privilege: number): Verdict {
  const verdict = indirectGate(context, privilege, 0, false);
  if (verdict !== allowed) return verdict;
  const ofFile = isOfFile(selected(context, GUEST)) ? imsicVerdict(context, privilege, 0) : allowed;
  return ofFile === allowed && !isThere(context, GUEST) ? illegal : ofFile;
}

/** A guest that names vsireg itself. */
function guestGateOfVsireg(context: Context): Verdict {
  return indirectGate(context, MODE.supervisor, 0, false) === allowed ? virtual : illegal;
}

function gateOfStopei(context: Context, privilege: number): Verdict {
  return !context.features.imsic || isKept(context, privilege)
    ? illegal
    : imsicVerdict(context, privilege, 0);
}

/** stopei in a guest, "really vstopei". */
function guestGateOfStopei(context: Context, privilege: number): Verdict {
  const verdict = imsicVerdict(context, privilege, 1);
  if (verdict !== allowed) return verdict;
  return privilege === MODE.user || guestFile(context) === 0 ? virtual : allowed;
}

function gateOfVstopei(context: Context, privilege: number): Verdict {
  return guestFile(context) === 0 ? illegal : imsicVerdict(context, privilege, 0);
}

/** A guest that names vstopei itself. */
function guestGateOfVstopei(context: Context): Verdict {
  return imsicVerdict(context, MODE.supervisor, 0) === allowed ? virtual : illegal;
}

export const INDIRECT_CSRS: readonly CsrDefinition[] = [
  stored(0x350, 'miselect', SELECT, { exists: withAia }),
  alias(0x351, 'mireg', MACHINE, { gate: (context) => (isThere(context, MACHINE) ? allowed : illegal) }),
  topExternal(0x35c, 'mtopei', MACHINE, {}),
  stored(0x150, 'siselect', SELECT, { exists: withAia, gate: indirectGate, guest: 'vsiselect' }),
  alias(0x151, 'sireg', SUPERVISOR, {
    gate: gateOfSireg,
    guestGate: guestGateOfSireg,
    guest: 'vsireg',
  }),
  topExternal(0x15c, 'stopei', SUPERVISOR, {
    exists: withAia,
    gate: gateOfStopei,
    guestGate: guestGateOfStopei,
    guest: 'vstopei',
  }),
  stored(0x250, 'vsiselect', SELECT, { exists: withHypervisor, gate: indirectGate }),
  alias(0x251, 'vsireg', GUEST, {
    exists: withHypervisor,
    gate: gateOfVsireg,
    guestGate: guestGateOfVsireg,
  }),
  topExternal(0x25c, 'vstopei', GUEST, {
    exists: withHypervisor,
    gate: gateOfVstopei,
    guestGate: guestGateOfVstopei,
  }),
];
