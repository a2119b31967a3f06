import type { Extension } from '../../isa/instruction.ts';
import { CSR, FIELD, HART, VILL } from '../layout.ts';
import type { HartState } from '../state.ts';
import type { Context } from './context.ts';
import { resetEnvironment } from './csr-environment.ts';
import type { CsrTable } from './csr-table.ts';
import { MODE } from './registers.ts';
import { resetStatus, setMode } from './status.ts';

/** MXL = 2 for 64 bits, in the high half; 1 for 32, in the upper half of 32 bits then. */
const MXL_64_HIGH = 2 << 30;
const MXL_32 = 1 << 30;

const LETTERS: readonly Extension[] = ['a', 'c', 'd', 'f', 'h', 'i', 'm', 'v'];

/** misa: a bit for each single-letter extension, S and U. */
function misaLow(extensions: ReadonlySet<Extension>): number {
  const present = LETTERS.filter((letter) => extensions.has(letter));
  return [...present, 's', 'u'].reduce((bits, letter) => bits | (1 << (letter.charCodeAt(0) - 97)), 0);
}

const STATE_ENABLES = ['mstateen0', 'mstateen1', 'mstateen2', 'mstateen3'] as const;

/** CSRs through which M-mode hands things on: all open when the host plays HS-mode. */
const HANDED_ON = ['medeleg', 'mideleg', 'mcounteren', 'menvcfg', ...STATE_ENABLES] as const;

/**
 * Architectural reset of everything but pc, x and f registers. Fields for which the specification leaves the value
 * open become 0, except ADUE.
 */
export function reset(context: Context, table: CsrTable): void {
  const { state, features } = context;
  const { words, csr } = state;
  csr.fill(0);
  words[FIELD.fflags >> 2] = 0;
  words[FIELD.frm >> 2] = 0;
  resetVectors(state);
  words[FIELD.hsHost >> 2] = features.hsHost ? 1 : 0;
  state.privilege = MODE.machine;
  state.virtual = 0;
  resetStatus(context);
  resetEnvironment(context);
  csr[CSR.misa] = misaLow(features.extensions) | (features.xlen === 32 ? MXL_32 : 0);
  csr[CSR.misa + 1] = features.xlen === 64 ? MXL_64_HIGH : 0;
  table.get(0x303)?.write(context, 0, 0);
  // Nothing is due before software has set a time.
  csr.fill(-1, CSR.stimecmp, CSR.stimecmp + 2);
  csr.fill(-1, CSR.vstimecmp, CSR.vstimecmp + 2);
  if (features.hsHost) openToHypervisor(context, table);
  setMode(context, features.hsHost ? MODE.supervisor : MODE.machine, 0);
}

/** No vtype is set. */
function resetVectors({ words, memory, base }: HartState): void {
  new Uint8Array(memory.buffer, base + FIELD.v, HART.sizes.v).fill(0);
  for (const name of ['vstart', 'vl', 'vxrm', 'vxsat'] as const) words[FIELD[name] >> 2] = 0;
  words[FIELD.vtype >> 2] = VILL;
}

function openToHypervisor(context: Context, table: CsrTable): void {
  for (const name of HANDED_ON) {
    const number = NUMBERS[name];
    table.get(number)?.write(context, ~0, ~0);
  }
}

const NUMBERS: Readonly<Record<(typeof HANDED_ON)[number], number>> = {
  medeleg: 0x302,
  mideleg: 0x303,
  mcounteren: 0x306,
  menvcfg: 0x30a,
  ...{ mstateen0: 0x30c, mstateen1: 0x30d, mstateen2: 0x30e, mstateen3: 0x30f },
};
