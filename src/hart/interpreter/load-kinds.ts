import type { LoadKind, StoreWidth } from '../../isa/index.ts';
import { type I32, type I64, i64 } from '../../wasm/index.ts';

/** Loads by number, as call-outs name them: width in bytes and sign extension. */
export const LOAD_KINDS: readonly {
  readonly kind: LoadKind;
  readonly bytes: number;
  readonly signed: boolean;
}[] = [
  { kind: 'i8', bytes: 1, signed: true },
  { kind: 'u8', bytes: 1, signed: false },
  { kind: 'i16', bytes: 2, signed: true },
  { kind: 'u16', bytes: 2, signed: false },
  { kind: 'i32', bytes: 4, signed: true },
  { kind: 'u32', bytes: 4, signed: false },
  { kind: 'i64', bytes: 8, signed: true },
];

/** The instruction that stores the low bits of an i64. */
export const STORE_NAMES = {
  8: 'i64.store8',
  16: 'i64.store16',
  32: 'i64.store32',
  64: 'i64.store',
} as const satisfies Record<StoreWidth, string>;

/** The instruction that loads and extends to an i64. */
export const LOADS: Readonly<Record<LoadKind, (address: I32, offset?: number) => I64>> = {
  i8: i64.load8_s,
  u8: i64.load8_u,
  i16: i64.load16_s,
  u16: i64.load16_u,
  i32: i64.load32_s,
  u32: i64.load32_u,
  i64: i64.load,
};
