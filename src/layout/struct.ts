/**
 * Layouts of shared memory, declared as the fields that there are, by name and type. Their places follow from that, in
 * the order in which they are given and aligned as their types want it, so that no two of them overlap:
 *
 *     const POINT = struct({ x: f64, y: f64, flags: i32 });
 *     const LINE = struct({ kind: i32, ends: array(POINT, 2) });
 *     LINE.at.ends;    // 8: bytes from the start
 *     LINE.word.kind;  // 0: 32-bit words from the start
 *     LINE.bytes;      // 56
 *
 * A layout is made once, when the module that declares it is loaded; from then on its places are constants for V8.
 */

const WORD = Int32Array.BYTES_PER_ELEMENT;

/** A type of values in memory: their room, and the typed array by which it is read and written. */
export interface Type<View = unknown> {
  /** Size in bytes, a multiple of the alignment. */
  readonly bytes: number;
  /** It begins at a multiple of so many bytes, a power of two. */
  readonly alignment: number;
  /** Its memory at a byte address; all of the type, unless a length in `bytes` is given. */
  readonly over: (buffer: ArrayBufferLike, address: number, bytes?: number) => View;
  /** All names, types and places in it as text: memory that was written under one shape is read under the same only. */
  readonly shape: () => string;
}

/** Fields by name, in the order in which they lie in memory. */
export type Fields = Readonly<Record<string, Type>>;

/** A number for each field. */
export type Places<F> = { readonly [Name in keyof F]: number };

/** A number for each field that is no smaller than a 32-bit word. */
export type WordPlaces<F> = {
  readonly [Name in keyof F as F[Name] extends Type<Uint8Array | Uint16Array> ? never : Name]: number;
};

/** Fields one behind the other. A view of all of them is one of 32-bit words. */
export interface Struct<F extends Fields> extends Type<Int32Array> {
  /** The fields, as they were given. */
  readonly fields: F;
  /** Where each field begins, in bytes from the start. */
  readonly at: Places<F>;
  /** Where each field begins, in 32-bit words from the start. */
  readonly word: WordPlaces<F>;
  /** Bytes of each field. */
  readonly sizes: Places<F>;
  /** Size in 32-bit words. */
  readonly words: number;
  /** The memory of one field; `address` is that of the struct, in bytes. */
  view<Name extends keyof F>(
    name: Name,
    buffer: ArrayBufferLike,
    address: number,
  ): ReturnType<F[Name]['over']>;
  /** Size in 32-bit words with so many elements of the last field, which is {@link many} of a type. */
  wordsFor(count: number): number;
}

/** Values of one type, each with a name. */
export interface Row<Name extends string, View> extends Type<View> {
  readonly names: readonly Name[];
  /** Place of each in a view of the row, if there is an element for each value. */
  readonly index: Readonly<Record<Name, number>>;
  /** Where each begins, in 32-bit words from the start. */
  readonly word: Readonly<Record<Name, number>>;
}

type ViewOver<View> = (buffer: ArrayBufferLike, address: number, count: number) => View;

function scalar<View>(name: string, bytes: number, make: ViewOver<View>): Type<View> {
  return {
    bytes,
    alignment: bytes,
    shape: () => name,
    over: (buffer, address, length = bytes) => make(buffer, address, length / bytes),
  };
}

export const u8 = scalar('u8', 1, (buffer, address, count) => new Uint8Array(buffer, address, count));
export const u16 = scalar('u16', 2, (buffer, address, count) => new Uint16Array(buffer, address, count));
export const i32 = scalar('i32', 4, (buffer, address, count) => new Int32Array(buffer, address, count));
export const f64 = scalar('f64', 8, (buffer, address, count) => new Float64Array(buffer, address, count));
/** 64 bits, one element of a view. */
export const i64 = scalar('i64', 8, (buffer, address, count) => new BigInt64Array(buffer, address, count));
/** 64 bits, two elements of a view: the low half, then the high one. */
export const halves = scalar(
  'halves',
  8,
  (buffer, address, count) => new Int32Array(buffer, address, count * 2),
);

