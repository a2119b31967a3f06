import {
  type Expr,
  type I32,
  INTEGER_LANES,
  i32,
  i64,
  select,
  type V128,
  type ValType,
} from '../../wasm/index.ts';
import type { InstructionDefinition } from '../define.ts';
import { onGroups } from './define.ts';
import { VU_PLAIN, VV_PLAIN } from './formats.ts';
import type { ElementGroup, GroupOperands, GroupsShape } from './shapes.ts';

const { i8x16, i32x4, i64x2 } = INTEGER_LANES;
const FOUR = [0, 1, 2, 3] as const;

/** Numbers of one width, and the functions of SHA-2 on them. */
interface Words<T extends ValType> {
  add(a: Expr<T>, b: Expr<T>): Expr<T>;
  and(a: Expr<T>, b: Expr<T>): Expr<T>;
  xor(a: Expr<T>, b: Expr<T>): Expr<T>;
  rotr(a: Expr<T>, by: Expr<T>): Expr<T>;
  shr_u(a: Expr<T>, by: Expr<T>): Expr<T>;
  const(value: number): Expr<T>;
  /** The four words of a group, and a group of four. */
  take(group: ElementGroup): Expr<T>[];
  group(words: readonly Expr<T>[]): ElementGroup;
  /** Rotations to the right, and of the small sigmas a shift behind them (FIPS 180-4, 4.1.2 and 4.1.3). */
  readonly functions: Readonly<Record<'sum0' | 'sum1' | 'sigma0' | 'sigma1', readonly number[]>>;
}

const fourWords = (group: V128): I32[] => FOUR.map((lane) => i32x4.extract(group, lane));

function groupOfWords(words: readonly I32[]): V128 {
  return words.reduce((all, word, lane) => i32x4.replace(all, FOUR[lane], word), i32x4.splat(words[0]));
}

const SHA256: Words<'i32'> = {
  ...i32,
  take: ([group]) => fourWords(group),
  group: (words) => [groupOfWords(words)],
  functions: { sum0: [2, 13, 22], sum1: [6, 11, 25], sigma0: [7, 18, 3], sigma1: [17, 19, 10] },
};

const SHA512: Words<'i64'> = {
  ...i64,
  take: (halves) => halves.flatMap((half) => [i64x2.extract(half, 0), i64x2.extract(half, 1)]),
  group: (words) => [
    i64x2.replace(i64x2.splat(words[0]), 1, words[1]),
    i64x2.replace(i64x2.splat(words[2]), 1, words[3]),
  ],
  functions: { sum0: [28, 34, 39], sum1: [14, 18, 41], sigma0: [1, 8, 7], sigma1: [19, 61, 6] },
};

/** A computation of SHA-2 for words of either width. */
type OfSha2 = <T extends ValType>(operands: GroupOperands, words: Words<T>) => ElementGroup;

const total = <T extends ValType>(words: Words<T>, ...parts: readonly Expr<T>[]): Expr<T> =>
  parts.reduce((sum, part) => words.add(sum, part));

function mixed<T extends ValType>(
  words: Words<T>,
  name: keyof Words<T>['functions'],
  value: Expr<T>,
): Expr<T> {
  const parts = words.functions[name].map((by, index) =>
    (name.startsWith('sigma') && index === 2 ? words.shr_u : words.rotr)(value, words.const(by)),
  );
  return parts.reduce((sum, part) => words.xor(sum, part));
}

/** Two rounds of compression with the two lower or upper words of vs1. */
const compression =
  (first: 0 | 2): OfSha2 =>
  (operands, words) => {
    const named = <T extends ValType>(list: readonly Expr<T>[]): Expr<T>[] =>
      list.map((word) => operands.let(word));
    let [f, e, b, a] = named(words.take(operands.a));
    let [h, g, d, c] = named(words.take(operands.d));
    const message = words.take(operands.b);
    const { and, xor, add } = words;
    for (const index of [first, first + 1]) {
      const choice = xor(and(e, f), and(xor(e, ALL_ONES(words)), g));
      const t1 = operands.let(total(words, h, mixed(words, 'sum1', e), choice, message[index]));
      const majority = xor(and(a, b), xor(and(a, c), and(b, c)));
      const t2 = add(mixed(words, 'sum0', a), majority);
      const [nextE, nextA] = named([add(d, t1), add(t1, t2)]);
      [h, g, f, e, d, c, b, a] = [g, f, e, nextE, c, b, a, nextA];
    }
    return words.group([f, e, b, a]);
  };

const ALL_ONES = <T extends ValType>(words: Words<T>): Expr<T> => words.const(-1);

/** The next four words of the message schedule. */
const schedule: OfSha2 = (operands, words) => {
  const named = (group: ElementGroup) => words.take(group).map((word) => operands.let(word));
  const [w0, w1, w2, w3] = named(operands.d);
  const [w4, w9, w10, w11] = named(operands.a);
  const [w12, , w14, w15] = named(operands.b);
  const next = (two: typeof w0, seven: typeof w0, fifteen: typeof w0, sixteen: typeof w0) =>
    operands.let(total(words, mixed(words, 'sigma1', two), seven, mixed(words, 'sigma0', fifteen), sixteen));
  const w16 = next(w14, w9, w1, w0);
  const w17 = next(w15, w10, w2, w1);
  const w18 = next(w16, w11, w3, w2);
  return words.group([w16, w17, w18, next(w17, w12, w4, w3)]);
};

