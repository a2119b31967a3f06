import { i64, select } from '../../wasm/index.ts';
import type { InstructionDefinition } from '../define.ts';
import { type Category, operation } from './define.ts';
import { VV } from './formats.ts';
import type { ElementFunction, ReductionFacts } from './shapes.ts';

function reduction(
  name: string,
  funct6: number,
  compute: ElementFunction,
  { signed = true, d = 0, category = 'mvv', lanes }: Partial<ReductionFacts> & { category?: Category } = {},
): InstructionDefinition {
  return operation(`${name}.vs`, VV, category, funct6, {
    ...{ kind: 'reduction', d, signed, compute },
    ...(lanes === undefined ? {} : { lanes }),
  });
}

const sum: ElementFunction = ({ a, b }) => i64.add(a, b);
const unsigned = { signed: false } as const;
const wide = { d: 1, category: 'ivv' } as const;

/** "Vector Reduction Operations" on integers. */
export const reductionInstructions: readonly InstructionDefinition[] = [
  reduction('vredsum', 0b000000, sum, { lanes: 'add' }),
  reduction('vredand', 0b000001, ({ a, b }) => i64.and(a, b), { lanes: 'and' }),
  reduction('vredor', 0b000010, ({ a, b }) => i64.or(a, b), { lanes: 'or' }),
  reduction('vredxor', 0b000011, ({ a, b }) => i64.xor(a, b), { lanes: 'xor' }),
  reduction('vredminu', 0b000100, ({ a, b }) => select(i64.lt_u(a, b), a, b), {
    ...unsigned,
    lanes: 'min_u',
  }),
  reduction('vredmin', 0b000101, ({ a, b }) => select(i64.lt_s(a, b), a, b), { lanes: 'min_s' }),
  reduction('vredmaxu', 0b000110, ({ a, b }) => select(i64.gt_u(a, b), a, b), {
    ...unsigned,
    lanes: 'max_u',
  }),
  reduction('vredmax', 0b000111, ({ a, b }) => select(i64.gt_s(a, b), a, b), { lanes: 'max_s' }),
  reduction('vwredsumu', 0b110000, sum, { ...wide, signed: false }),
  reduction('vwredsum', 0b110001, sum, wide),
];
