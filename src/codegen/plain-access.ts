import type { LoadKind, StoreWidth } from '../isa/index.ts';
import { type I32, type I64, i32, i64 } from '../wasm/index.ts';

/** The instruction of WebAssembly for each kind of load. */
export const LOADS: Readonly<Record<LoadKind, (address: I32, offset?: number) => I64>> = {
  i8: i64.load8_s,
  u8: i64.load8_u,
  i16: i64.load16_s,
  u16: i64.load16_u,
  i32: i64.load32_s,
  u32: i64.load32_u,
  i64: i64.load,
};

/** The same for the lower half of the value alone. */
export const WORD_LOADS: Readonly<Record<Exclude<LoadKind, 'i64'>, (address: I32, offset?: number) => I32>> =
  {
    i8: i32.load8_s,
    u8: i32.load8_u,
    i16: i32.load16_s,
    u16: i32.load16_u,
    i32: i32.load,
    u32: i32.load,
  };

/** The instruction that stores the low bits of an i32. */
export const WORD_STORE_NAMES = {
  8: 'i32.store8',
  16: 'i32.store16',
  32: 'i32.store',
} as const satisfies Record<Exclude<StoreWidth, 64>, string>;

/** The instruction that stores the low bits of an i64. */
export const STORE_NAMES = {
  8: 'i64.store8',
  16: 'i64.store16',
  32: 'i64.store32',
  64: 'i64.store',
} as const satisfies Record<StoreWidth, string>;
