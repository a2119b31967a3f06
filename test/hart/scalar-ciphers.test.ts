import { describe, expect, test } from 'vitest';
import type { Xlen } from '../../src/isa/index.ts';
import { FINISH, HartBed, RAM } from './hart-bed.ts';

/** Where programs find their input (32 bytes) and key, and leave their output. */
const DATA = RAM + 0x4_0000;
const KEY = DATA + 0x40;
const OUTPUT = DATA + 0x80;
/** Round keys. */
const KEYS = DATA + 0x400;
const TURNS = 10_000;

const steps = <T>(count: number, step: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => step(index));
const lines = (count: number, step: (index: number) => string): string => steps(count, step).join('\n');
const bytesOf = (hexadecimal: string): Uint8Array => Buffer.from(hexadecimal, 'hex');

const EXTENSIONS = ['zbkb', 'zkne', 'zknd', 'zksed', 'zksh'] as const;

/** The output of a program for an input and a key. */
function output(xlen: Xlen, code: string, input: string, key: string, bytes: number): string {
  const bed = new HartBed({ xlen, extensions: EXTENSIONS });
  bed.load(`li gp, ${DATA}\n${code}\n${FINISH}`);
  bed.bytes.set(bytesOf(input), bed.hostOf(DATA));
  bed.bytes.set(bytesOf(key), bed.hostOf(KEY));
  bed.finish(100_000);
  const at = bed.hostOf(OUTPUT);
  return Buffer.from(bed.bytes.slice(at, at + bytes)).toString('hex');
}

const place = (address: number): string => `${address - DATA}(gp)`;

/** AES on halves of the state; round keys are those of the key that has `words` words. */
function aes64(words: 4 | 8, decrypts: boolean): string {
  const rounds = words + 6;
  const [a, b, c, d] = ['t0', 't1', 't2', 't3'];
  const store = (half: number, register: string): string => `sd ${register}, ${place(KEYS + 8 * half)}`;
  const expand = (round: number): string =>
    words === 4
      ? `aes64ks1i a0, ${b}, ${round}; aes64ks2 ${a}, a0, ${a}; aes64ks2 ${b}, ${a}, ${b}
         ${store(2 * round + 2, a)}; ${store(2 * round + 3, b)}`
      : `aes64ks1i a0, ${d}, ${round}; aes64ks2 ${a}, a0, ${a}; aes64ks2 ${b}, ${a}, ${b}
         aes64ks1i a0, ${b}, 10; aes64ks2 ${c}, a0, ${c}; aes64ks2 ${d}, ${c}, ${d}
         ${[a, b, c, d].map((register, at) => store(4 * round + 4 + at, register)).join('\n')}`;
  const load = [a, b, c, d]
    .slice(0, words / 2)
    .map((register, half) => `ld ${register}, ${place(KEY + 8 * half)}; ${store(half, register)}`);
  const add = (round: number): string =>
    [0, 1]
      .map((half) => `ld a0, ${place(KEYS + 16 * round + 8 * half)}; xor s${half}, s${half}, a0`)
      .join('\n');
  const round = (name: string): string => `${name} a0, s0, s1; ${name} s1, s1, s0; mv s0, a0`;
  const forward = `
    ${add(0)}
    ${lines(rounds - 1, (index) => `${round('aes64esm')}\n${add(index + 1)}`)}
    ${round('aes64es')}; ${add(rounds)}`;
  // The equivalent inverse cipher, whose keys in between have been through InvMixColumns.
  const unmix = (half: number): string =>
    `ld a0, ${place(KEYS + 16 + 8 * half)}; aes64im a0, a0; sd a0, ${place(KEYS + 16 + 8 * half)}`;
  const back = `
    ${lines(2 * rounds - 2, unmix)}
    ${add(rounds)}
    ${lines(rounds - 1, (index) => `${round('aes64dsm')}\n${add(rounds - 1 - index)}`)}
    ${round('aes64ds')}; ${add(0)}`;
  return `
    ${load.join('\n')}
    ${lines(words === 4 ? 10 : 7, expand)}
    ld s0, ${place(DATA)}; ld s1, ${place(DATA + 8)}
    ${decrypts ? back : forward}
    sd s0, ${place(OUTPUT)}; sd s1, ${place(OUTPUT + 8)}`;
}