/** `count` values of a type, one behind the other. */
export function array<View>(type: Type<View>, count: number): Type<View> {
  return { ...withSize(type, count * type.bytes), shape: () => `${count} ${type.shape()}` };
}

/** As many values of a type as there is room for. It is the last field of a struct, and no part of its size. */
export function many<View>(type: Type<View>): Type<View> & { readonly element: Type<View> } {
  return { ...withSize(type, 0), element: type, shape: () => `many ${type.shape()}` };
}

/**
 * A type that begins at a multiple of `alignment` bytes, and behind which the next field begins at another one: with
 * 64, a cache line that it shares with no other field.
 */
export function align<T extends Type>(alignment: number, type: T): T {
  if (alignment < 1 || !Number.isInteger(Math.log2(alignment))) {
    throw new RangeError(`${alignment} is no power of two`);
  }
  const own = Math.max(alignment, type.alignment);
  return { ...type, alignment: own, bytes: roundUp(type.bytes, own) };
}

/** A value of a type for each of the names. @throws RangeError when a name comes twice */
export function row<View, const Name extends string>(
  type: Type<View>,
  names: readonly Name[],
): Row<Name, View> {
  if (new Set(names).size < names.length) throw new RangeError('a row has a name twice');
  const places = (step: number) =>
    constants(Object.fromEntries(names.map((name, place) => [name, place * step])) as Record<Name, number>);
  return {
    ...array(type, names.length),
    ...{ names, index: places(1), word: places(type.bytes / WORD) },
    shape: () => `${type.shape()} of ${names.join(' ')}`,
  };
}

/** Lays out fields in their order. @throws RangeError when {@link many} of a type are not the last field */
export function struct<const F extends Fields>(fields: F): Struct<F> {
  const at: Record<string, number> = {};
  const word: Record<string, number> = {};
  let end = 0;
  let alignment = 1;
  let last: Type | undefined;
  for (const [name, type] of Object.entries(fields)) {
    if (elementOf(last) !== undefined) throw new RangeError(`${name} lies behind a field without an end`);
    const start = roundUp(end, type.alignment);
    at[name] = start;
    if (start % WORD === 0) word[name] = start / WORD;
    end = start + type.bytes;
    alignment = Math.max(alignment, type.alignment);
    last = type;
  }
  const bytes = roundUp(end, alignment);
  return {
    ...withSize(i32, bytes),
    ...{ alignment, fields },
    shape: () => {
      const each = Object.entries(fields).map(([name, type]) => `${name} at ${at[name]}: ${type.shape()}`);
      return `{${each.join(', ')}} of ${bytes}`;
    },
    at: constants(at) as Places<F>,
    word: constants(word) as WordPlaces<F>,
    sizes: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, type.bytes])) as Places<F>,
    words: bytes / WORD,
    view<Name extends keyof F>(name: Name, buffer: ArrayBufferLike, address: number) {
      return fields[name].over(buffer, address + at[String(name)]) as ReturnType<F[Name]['over']>;
    },
    wordsFor(count) {
      const element = elementOf(last);
      if (element === undefined) throw new RangeError('the last field has an end');
      return roundUp(end + count * element.bytes, alignment) / WORD;
    },
  };
}

function elementOf(type: Type | undefined): Type | undefined {
  return type !== undefined && 'element' in type ? (type.element as Type) : undefined;
}

function withSize<View>({ alignment, over, shape }: Type<View>, bytes: number): Type<View> {
  return {
    bytes,
    alignment,
    shape,
    over: (buffer, address, length = bytes) => over(buffer, address, length),
  };
}

/**
 * V8 keeps properties that were added one by one under computed names in a hash table. In an object that comes from
 * JSON it knows the place of each, and where the object is a constant it takes them for constants, too.
 */
function constants<T extends Readonly<Record<string, number>>>(values: T): Readonly<T> {
  return Object.freeze(JSON.parse(JSON.stringify(values)) as T);
}

function roundUp(size: number, alignment: number): number {
  return Math.ceil(size / alignment) * alignment;
}
