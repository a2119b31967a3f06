/** Names of the instructions of WebAssembly by opcode, and their immediates (core specification, chapter 5.4). */

const COMPARISONS = 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const FLOAT_COMPARISONS = 'eq ne lt gt le ge';
const INTEGER = 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr';
const FLOAT = 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign';
const CONVERSIONS =
  'i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s i64.extend_i32_u ' +
  'i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u f32.convert_i32_s f32.convert_i32_u ' +
  'f32.convert_i64_s f32.convert_i64_u f32.demote_f64 f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s ' +
  'f64.convert_i64_u f64.promote_f32 i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 ' +
  'f64.reinterpret_i64 i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s';
const FIRST_LOAD = 0x28;
const LOADS =
  'i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load8_s i64.load8_u ' +
  'i64.load16_s i64.load16_u i64.load32_s i64.load32_u';
const STORES =
  'i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32';
const FIRST_NUMERIC = 0x45;

const typed = (type: string, names: string): string[] => names.split(' ').map((name) => `${type}.${name}`);

const NUMERIC: readonly string[] = [
  ...typed('i32', COMPARISONS),
  ...typed('i64', COMPARISONS),
  ...typed('f32', FLOAT_COMPARISONS),
  ...typed('f64', FLOAT_COMPARISONS),
  ...typed('i32', INTEGER),
  ...typed('i64', INTEGER),
  ...typed('f32', FLOAT),
  ...typed('f64', FLOAT),
  ...CONVERSIONS.split(' '),
];
const MEMORY: readonly string[] = [...LOADS.split(' '), ...STORES.split(' ')];
const UNARY =
  /\.(eqz|clz|ctz|popcnt|abs|neg|ceil|floor|trunc|nearest|sqrt|.*_[if](32|64)(_[su])?|extend\d+_s)$/;

/** The name of an instruction, how many values it takes, and whether it leaves one. */
export interface Opcode {
  readonly name: string;
  readonly takes: number;
  readonly gives: boolean;
}

/** A comparison, an arithmetic instruction or a conversion; undefined if the opcode is none of these. */
export function numericOpcode(opcode: number): Opcode | undefined {
  const name = NUMERIC[opcode - FIRST_NUMERIC];
  return name === undefined ? undefined : { name, takes: UNARY.test(name) ? 1 : 2, gives: true };
}

/** A load or store; undefined if the opcode is none. */
export function memoryOpcode(opcode: number): Opcode | undefined {
  const name = MEMORY[opcode - FIRST_LOAD];
  if (name === undefined) return undefined;
  const stores = name.includes('store');
  return { name, takes: stores ? 2 : 1, gives: !stores };
}

const SATURATING: readonly string[] = ['i32', 'i64'].flatMap((to) =>
  ['f32_s', 'f32_u', 'f64_s', 'f64_u'].map((from) => `${to}.trunc_sat_${from}`),
);

/** A conversion that saturates, by its number behind the prefix 0xfc. */
export function saturatingOpcode(number: number): Opcode | undefined {
  const name = SATURATING[number];
  return name === undefined ? undefined : { name, takes: 1, gives: true };
}

const VECTOR: ReadonlyMap<number, Opcode> = new Map(
  (
    [
      [0x0c, 'v128.const', 0],
      [0x0d, 'i8x16.shuffle', 2],
      [0x0e, 'i8x16.swizzle', 2],
      [0x11, 'i32x4.splat', 1],
      [0x12, 'i64x2.splat', 1],
      [0x13, 'f32x4.splat', 1],
      [0x14, 'f64x2.splat', 1],
      [0x1b, 'i32x4.extract_lane', 1],
      [0x1d, 'i64x2.extract_lane', 1],
      [0x1e, 'i64x2.replace_lane', 2],
      [0x1f, 'f32x4.extract_lane', 1],
      [0x21, 'f64x2.extract_lane', 1],
      [0x4e, 'v128.and', 2],
      [0x51, 'v128.xor', 2],
      [0x6b, 'i8x16.shl', 2],
      [0x6c, 'i8x16.shr_s', 2],
      [0x6d, 'i8x16.shr_u', 2],
      [0x105, 'f32x4.relaxed_madd', 3],
      [0x107, 'f64x2.relaxed_madd', 3],
    ] as const
  ).map(([number, name, takes]) => [number, { name, takes, gives: true }]),
);

/** A vector instruction, of those that scalars go through, by its number behind the prefix 0xfd. */
export function vectorOpcode(number: number): Opcode | undefined {
  return VECTOR.get(number);
}

const WIDTHS = ['i32', 'i64', 'i32:8', 'i32:16', 'i64:8', 'i64:16', 'i64:32'].map((width) =>
  width.split(':'),
);
const ATOMICS = ['load', 'store', 'add', 'sub', 'and', 'or', 'xor', 'xchg', 'cmpxchg'];
const FIRST_ATOMIC = 0x10;

/** An atomic access (threads proposal), by its number behind the prefix 0xfe; the fence is none. */
export function atomicOpcode(number: number): Opcode | undefined {
  if (number === 0) return { name: 'memory.atomic.notify', takes: 2, gives: true };
  const index = number - FIRST_ATOMIC;
  const [type, bits = ''] = WIDTHS[index % WIDTHS.length] ?? [];
  const kind = ATOMICS[Math.floor(index / WIDTHS.length)];
  if (index < 0 || kind === undefined) return undefined;
  const unsigned = bits === '' ? '' : '_u';
  if (kind === 'load') return { name: `${type}.atomic.load${bits}${unsigned}`, takes: 1, gives: true };
  if (kind === 'store') return { name: `${type}.atomic.store${bits}`, takes: 2, gives: false };
  return {
    name: `${type}.atomic.rmw${bits}.${kind}${unsigned}`,
    takes: kind === 'cmpxchg' ? 3 : 2,
    gives: true,
  };
}