/** AES on columns: each byte of the state adds to a column of the next one. */
function aes32(words: 4 | 8, decrypts: boolean): string {
  const rounds = words + 6;
  const key = (word: number): string => place(KEYS + 4 * word);
  const constants = [1, 2, 4, 8, 16, 32, 64, 128, 0x1b, 0x36];
  const boxed = (word: string): string => lines(4, (byte) => `aes32esi a0, a0, ${word}, ${byte}`);
  const expand = (index: number): string => {
    const word = index + words;
    const isFirst = word % words === 0;
    const change = isFirst
      ? `rori a1, a1, 8; xori a0, a0, ${constants[word / words - 1]}; ${boxed('a1')}`
      : words === 8 && word % 4 === 0
        ? boxed('a1')
        : 'xor a0, a0, a1';
    return `lw a0, ${key(word - words)}; lw a1, ${key(word - 1)}; ${change}; sw a0, ${key(word)}`;
  };
  const round = (name: string, number: number): string => `
    ${lines(4, (column) => `lw a${column}, ${key(4 * number + column)}`)}
    ${lines(16, (at) => {
      const from = (at >> 2) + (decrypts ? -1 : 1) * (at & 3);
      return `${name} a${at >> 2}, a${at >> 2}, s${from & 3}, ${at & 3}`;
    })}
    ${lines(4, (column) => `mv s${column}, a${column}`)}`;
  const whiten = (number: number): string =>
    lines(4, (column) => `lw a0, ${key(4 * number + column)}; xor s${column}, s${column}, a0`);
  // InvMixColumns of a word: back through the S-box, forth through it.
  const unmix = (index: number): string => `
    lw a1, ${key(index + 4)}; li a0, 0
    ${boxed('a1')}
    mv a1, a0; li a0, 0
    ${lines(4, (byte) => `aes32dsmi a0, a0, a1, ${byte}`)}
    sw a0, ${key(index + 4)}`;
  const forward = `
    ${whiten(0)}
    ${lines(rounds - 1, (index) => round('aes32esmi', index + 1))}
    ${round('aes32esi', rounds)}`;
  const back = `
    ${lines(4 * (rounds - 1), unmix)}
    ${whiten(rounds)}
    ${lines(rounds - 1, (index) => round('aes32dsmi', rounds - 1 - index))}
    ${round('aes32dsi', 0)}`;
  return `
    ${lines(words, (word) => `lw a0, ${place(KEY + 4 * word)}; sw a0, ${key(word)}`)}
    ${lines(4 * rounds + 4 - words, expand)}
    ${lines(4, (column) => `lw s${column}, ${place(DATA + 4 * column)}`)}
    ${decrypts ? back : forward}
    ${lines(4, (column) => `sw s${column}, ${place(OUTPUT + 4 * column)}`)}`;
}

/** SM4 on words, whose bytes are in the order of memory; decryption takes the keys from the last one on. */
function sm4(decrypts: boolean): string {
  const parameters = ['c6bab1a3', '5033aa56', '97917d67', 'dc2270b2'];
  const constant = (round: number): number =>
    steps(4, (byte) => (((28 * round + 7 * byte) & 0xff) << (8 * byte)) >>> 0).reduce((a, b) => a | b);
  const turn = (name: string, round: number, other: string): string => {
    const [first, ...others] = steps(4, (index) => `s${(round + index) % 4}`);
    return `
      ${other}
      ${others.map((word) => `xor a0, a0, ${word}`).join('\n')}
      ${lines(4, (byte) => `${name} ${first}, ${first}, a0, ${byte}`)}`;
  };
  const save = (round: number): string => `sw s${round % 4}, ${place(KEYS + 4 * round)}`;
  return `
    ${lines(4, (word) => `lw s${word}, ${place(KEY + 4 * word)}; li a0, 0x${parameters[word]}; xor s${word}, s${word}, a0`)}
    ${lines(32, (round) => `${turn('sm4ks', round, `li a0, ${constant(round) >>> 0}`)}\n${save(round)}`)}
    ${lines(4, (word) => `lw s${word}, ${place(DATA + 4 * word)}`)}
    ${lines(32, (round) => turn('sm4ed', round, `lw a0, ${place(KEYS + 4 * (decrypts ? 31 - round : round))}`))}
    ${lines(4, (word) => `sw s${3 - word}, ${place(OUTPUT + 4 * word)}`)}`;
}

