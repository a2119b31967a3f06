import type { AdditionalFunctions } from './additional.ts';
import type { ArithmeticFunctions } from './arithmetic.ts';
import type { CompareFunctions } from './compare.ts';
import type { ConvertFunctions } from './convert.ts';
import type { Bits } from './format.ts';

/** The operations of one format. */
export interface FormatFunctions<B extends Bits>
  extends ArithmeticFunctions<B>,
    CompareFunctions<B>,
    ConvertFunctions<B>,
    AdditionalFunctions<B> {}
