/** vstart, vxsat, vxrm, vcsr, vl, vtype and vlenb ("Vector Extension Programmer's Model"). */
import { FIELD, VILL } from '../layout.ts';
import type { Context, Features } from './context.ts';
import { type CsrDefinition, type Gate, VERDICT } from './csr-definition.ts';
import { isVectorOff, markVectorDirty } from './status.ts';

type VectorField = 'vstart' | 'vl' | 'vtype' | 'vxrm' | 'vxsat' | 'vlenb';

/** With VS off the access is illegal in guests too, never a virtual-instruction exception. */
const gate: Gate = ({ state }) => (isVectorOff(state) ? VERDICT.illegal : VERDICT.allowed);
const exists = (features: Features): boolean => features.vector;

const get = ({ state }: Context, name: VectorField): number => state.words[FIELD[name] >> 2] as number;

function set(context: Context, name: VectorField, value: number): void {
  context.state.words[FIELD[name] >> 2] = value;
  markVectorDirty(context.state);
}

function view(context: Context, low: number, high = 0): void {
  context.low = low;
  context.high = high;
}

function register(number: number, name: VectorField, mask: (context: Context) => number): CsrDefinition {
  return {
    number,
    name,
    gate,
    exists,
    read: (context) => view(context, get(context, name)),
    write: (context, low) => set(context, name, low & mask(context)),
  };
}

const readOnly = (number: number, name: VectorField): CsrDefinition => ({
  ...register(number, name, () => 0),
  write: () => undefined,
});

export const VECTOR_CSRS: readonly CsrDefinition[] = [
  // As many bits as there are indices of elements of 8 bits with LMUL = 8.
  register(0x008, 'vstart', (context) => get(context, 'vlenb') * 8 - 1),
  register(0x009, 'vxsat', () => 1),
  register(0x00a, 'vxrm', () => 3),
  {
    number: 0x00f,
    name: 'vcsr',
    gate,
    exists,
    read: (context) => view(context, (get(context, 'vxrm') << 1) | get(context, 'vxsat')),
    write: (context, low) => {
      set(context, 'vxsat', low & 1);
      set(context, 'vxrm', (low >> 1) & 3);
    },
  },
  readOnly(0xc20, 'vl'),
  {
    ...readOnly(0xc21, 'vtype'),
    // vill is the uppermost bit.
    read: (context) => {
      const vtype = get(context, 'vtype');
      view(context, vtype & 0xff, vtype & VILL);
    },
  },
  readOnly(0xc22, 'vlenb'),
];