/** SM3 of one block, which the input is. */
function sm3(): string {
  const start = [
    '7380166f',
    '4914b2b9',
    '172442d7',
    'da8a0600',
    'a96f30bc',
    '163138aa',
    'e38dee4d',
    'b0fb0e4e',
  ];
  const [a, b, c, d, e, f, g, h] = steps(8, (index) => `s${index}`);
  const word = (index: number): string => place(KEYS + 4 * index);
  const rotated = (to: string, from: string, by: number): string =>
    `slli t5, ${from}, ${by}; srli t6, ${from}, ${32 - by}; or ${to}, t5, t6`;
  // On RV64 only the lower halves matter, and shifts to the right need the upper ones to be 0.
  const narrow = (register: string): string => `pack ${register}, ${register}, zero`;
  const majority = `and a2, ${a}, ${b}; and a3, ${a}, ${c}; or a2, a2, a3; and a3, ${b}, ${c}; or a2, a2, a3`;
  const choice = `and a3, ${e}, ${f}; andn a4, ${g}, ${e}; or a3, a3, a4`;
  const parity = (to: string, x: string, y: string, z: string): string =>
    `xor ${to}, ${x}, ${y}; xor ${to}, ${to}, ${z}`;
  const round = (index: number): string => {
    const early = index < 16;
    const base = early ? 0x79cc4519n : 0x7a879d8an;
    const by = BigInt(index % 32);
    const constant = BigInt.asUintN(32, (base << by) | (base >> (32n - by)));
    return `
      ${rotated('t0', a, 12)}; ${narrow('t0')}
      add a0, t0, ${e}; li a1, ${constant}; add a0, a0, a1; ${narrow('a0')}
      ${rotated('a0', 'a0', 7)}; ${narrow('a0')}
      xor a1, a0, t0
      ${early ? parity('a2', a, b, c) : majority}
      ${early ? parity('a3', e, f, g) : choice}
      lwu t1, ${word(index)}; lwu t2, ${word(index + 4)}; xor t2, t1, t2
      add a2, a2, ${d}; add a2, a2, a1; add a2, a2, t2; ${narrow('a2')}
      add a3, a3, ${h}; add a3, a3, a0; add a3, a3, t1; ${narrow('a3')}
      mv ${d}, ${c}; ${rotated(c, b, 9)}; ${narrow(c)}; mv ${b}, ${a}; mv ${a}, a2
      mv ${h}, ${g}; ${rotated(g, f, 19)}; ${narrow(g)}; mv ${f}, ${e}
      sm3p0 ${e}, a3; ${narrow(e)}`;
  };
  const expand = (index: number): string => `
    lwu a0, ${word(index)}; lwu a1, ${word(index + 7)}; xor a0, a0, a1
    lwu a1, ${word(index + 13)}; ${rotated('a1', 'a1', 15)}; xor a0, a0, a1
    sm3p1 a0, a0
    lwu a1, ${word(index + 3)}; ${rotated('a1', 'a1', 7)}; xor a0, a0, a1
    lwu a1, ${word(index + 10)}; xor a0, a0, a1; sw a0, ${word(index + 16)}`;
  return `
    ${lines(16, (index) => `lwu a0, ${place(DATA + 4 * index)}; rev8 a0, a0; srli a0, a0, 32; sw a0, ${word(index)}`)}
    ${lines(52, expand)}
    ${lines(8, (index) => `li s${index}, 0x${start[index]}`)}
    ${lines(64, round)}
    ${lines(8, (index) => `li a0, 0x${start[index]}; xor s${index}, s${index}, a0; rev8 a0, s${index}; srli a0, a0, 32; sw a0, ${place(OUTPUT + 4 * index)}`)}`;
}

