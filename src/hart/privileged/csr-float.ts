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

function view(context: Context, value: number): void {
  context.low = value;
  context.high = 0;
}

function set(context: Context, flags: number | undefined, rounding: number | undefined): void {
  const { words } = context.state;
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
    read: (context) => view(context, context.state.words[FLAGS] as number),
    write: (context, low) => set(context, low, undefined),
  },
  {
    number: 0x002,
    name: 'frm',
    gate,
    exists,
    read: (context) => view(context, context.state.words[ROUNDING] as number),
    write: (context, low) => set(context, undefined, low),
  },
  {
    number: 0x003,
    name: 'fcsr',
    gate,
    exists,
    read: (context) => {
      const { words } = context.state;
      view(context, ((words[ROUNDING] as number) << 5) | (words[FLAGS] as number));
    },
    write: (context, low) => set(context, low, low >> 5),
  },
];
