import { describe, expect, test } from 'vitest';
import { FINISH, HartBed, RAM } from './hart-bed.ts';

/** Where programs find input, other inputs behind it, and leave their output. */
const DATA = RAM + 0x4_0000;
const SECOND = DATA + 0x200;
const OUTPUT = DATA + 0x400;

const EXTENSIONS = ['v', 'zvkb', 'zvkg', 'zvkned', 'zvknha', 'zvknhb', 'zvksed', 'zvksh'] as const;

const lines = (count: number, step: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => step(index)).join('\n');

function bedOf(code: string, inputs: readonly string[], vlen: 128 | 256): HartBed {
  const bed = new HartBed({ extensions: [...EXTENSIONS, `zvl${vlen}b`] });
  bed.load(`
    la t0, trap; csrw mtvec, t0
    li t0, 0x600; csrs mstatus, t0
    li a1, ${DATA}; li a2, ${SECOND}; li a3, ${OUTPUT}
    ${code}
    li a0, -1
    j out
    .balign 4
  trap:
    csrr a0, mcause
  out:
    ${FINISH}
  `);
  for (const [index, input] of inputs.entries()) {
    bed.bytes.set(Buffer.from(input, 'hex'), bed.hostOf(DATA + index * (SECOND - DATA)));
  }
  bed.finish(50_000);
  return bed;
}

/** The output of a program for its inputs. */
function output(code: string, inputs: readonly string[], bytes: number, vlen: 128 | 256 = 256): string {
  const bed = bedOf(code, inputs, vlen);
  expect(bed.x('a0')).toBe(2n ** 64n - 1n);
  const at = bed.hostOf(OUTPUT);
  return Buffer.from(bed.bytes.slice(at, at + bytes)).toString('hex');
}

const PLAIN = '00112233445566778899aabbccddeeff';
const KEY = '000102030405060708090a0b0c0d0e0f';
const UPPER_KEY = '101112131415161718191a1b1c1d1e1f';

const FOUR_WORDS = 'vsetivli x0, 4, e32, m1, ta, ma';

/** AES on four blocks in v2 and v3, with round keys in v10 and on. */
function aes(rounds: 10 | 14, decrypts: boolean): string {
  const key = (round: number): string => `v${10 + round}`;
  const expand =
    rounds === 10
      ? lines(10, (index) => `vaeskf1.vi ${key(index + 1)}, ${key(index)}, ${index + 1}`)
      : `addi a2, a2, 16; vle32.v v11, (a2)
         ${lines(13, (index) => `vmv.v.v ${key(index + 2)}, ${key(index)}; vaeskf2.vi ${key(index + 2)}, ${key(index + 1)}, ${index + 2}`)}`;
  const [middle, last] = decrypts ? ['vaesdm', 'vaesdf'] : ['vaesem', 'vaesef'];
  const at = (round: number): string => key(decrypts ? rounds - round : round);
  return `
    ${FOUR_WORDS}
    vle32.v v10, (a2)
    ${expand}
    vsetivli x0, 16, e32, m2, ta, ma
    vle32.v v2, (a1)
    vaesz.vs v2, ${at(0)}
    ${lines(rounds - 1, (index) => `${middle}.vs v2, ${at(index + 1)}`)}
    ${last}.vs v2, ${at(rounds)}
    vse32.v v2, (a3)`;
}

/** The same block four times, as groups of elements. */
const times4 = (block: string): string => block.repeat(4);

/** Whose roots have the constants of SHA-2 behind their points (FIPS 180-4, 4.2 and 5.3). */
const primes = (count: number): number[] => {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
};

/** The first bits behind the point of a root of a number. */
function fraction(value: number, root: 2n | 3n, bits: bigint): bigint {
  const target = BigInt(value) << (bits * root);
  let result = 0n;
  for (let bit = bits + 5n; bit >= 0n; bit--) {
    const next = result | (1n << bit);
    if (next ** root <= target) result = next;
  }
  return BigInt.asUintN(Number(bits), result);
}

const bytesOfWords = (words: readonly bigint[], bits: number): string =>
  words
    .map((word) => {
      const bytes = Buffer.from(word.toString(16).padStart(bits / 4, '0'), 'hex');
      return bytes.reverse().toString('hex');
    })
    .join('');

