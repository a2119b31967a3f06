/** fflags, frm and fcsr. */
import { FIELD } from '../layout.ts';
import type { Context, Features } from './context.ts';
import { type CsrDefinition, type Gate, VERDICT } from './csr-definition.ts';

const FLAGS = FIELD.fflags >> 2;
const ROUNDING = FIELD.frm >> 2;
const DIRTY = FIELD.floatDirty >> 2;
const OFF = FIELD.floatOff >> 2;

/** With FS off the access is illegal in guests too, never a virtual-instruction exception ("Trap Cause Codes"). */
const gate: Gate = ({ state }) => (state.words[OFF] === 0 ? VERDICT.allowed : VERDICT.illegal);
const exists = (features: Features): boolean => features.float;

function view(hart: Context, value: number): void {
  hart.low = value;
  hart.high = 0;
}

function set(hart: Context, flags: number | undefined, rounding: number | undefined): void {
  const { words } = hart.state;
  if (flags !== undefined) words[FLAGS] = flags & 0x1f;
  if (rounding !== undefined) words[ROUNDING] = rounding & 7;
  words[DIRTY] = 1;
}

export const FLOAT_CSRS: readonly CsrDefinition[] = [
  {
    number: 0x001,
    name: 'fflags',
    gate,
    exists,
    read: (hart) => view(hart, hart.state.words[FLAGS] as number),
    write: (hart, low) => set(hart, low, undefined),
  },
  {
    number: 0x002,
    name: 'frm',
    gate,
    exists,
    read: (hart) => view(hart, hart.state.words[ROUNDING] as number),
    write: (hart, low) => set(hart, undefined, low),
  },
  {
    number: 0x003,
    name: 'fcsr',
    gate,
    exists,
    read: (hart) => {
      const { words } = hart.state;
      view(hart, ((words[ROUNDING] as number) << 5) | (words[FLAGS] as number));
    },
    write: (hart, low) => set(hart, low, low >> 5),
  },
];
