import type { LoadKind } from '../../isa/index.ts';

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