/** SHA-2 of one block, whose words are in four groups, the state in two: {a, b, e, f} and {c, d, g, h}. */
function sha2(bits: 32 | 64): string {
  const rounds = bits === 32 ? 64 : 80;
  const group = `e${bits}, ${bits === 32 ? 'm1' : 'm2'}`;
  const r = (index: number): string => `v${bits === 32 ? index : 2 * index}`;
  const step = (bits / 8) * 4;
  const [abef, cdgh, sum, four] = [r(8), r(9), r(10), r(11)];
  const round = (index: number): string => {
    const [w0, w1, w2, w3] = Array.from({ length: 4 }, (_, at) => r(1 + ((index + at) % 4)));
    const next = `vmerge.vvm ${four}, ${w2}, ${w1}, v0; vsha2ms.vv ${w0}, ${four}, ${w3}`;
    return `
      vle${bits}.v ${sum}, (a2); addi a2, a2, ${step}
      vadd.vv ${sum}, ${sum}, ${w0}
      vsha2cl.vv ${cdgh}, ${abef}, ${sum}
      vsha2ch.vv ${abef}, ${cdgh}, ${sum}
      ${index + 4 < rounds / 4 ? next : ''}`;
  };
  return `
    vsetivli x0, 4, ${group}, ta, ma
    vmv.v.i v0, 1
    ${lines(4, (index) => `vle${bits}.v ${r(1 + index)}, (a1); addi a1, a1, ${step}; vrev8.v ${r(1 + index)}, ${r(1 + index)}`)}
    vle${bits}.v ${abef}, (a1); addi a1, a1, ${step}; vle${bits}.v ${cdgh}, (a1)
    vmv.v.v v24, ${abef}; vmv.v.v v26, ${cdgh}
    ${lines(rounds / 4, round)}
    vadd.vv ${abef}, ${abef}, v24; vadd.vv ${cdgh}, ${cdgh}, v26
    vse${bits}.v ${abef}, (a3); addi a3, a3, ${step}; vse${bits}.v ${cdgh}, (a3)`;
}

/** The digest of a state as instructions have it, {f, e, b, a} and {h, g, d, c}. */
function digestOf(state: string, bits: 32 | 64): string {
  const words = Array.from({ length: 8 }, (_, index) =>
    Buffer.from(state.slice((index * bits) / 4, ((index + 1) * bits) / 4), 'hex')
      .reverse()
      .toString('hex'),
  );
  return [3, 2, 7, 6, 1, 0, 5, 4].map((index) => words[index]).join('');
}

/** One block of "abc", the initial state, and the constants of rounds. */
function sha2Inputs(bits: 32 | 64): string[] {
  const block = `61626380${'00'.repeat(bits * 2 - 5)}18`;
  const initial = primes(8).map((prime) => fraction(prime, 2n, BigInt(bits)));
  const state = [5, 4, 1, 0, 7, 6, 3, 2].map((index) => initial[index]);
  const constants = primes(bits === 32 ? 64 : 80).map((prime) => fraction(prime, 3n, BigInt(bits)));
  return [block + bytesOfWords(state, bits), bytesOfWords(constants, bits)];
}

const SHA_256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const SHA_512 =
  'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
  '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f';

/** SM4 keys in v10 to v17, of the key with its words the uppermost byte first. */
function sm4(decrypts: boolean): string {
  const reversed = (index: number): string =>
    `vrgather.vv v9, v${10 + index}, v8; vmv.v.v v${10 + index}, v9`;
  const parameters = [0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc];
  return `
    ${FOUR_WORDS}
    ${parameters.map((word, index) => `li t0, ${word}; sw t0, ${4 * index}(a3)`).join('\n')}
    vle32.v v1, (a2); vrev8.v v1, v1; vle32.v v2, (a3); vxor.vv v1, v1, v2
    vsm4k.vi v10, v1, 0
    ${lines(7, (index) => `vsm4k.vi v${11 + index}, v${10 + index}, ${index + 1}`)}
    vid.v v8; vrsub.vi v8, v8, 3
    ${decrypts ? lines(8, reversed) : ''}
    vle32.v v1, (a1); vrev8.v v1, v1
    ${lines(8, (index) => `vsm4r.vs v1, v${decrypts ? 17 - index : 10 + index}`)}
    vrgather.vv v2, v1, v8; vrev8.v v2, v2
    vse32.v v2, (a3)`;
}

const SM4_KEY = '0123456789abcdeffedcba9876543210';
const SM4_CIPHER = '681edf34d206965e86b3e94f536e4246';
const ABC_BLOCK = `61626380${'00'.repeat(58)}0018`;
const SM3_INITIAL = '7380166f4914b2b9172442d7da8a0600a96f30bc163138aae38dee4db0fb0e4e';
const SM3_ABC = '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0';

