import { registerName } from '../../isa/index.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import { CSR, FIELD, HART } from '../layout.ts';

/** A part of the state that two harts have different: its name and 64-bit values. */
export interface Difference {
  readonly name: string;
  readonly compiled: bigint;
  readonly interpreted: bigint;
}

/** How many differences of memory are of interest. */
const MOST_WORDS = 8;
const PAGE_WORDS = 1024;

const SINGLE = ['fflags', 'frm', 'floatOff', 'floatDirty', 'privilege', 'virtual', 'rowLength'] as const;
const VECTOR = ['vstart', 'vl', 'vtype', 'vxrm', 'vxsat'] as const;
const DOUBLE = ['pc', 'instret', 'rowTotal'] as const;

/** Fields of the hart block that are a hart's state for its guest and do not say how it is kept. */
const STATE = [
  'x',
  'f',
  'pc',
  'fflags',
  'frm',
  'floatOff',
  'floatDirty',
  'reservation',
  'reservationWidth',
  'reservationValue',
  'privilege',
  'virtual',
  'csr',
  'vstart',
  'vl',
  'vtype',
  'vxrm',
  'vxsat',
  'v',
] as const;

/** Fields that must be equal after a run besides {@link STATE}. */
const COUNTERS = ['instret', 'rowLength', 'rowCause', 'rowPc', 'rowTotal'] as const;

/** Where {@link STATE} is in the hart block, in bytes. */
export const STATE_RANGES = STATE.map(range);
const COUNTER_RANGES = COUNTERS.map(range);

function range(name: keyof typeof FIELD): readonly [start: number, end: number] {
  return [FIELD[name], FIELD[name] + HART.sizes[name]];
}

/** Whether two hart blocks are the same state; fast. */
export function sameState(a: Int32Array, b: Int32Array): boolean {
  for (const ranges of [STATE_RANGES, COUNTER_RANGES]) {
    for (const [start, end] of ranges) {
      if (!isSame(a, b, start >> 2, end >> 2)) return false;
    }
  }
  return true;
}

/** Names the differences between the hart blocks of the compiling and the interpreting hart. */
export function stateDifferences(compiled: Int32Array, interpreted: Int32Array): Difference[] {
  const found: Difference[] = [];
  const compare = (name: string, offset: number, double: boolean): void => {
    const a = valueAt(compiled, offset, double);
    const b = valueAt(interpreted, offset, double);
    if (a !== b) found.push({ name, compiled: a, interpreted: b });
  };
  for (const name of DOUBLE) compare(name, FIELD[name], true);
  for (let index = 0; index < 32; index++) {
    compare(registerName('x', index), FIELD.x + index * 8, true);
    compare(registerName('f', index), FIELD.f + index * 8, true);
  }
  for (const name of [...SINGLE, ...VECTOR]) compare(name, FIELD[name], false);
  const vlenb = compiled[FIELD.vlenb >> 2];
  for (let at = 0; at < 32 * vlenb; at += 8) {
    compare(`v${Math.floor(at / vlenb)}[${at % vlenb}]`, FIELD.v + at, true);
  }
  compare('reservation', FIELD.reservation, true);
  compare('reservation value', FIELD.reservationValue, true);
  for (const [name, index] of Object.entries(CSR)) compare(name, FIELD.csr + index * 4, true);
  return found;
}

function valueAt(words: Int32Array, offset: number, double: boolean): bigint {
  const low = BigInt(words[offset >> 2] >>> 0);
  return double ? (BigInt(words[(offset >> 2) + 1] >>> 0) << 32n) | low : low;
}

/** The first 64-bit words that differ between two memories of the same size. */
export function memoryDifferences(compiled: GuestMemory, interpreted: GuestMemory): Difference[] {
  const found: Difference[] = [];
  const a = compiled.asWords();
  const b = interpreted.asWords();
  for (let word = 0; word < a.length && found.length < MOST_WORDS; word++) {
    if (a[word] === b[word]) continue;
    const at = word & -2;
    found.push({
      name: `RAM 0x${(compiled.base + at * 4).toString(16)}`,
      compiled: valueAt(a, at * 4, true),
      interpreted: valueAt(b, at * 4, true),
    });
    word = at + 1;
  }
  return found;
}

/**
 * Makes `to` equal to `from`; pages that are equal are not touched, so that those of zeros take no memory of the host.
 */
export function copyMemory(from: GuestMemory, to: GuestMemory): void {
  const sources = from.asWords();
  const targets = to.asWords();
  for (let at = 0; at < sources.length; at += PAGE_WORDS) {
    const end = Math.min(at + PAGE_WORDS, sources.length);
    if (!isSame(sources, targets, at, end)) targets.set(sources.subarray(at, end), at);
  }
}

/** A plain loop: `some` and `every` of typed arrays call a function for each word. */
function isSame(a: Int32Array, b: Int32Array, from: number, to: number): boolean {
  for (let word = from; word < to; word++) if (a[word] !== b[word]) return false;
  return true;
}
