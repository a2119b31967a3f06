import { OperandError } from './assembly-error.ts';

/** The numbers that `fli` can load; number 1 is the smallest normal number of the format (Zfa, "fli"). */
export const LITERALS: readonly number[] = [
  ...[-1, 0, 2 ** -16, 2 ** -15, 2 ** -8, 2 ** -7, 0.0625, 0.125, 0.25, 0.3125, 0.375, 0.4375, 0.5, 0.625],
  ...[0.75, 0.875, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 8, 16, 128, 256, 2 ** 15, 2 ** 16],
  ...[Number.POSITIVE_INFINITY, Number.NaN],
];

const SMALLEST = 1;
const NAMED: Readonly<Record<number, string>> = { [SMALLEST]: 'min', 30: 'inf', 31: 'nan' };

/** How assemblers write them: numbers in C's hexadecimal notation. */
export const LITERAL_NAMES: readonly string[] = LITERALS.map(
  (value, index) => NAMED[index] ?? `${value < 0 ? '-' : ''}${hexadecimal(Math.abs(value))}`,
);

function hexadecimal(value: number): string {
  const exponent = Math.floor(Math.log2(value));
  // At most one digit behind the point.
  const digit = (value / 2 ** exponent - 1) * 16;
  return `0x1${digit === 0 ? '' : `.${digit.toString(16)}`}p${exponent < 0 ? '' : '+'}${exponent}`;
}

/** The number of a literal that is written in either notation. @throws OperandError for anything else */
export function literalNumber(text: string): number {
  const named = LITERAL_NAMES.indexOf(text.toLowerCase());
  if (named >= 0) return named;
  const found = LITERALS.indexOf(text.trim() === '' ? Number.NaN : Number(text));
  if (found >= 0 && found !== SMALLEST) return found;
  throw new OperandError(`'${text}' is no constant of fli, such as 0.5, 2.0, min, inf or nan`);
}