function sha2(name: string, funct6: number, compute: OfSha2): InstructionDefinition {
  const shape: GroupsShape = {
    kind: 'groups',
    size: 4,
    ...{ hasVs1: true, scalar: false, disjoint: ['rs1', 'rs2'], wide: 'zvknhb' },
    compute: (operands) => (operands.sew === 64 ? compute(operands, SHA512) : compute(operands, SHA256)),
  };
  return onGroups([name, 'zvknha', VV_PLAIN, funct6], shape);
}

/** The bytes of each word in reverse: SM3 has its words with the uppermost byte first. */
function swapped(words: V128): V128 {
  return i8x16.shuffle(
    words,
    words,
    Array.from({ length: 16 }, (_, byte) => byte ^ 3),
  );
}

const eightWords = ({ let: named }: GroupOperands, group: ElementGroup): I32[] =>
  group.flatMap((half) => fourWords(named(swapped(half)))).map((word) => named(word));

const groupOfEight = ({ let: named }: GroupOperands, words: readonly I32[]): ElementGroup => [
  swapped(named(groupOfWords(words.slice(0, 4)))),
  swapped(named(groupOfWords(words.slice(4)))),
];

const rotated = (word: I32, by: number): I32 => i32.rotl(word, i32.const(by));
const sum = (...parts: readonly I32[]): I32 => parts.reduce((all, part) => i32.add(all, part));
const parity = (...parts: readonly I32[]): I32 => parts.reduce((all, part) => i32.xor(all, part));
/** P0 and P1 (GB/T 32905-2016, 4.4), of a named word. */
const permuted = (word: I32, first: number, second: number): I32 =>
  parity(word, rotated(word, first), rotated(word, second));

/** The next eight words of SM3's message. */
const expansion: GroupsShape['compute'] = (operands) => {
  const { let: named } = operands;
  const words = [...eightWords(operands, operands.b), ...eightWords(operands, operands.a)];
  for (let index = 0; index < 8; index++) {
    const inner = named(parity(words[index], words[index + 7], rotated(words[index + 13], 15)));
    const others = parity(rotated(words[index + 3], 7), words[index + 10]);
    words.push(named(parity(permuted(inner, 15, 23), others)));
  }
  return groupOfEight(operands, words.slice(16));
};

/** Two rounds of SM3; the immediate is half the number of the first one. */
const sm3Compression: GroupsShape['compute'] = (operands) => {
  const { let: named, imm } = operands;
  let [a, b, c, d, e, f, g, h] = eightWords(operands, operands.d);
  const message = eightWords(operands, operands.a);
  const isEarly = named(i32.lt_u(imm, i32.const(8)));
  const constant = select(isEarly, i32.const(0x79cc4519), i32.const(0x7a879d8a));
  for (const round of [0, 1]) {
    const number = i32.add(i32.shl(imm, i32.const(1)), i32.const(round));
    const a12 = named(rotated(a, 12));
    const ss1 = named(rotated(sum(a12, e, i32.rotl(constant, number)), 7));
    const majority = i32.or(i32.and(a, b), i32.or(i32.and(a, c), i32.and(b, c)));
    const choice = i32.or(i32.and(e, f), i32.and(i32.xor(e, i32.const(-1)), g));
    const ff = select(isEarly, parity(a, b, c), majority);
    const gg = select(isEarly, parity(e, f, g), choice);
    const [w, later] = [message[round], message[round + 4]];
    const tt1 = named(sum(ff, d, i32.xor(ss1, a12), i32.xor(w, later)));
    const tt2 = named(sum(gg, h, ss1, w));
    const [nextC, nextG, nextE] = [rotated(b, 9), rotated(f, 19), permuted(tt2, 9, 17)].map((word) =>
      named(word),
    );
    [h, g, f, e, d, c, b, a] = [g, nextG, e, nextE, c, nextC, a, tt1];
  }
  return groupOfEight(operands, [a, b, c, d, e, f, g, h]);
};

const sm3 = { kind: 'groups', size: 8, scalar: false, disjoint: ['rs2'] } as const;

/** Zvknha and Zvknhb (FIPS 180-4), and Zvksh (GB/T 32905-2016), on element groups. */
export const hashInstructions: readonly InstructionDefinition[] = [
  sha2('vsha2ms.vv', 0b101101, schedule),
  sha2('vsha2ch.vv', 0b101110, compression(2)),
  sha2('vsha2cl.vv', 0b101111, compression(0)),
  onGroups(['vsm3me.vv', 'zvksh', VV_PLAIN, 0b100000], { ...sm3, hasVs1: true, compute: expansion }),
  onGroups(['vsm3c.vi', 'zvksh', VU_PLAIN, 0b101011], { ...sm3, hasVs1: false, compute: sm3Compression }),
];