/** SM3 of one block: 16 words of its message in v4 and v6, the state in v8. */
const SM3 = `
  vsetivli x0, 8, e32, m2, ta, ma
  vle32.v v4, (a1); addi a1, a1, 32; vle32.v v6, (a1)
  vle32.v v8, (a2); vmv.v.v v10, v8
  ${lines(8, (step) => {
    const [now, then] = step % 2 === 0 ? ['v4', 'v6'] : ['v6', 'v4'];
    // Four words on from the first of the group, some of them of the next group.
    return `
      vslidedown.vi v12, ${now}, 2
      vsm3c.vi v8, ${now}, ${4 * step}; vsm3c.vi v8, v12, ${4 * step + 1}
      vslidedown.vi v14, ${now}, 4; vslideup.vi v14, ${then}, 4
      vslidedown.vi v12, v14, 2
      vsm3c.vi v8, v14, ${4 * step + 2}; vsm3c.vi v8, v12, ${4 * step + 3}
      vsm3me.vv v16, ${then}, ${now}; vmv.v.v ${now}, v16`;
  })}
  vxor.vv v8, v8, v10
  vse32.v v8, (a3)`;

describe('ciphers by vector instructions', () => {
  /** FIPS 197, C.1 and C.3. */
  test.each([
    [10, KEY, '69c4e0d86a7b0430d8cdb78070b4c55a'],
    [14, KEY + UPPER_KEY, '8ea2b7ca516745bfeafc49904b496089'],
  ] as const)('AES with %i rounds', (rounds, key, cipher) => {
    expect(output(aes(rounds, false), [times4(PLAIN), key], 64)).toBe(times4(cipher));
    expect(output(aes(rounds, true), [times4(cipher), key], 64)).toBe(times4(PLAIN));
  });

  /** FIPS 180-4 with the example "abc" of NIST. */
  test.each([
    [32, SHA_256],
    [64, SHA_512],
  ] as const)('SHA-2 on words of %i bits', (bits, digest) => {
    for (const vlen of [128, 256] as const) {
      expect(digestOf(output(sha2(bits), sha2Inputs(bits), bits, vlen), bits)).toBe(digest);
    }
  });

  /** "The Galois/Counter Mode of Operation", test case 2: one block, then the lengths. */
  test('GHASH', () => {
    const subkey = '66e94bd4ef8a2c3b884cfa59ca342b2e';
    const cipher = '0388dace60b6a392f328c2b971b2fe78';
    const lengths = '00000000000000000000000000000080';
    const hash = 'f38cbb1ad69223dcc3457ae5b6b0f885';
    const code = `
      ${FOUR_WORDS}
      vle32.v v1, (a1); vle32.v v2, (a2); addi a1, a1, 16; vle32.v v3, (a1)
      vmv.v.i v4, 0
      vghsh.vv v4, v2, v1; vxor.vv v4, v4, v3; vgmul.vv v4, v2
      vse32.v v4, (a3)`;
    expect(output(code, [cipher + lengths, subkey], 16)).toBe(hash);
  });

  /** GB/T 32907-2016, A.1. */
  test('SM4', () => {
    expect(output(sm4(false), [SM4_KEY, SM4_KEY], 16)).toBe(SM4_CIPHER);
    expect(output(sm4(true), [SM4_CIPHER, SM4_KEY], 16)).toBe(SM4_KEY);
  });

  /** GB/T 32905-2016, A.1. */
  test('SM3', () => {
    for (const vlen of [128, 256] as const) {
      expect(output(SM3, [ABC_BLOCK, SM3_INITIAL], 32, vlen)).toBe(SM3_ABC);
    }
  });
});

test.each([
  ['elements of 8 bits', 'vsetivli x0, 16, e8, m1, ta, ma; vaesem.vv v1, v2'],
  ['elements of 64 bits', 'vsetivli x0, 4, e64, m2, ta, ma; vaesem.vv v2, v4'],
  ['vl that is no multiple of a group', 'vsetivli x0, 3, e32, m1, ta, ma; vaesem.vv v1, v2'],
  ['vl that is half a group', 'vsetivli x0, 4, e32, m2, ta, ma; vsm3me.vv v2, v4, v6'],
  ['vstart within a group', `${FOUR_WORDS}; csrwi vstart, 1; vaesem.vv v1, v2`],
  ['registers too few for a group', 'vsetivli x0, 0, e32, m1, ta, ma; vsm3me.vv v2, v4, v6'],
  ['a key in the state', 'vsetivli x0, 8, e32, m2, ta, ma; vaesem.vs v2, v3'],
  ['a source in the destination', `${FOUR_WORDS}; vsha2ms.vv v2, v4, v2`],
  ['registers that are no group', 'vsetivli x0, 8, e32, m2, ta, ma; vaesem.vv v2, v3'],
  ['a mask', `${FOUR_WORDS}; .word 0xa02120f7 # vaesem.vv v1, v2 with vm = 0`],
])('%s: illegal', (_, code) => {
  const bed = bedOf(code, [], 128);
  expect(bed.x('a0')).toBe(2n);
});
