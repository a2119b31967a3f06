import type { InstructionDefinition } from '../define.ts';
import type { Format } from '../formats.ts';
import { type Category, operation } from './define.ts';
import * as F from './formats.ts';
import type { ElementFunction, ElementsShape, Scale } from './shapes.ts';

/** How a variant of an element-wise instruction gets its second operand, by the end of its name. */
export type Variant = 'vv' | 'vx' | 'vi' | 'vu';

type Kind = 'integer' | 'multiply';

const CATEGORIES: Readonly<Record<Kind, Readonly<Record<Variant, Category>>>> = {
  integer: { vv: 'ivv', vx: 'ivx', vi: 'ivi', vu: 'ivi' },
  multiply: { vv: 'mvv', vx: 'mvx', vi: 'ivi', vu: 'ivi' },
};
const SOURCES = { vv: 'v', vx: 'x', vi: 'i', vu: 'u' } as const;

/** Formats of a group of instructions, by variant. */
export type Formats = Readonly<Record<Variant, Format>>;

const MASKED: Formats = { vv: F.VV, vx: F.VX, vi: F.VI, vu: F.VU };
export const PLAIN: Formats = { vv: F.VV_PLAIN, vx: F.VX_PLAIN, vi: F.VI_PLAIN, vu: F.VI_PLAIN };
export const WITH_V0: Formats = { vv: F.VV_V0, vx: F.VX_V0, vi: F.VI_V0, vu: F.VI_V0 };
export const MULTIPLY_ADD: Formats = { vv: F.MAC_VV, vx: F.MAC_VX, vi: F.VI, vu: F.VU };

/** Common properties of a group's instructions; where nothing is said, elements of SEW bits, signed, with a mask. */
export interface Group {
  readonly kind?: Kind;
  readonly formats?: Formats;
  readonly d?: Scale | 'mask';
  readonly a?: Scale;
  readonly signedA?: boolean;
  readonly signedB?: boolean;
  readonly readsD?: boolean;
  readonly mask?: ElementsShape['mask'];
  readonly onlySew?: 64;
  /** Bits of the encoding that are fixed besides. */
  readonly fixed?: number;
  /** The ending of a variant, if it is not its own name: `wv` for `vv`, `vvm` for `vv`. */
  readonly suffix?: (variant: Variant) => string;
}

/** As assembler names variants: an unsigned immediate is an immediate. */
const plainSuffix = (variant: Variant): string => (variant === 'vu' ? 'vi' : variant);
/** The first source is a wide one. */
export const wideSuffix = (variant: Variant): string => plainSuffix(variant).replace('v', 'w');
/** v0 is an operand. */
export const v0Suffix = (variant: Variant): string => `${plainSuffix(variant)}m`;

/** Defines the variants of an element-wise instruction. */
export type DefineElements = (
  name: string,
  funct6: number,
  variants: readonly Variant[],
  compute: ElementFunction,
  lanes?: ElementsShape['lanes'],
) => InstructionDefinition[];

/** A function that defines the instructions of a group. */
export function elementsOf(group: Group = {}): DefineElements {
  const { kind = 'integer', formats = MASKED, d = 0, a = 0, signedA = true, signedB = true } = group;
  const { readsD = false, mask = 'optional', fixed = 0, suffix = plainSuffix, onlySew } = group;
  return (name, funct6, variants, compute, lanes) =>
    variants.map((variant) => {
      const shape: ElementsShape = {
        ...{
          kind: 'elements',
          source: SOURCES[variant],
          d,
          a,
          b: 0,
          signedA,
          signedB,
          readsD,
          mask,
          compute,
        },
        ...(lanes === undefined ? {} : { lanes }),
        ...(onlySew === undefined ? {} : { onlySew }),
      };
      const category = CATEGORIES[kind][variant];
      return operation(`${name}.${suffix(variant)}`, formats[variant], category, funct6, shape, fixed);
    });
}
