import type { RegisterClass } from './formats.ts';

/** ABI names of the integer registers, by number (psABI, "Integer Register Convention"). */
const X_NAMES: readonly string[] = [
  ...['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1'],
  ...['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'],
  ...['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'],
];

/** ABI names of the floating-point registers, by number. */
const F_NAMES: readonly string[] = [
  ...['ft0', 'ft1', 'ft2', 'ft3', 'ft4', 'ft5', 'ft6', 'ft7', 'fs0', 'fs1'],
  ...['fa0', 'fa1', 'fa2', 'fa3', 'fa4', 'fa5', 'fa6', 'fa7'],
  ...['fs2', 'fs3', 'fs4', 'fs5', 'fs6', 'fs7', 'fs8', 'fs9', 'fs10', 'fs11', 'ft8', 'ft9', 'ft10', 'ft11'],
];

/** Names of the vector registers, by number. */
const V_NAMES: readonly string[] = Array.from({ length: 32 }, (_, number) => `v${number}`);

const NAMES: Readonly<Record<RegisterClass, readonly string[]>> = { x: X_NAMES, f: F_NAMES, v: V_NAMES };

function numbered(letter: string, names: readonly string[]): [string, number][] {
  return names.flatMap((name, number) => [
    [name, number],
    [`${letter}${number}`, number],
  ]);
}

const NUMBERS: Readonly<Record<RegisterClass, ReadonlyMap<string, number>>> = {
  x: new Map([...numbered('x', X_NAMES), ['fp', 8]]),
  f: new Map(numbered('f', F_NAMES)),
  v: new Map(numbered('v', V_NAMES)),
};

/** The ABI name of a register, such as `a0`. */
export function registerName(registerClass: RegisterClass, number: number): string {
  return NAMES[registerClass][number];
}

/** The number of a register by ABI name or number (`a0`, `x10`, `fp`); undefined if it is none. */
export function registerNumber(registerClass: RegisterClass, name: string): number | undefined {
  return NUMBERS[registerClass].get(name);
}

/** Rounding modes by their encoding; 5 and 6 are reserved. */
export const ROUNDING_MODES: readonly (string | undefined)[] = [
  'rne',
  'rtz',
  'rdn',
  'rup',
  'rmm',
  undefined,
  undefined,
  'dyn',
];

/** Conversions that are exact: their rounding mode is rne by convention, and not written. */
export const EXACT_CONVERSIONS: ReadonlySet<string> = new Set([
  'fcvt.d.s',
  'fcvt.d.w',
  'fcvt.d.wu',
  'fcvt.s.h',
  'fcvt.d.h',
]);

/** Suffixes of atomics by aq << 1 | rl. */
export const ORDERING_SUFFIXES: readonly string[] = ['', '.rl', '.aq', '.aqrl'];