const PLAIN = '00112233445566778899aabbccddeeff';
const KEY_128 = '000102030405060708090a0b0c0d0e0f';
const KEY_256 = `${KEY_128}101112131415161718191a1b1c1d1e1f`;
/** FIPS 197, C.1 and C.3. */
const AES_VECTORS = [
  { words: 4, key: KEY_128, cipher: '69c4e0d86a7b0430d8cdb78070b4c55a' },
  { words: 8, key: KEY_256, cipher: '8ea2b7ca516745bfeafc49904b496089' },
] as const;

/** GB/T 32907-2016, A.1. */
const SM4_KEY = '0123456789abcdeffedcba9876543210';
const SM4_CIPHER = '681edf34d206965e86b3e94f536e4246';
/** GB/T 32905-2016, A.1: "abc". */
const ABC_BLOCK = `61626380${'00'.repeat(58)}0018`;
const SM3_ABC = '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0';

describe.each([32, 64] as const)('ciphers by scalar instructions of RV%i', (xlen) => {
  test.each(AES_VECTORS)('AES with a key of $words words', ({ words, key, cipher }) => {
    const aes = xlen === 64 ? aes64 : aes32;
    expect(output(xlen, aes(words, false), PLAIN, key, 16)).toBe(cipher);
    expect(output(xlen, aes(words, true), cipher, key, 16)).toBe(PLAIN);
  });

  test('SM4', () => {
    expect(output(xlen, sm4(false), SM4_KEY, SM4_KEY, 16)).toBe(SM4_CIPHER);
    expect(output(xlen, sm4(true), SM4_CIPHER, SM4_KEY, 16)).toBe(SM4_KEY);
  });
});

test('SM3 by scalar instructions', () => {
  expect(output(64, sm3(), ABC_BLOCK, '', 32)).toBe(SM3_ABC);
});

/** Each instruction in a loop, whose results go into s0 and s1. */
const ALL = {
  32: `
    aes32esi s0, s1, s0, 0; aes32esmi s1, s0, s1, 1; aes32dsi s0, s1, s0, 2; aes32dsmi s1, s0, s1, 3
    sm4ed s0, s1, s0, 1; sm4ks s1, s0, s1, 2; sm3p0 t0, s0; sm3p1 t1, s1; xor s0, t0, t1`,
  64: `
    aes64es t0, s0, s1; aes64esm t1, t0, s0; aes64ds s0, s1, t1; aes64dsm s1, t1, s0; aes64im s0, s0
    aes64ks1i t0, s1, 3; aes64ks1i t1, s0, 8; aes64ks1i t2, s1, 10; xor t0, t0, t2; aes64ks2 s0, t0, t1
    sm4ed t0, s1, s0, 1; sm4ks t1, s0, s1, 2; sm3p0 t0, t0; sm3p1 t1, t1; xor s1, t0, t1; add s0, s0, s1`,
} as const;

test.each([32, 64] as const)('instructions of ciphers are compiled on RV%i', (xlen) => {
  const [expected, bed] = (['interp', 'jit'] as const).map((engine) => {
    const hart = new HartBed({ xlen, engine, extensions: EXTENSIONS, compileAfter: 4 });
    hart.load(`
      li s2, ${TURNS}; li s0, 1; li s1, 2
    again:
      ${ALL[xlen]}
      addi s2, s2, -1
      bnez s2, again
      ${FINISH}
    `);
    hart.finish(1_000_000);
    return hart;
  });
  expect([bed.x('s0'), bed.x('s1')]).toEqual([expected.x('s0'), expected.x('s1')]);
  // Nothing of it ends a region.
  expect(bed.hart.regionStatistics?.retired).toBeGreaterThan(0.8 * bed.hart.instructions);
});
