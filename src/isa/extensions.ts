import type { Xlen } from './semantics.ts';

/**
 * Profiles of application processors (RVA Profiles 1.0, RVA23 1.0), by the name of their supervisor part. What is
 * mandatory in it includes the unprivileged part.
 */
export type Profile = 'rva22s64' | 'rva23s64';

/** Facts about an extension besides its instructions. */
interface ExtensionFact<Name extends string> {
  /** Its contents in a few words, for tables. */
  readonly brings: string;
  /** Extensions without which it cannot be. */
  readonly needs?: readonly Name[];
  /** Width of the harts that can have it; both unless given. */
  readonly xlen?: Xlen;
  /** The first profile that demands it; those behind it do, too. */
  readonly since?: Profile;
  /** Every hart has it that has its needs: it is not turned off by itself. */
  readonly fixed?: true;
  /** Only software of bare machines has it; guests of the hypervisor do not. */
  readonly only?: 'bare';
  /** It is not complete, or new: harts have it where somebody asks for it. */
  readonly onDemand?: true;
}

/**
 * The extensions of our harts, in the canonical order of ISA strings. Decoder, CSRs, device trees, `--cpu` and the
 * table in `docs/cpu.md` follow from this list, so that no guest finds less than it is told, and firmware, which closes
 * all features that it does not find here, opens all of ours.
 */
const FACTS = {
  i: { brings: 'base integer instructions', since: 'rva22s64', fixed: true },
  m: { brings: 'multiplication and division', since: 'rva22s64' },
  a: { brings: 'atomic instructions', since: 'rva22s64' },
  f: { brings: 'single-precision floating point', needs: ['zicsr'], since: 'rva22s64' },
  d: { brings: 'double-precision floating point', needs: ['f'], since: 'rva22s64' },
  c: { brings: 'compressed instructions', since: 'rva22s64', fixed: true },
  v: { brings: 'vectors', needs: ['d'], xlen: 64, since: 'rva23s64', onDemand: true },
  h: { brings: 'hypervisor mode', since: 'rva23s64', only: 'bare' },
  zic64b: { brings: 'promise: cache blocks have 64 bytes', since: 'rva22s64', fixed: true },
  zicbom: { brings: 'cache blocks: clean, flush, invalidate', since: 'rva22s64' },
  zicbop: { brings: 'cache blocks: prefetches, which do nothing', since: 'rva22s64' },
  zicboz: { brings: 'cache blocks: zero', since: 'rva22s64' },
  ziccamoa: { brings: 'promise: all atomics in RAM', needs: ['a'], since: 'rva22s64', fixed: true },
  ziccif: { brings: 'promise: instructions are fetched whole', since: 'rva22s64', fixed: true },
  zicclsm: { brings: 'promise: misaligned loads and stores in RAM', since: 'rva22s64', fixed: true },
  ziccrse: { brings: 'promise: LR and SC succeed at last', needs: ['a'], since: 'rva22s64', fixed: true },
  zicntr: { brings: 'cycle, time and instret', needs: ['zicsr'], since: 'rva22s64', fixed: true },
  zicond: { brings: 'a value or 0, by a condition', since: 'rva23s64' },
  zicsr: { brings: 'control and status registers', since: 'rva22s64', fixed: true },
  zifencei: { brings: 'fence.i', since: 'rva22s64' },
  zihintntl: { brings: 'hints about locality, which do nothing', since: 'rva23s64' },
  zihintpause: { brings: 'pause', since: 'rva22s64' },
  zihpm: {
    brings: 'counters of events: cycles and instructions',
    needs: ['zicsr'],
    since: 'rva22s64',
    only: 'bare',
  },
  zimop: { brings: 'instructions for extensions to come', since: 'rva23s64' },
  za64rs: {
    brings: 'promise: reservations of 64 bytes at most',
    needs: ['a'],
    since: 'rva22s64',
    fixed: true,
  },
  zabha: { brings: 'atomic instructions on 8 and 16 bits', needs: ['a'] },
  zacas: { brings: 'compare-and-swap', needs: ['a'], onDemand: true },
  zawrs: { brings: 'waiting for a store', needs: ['a'], since: 'rva23s64' },
  zfa: { brings: 'floating point: constants, rounding, quiet comparisons', needs: ['f'], since: 'rva23s64' },
  zfh: { brings: 'half-precision floating point', needs: ['zfhmin'] },
  zfhmin: { brings: 'half precision: loads, stores, conversions', needs: ['f'], since: 'rva22s64' },
  zcb: { brings: 'more compressed instructions', needs: ['c'], since: 'rva23s64' },
  zcmop: { brings: 'compressed instructions for extensions to come', needs: ['c'], since: 'rva23s64' },
  zba: { brings: 'bits: addresses', since: 'rva22s64' },
  zbb: { brings: 'bits: counts, minima, rotations', since: 'rva22s64' },
  zbc: { brings: 'products without carries' },
  zbkb: { brings: 'bits for cryptography' },
  zbkc: { brings: 'products without carries, for cryptography' },
  zbkx: { brings: 'permutations by tables in registers' },
  zbs: { brings: 'bits: single ones', since: 'rva22s64' },
  zkn: {
    brings: 'promise: all scalar cryptography of NIST',
    needs: ['zbkb', 'zbkc', 'zbkx', 'zknd', 'zkne', 'zknh'],
    fixed: true,
  },
  zknd: { brings: 'rounds of AES: decryption' },
  zkne: { brings: 'rounds of AES: encryption' },
  zknh: { brings: 'sums and sigmas of SHA-2' },
  zks: {
    brings: 'promise: all scalar cryptography of ShangMi',
    needs: ['zbkb', 'zbkc', 'zbkx', 'zksed', 'zksh'],
    fixed: true,
  },
  zksed: { brings: 'rounds of SM4' },
  zksh: { brings: 'permutations of SM3' },
  zkt: { brings: 'time that depends on no data, as far as the host keeps it', since: 'rva22s64' },
  zvbb: { brings: 'vectors: bits', needs: ['zvkb'], xlen: 64, since: 'rva23s64', onDemand: true },
  zvbc: { brings: 'vectors: products without carries', needs: ['v'], xlen: 64, onDemand: true },
  zve32f: { brings: 'vectors: single precision', needs: ['v'], xlen: 64, fixed: true },
  zve32x: { brings: 'vectors: integers of up to 32 bits', needs: ['v'], xlen: 64, fixed: true },
  zve64d: { brings: 'vectors: double precision', needs: ['v'], xlen: 64, fixed: true },
  zve64f: { brings: 'vectors: integers of 64 bits, single precision', needs: ['v'], xlen: 64, fixed: true },
  zve64x: { brings: 'vectors: integers of up to 64 bits', needs: ['v'], xlen: 64, fixed: true },
  zvfh: {
    brings: 'vectors: half precision',
    needs: ['zvfhmin', 'zfhmin'],
    xlen: 64,
    onDemand: true,
  },
  zvfhmin: {
    brings: 'vectors: conversions of half precision',
    needs: ['v'],
    xlen: 64,
    since: 'rva23s64',
    onDemand: true,
  },
  zvkb: { brings: 'vectors: bits for cryptography', needs: ['v'], xlen: 64, onDemand: true },
  zvkg: { brings: 'vectors: products of GHASH', needs: ['v'], xlen: 64, onDemand: true },
  zvkn: {
    brings: 'promise: all cryptography of NIST by vectors',
    needs: ['zvkb', 'zvkned', 'zvknhb', 'zvkt'],
    xlen: 64,
    fixed: true,
  },
  zvknc: {
    brings: 'promise: Zvkn, and products without carries',
    needs: ['zvkn', 'zvbc'],
    xlen: 64,
    fixed: true,
  },
  zvkned: { brings: 'vectors: rounds of AES', needs: ['v'], xlen: 64, onDemand: true },
  zvkng: { brings: 'promise: Zvkn, and products of GHASH', needs: ['zvkn', 'zvkg'], xlen: 64, fixed: true },
  zvknha: { brings: 'vectors: rounds of SHA-256', needs: ['v'], xlen: 64, onDemand: true },
  zvknhb: { brings: 'vectors: rounds of SHA-512', needs: ['zvknha'], xlen: 64, onDemand: true },
  zvks: {
    brings: 'promise: all cryptography of ShangMi by vectors',
    needs: ['zvkb', 'zvksed', 'zvksh', 'zvkt'],
    xlen: 64,
    fixed: true,
  },
  zvksc: {
    brings: 'promise: Zvks, and products without carries',
    needs: ['zvks', 'zvbc'],
    xlen: 64,
    fixed: true,
  },
  zvksed: { brings: 'vectors: rounds of SM4', needs: ['v'], xlen: 64, onDemand: true },
  zvksg: { brings: 'promise: Zvks, and products of GHASH', needs: ['zvks', 'zvkg'], xlen: 64, fixed: true },
  zvksh: { brings: 'vectors: rounds of SM3', needs: ['v'], xlen: 64, onDemand: true },
  zvkt: {
    brings: 'promise: time of vectors depends on no data, as zkt',
    needs: ['v'],
    xlen: 64,
    since: 'rva23s64',
    onDemand: true,
  },
  zvl1024b: { brings: 'vectors of 1024 bits', needs: ['zvl512b'], xlen: 64, onDemand: true },
  zvl128b: { brings: 'vectors of 128 bits and more', needs: ['v'], xlen: 64, onDemand: true },
  zvl256b: { brings: 'vectors of 256 bits and more', needs: ['zvl128b'], xlen: 64, onDemand: true },
  zvl512b: { brings: 'vectors of 512 bits and more', needs: ['zvl256b'], xlen: 64, onDemand: true },
  shcounterenw: {
    brings: 'promise: hcounteren can be written',
    needs: ['h'],
    since: 'rva23s64',
    only: 'bare',
    fixed: true,
  },
  shgatpa: {
    brings: 'promise: hgatp has the modes of satp',
    needs: ['h'],
    since: 'rva23s64',
    only: 'bare',
    fixed: true,
  },
  shtvala: {
    brings: 'promise: htval has the address',
    needs: ['h'],
    since: 'rva23s64',
    only: 'bare',
    fixed: true,
  },
  shvsatpa: {
    brings: 'promise: vsatp has the modes of satp',
    needs: ['h'],
    since: 'rva23s64',
    only: 'bare',
    fixed: true,
  },
  shvstvala: {
    brings: 'promise: vstval as stval',
    needs: ['h'],
    since: 'rva23s64',
    only: 'bare',
    fixed: true,
  },
  shvstvecd: {
    brings: 'promise: vstvec as stvec',
    needs: ['h'],
    since: 'rva23s64',
    only: 'bare',
    fixed: true,
  },
  smnpm: {
    brings: 'pointer masking in S-mode, as M-mode chooses',
    needs: ['zicsr'],
    xlen: 64,
    only: 'bare',
  },
  smstateen: { brings: 'M-mode opens state to lower modes', needs: ['zicsr'], only: 'bare', onDemand: true },
  ssccptr: { brings: 'promise: page tables can be in all of RAM', since: 'rva22s64', fixed: true },
  sscofpmf: {
    brings: 'overflows of counters, and modes to count in',
    needs: ['zihpm'],
    since: 'rva23s64',
    only: 'bare',
  },
  sscounterenw: { brings: 'promise: scounteren can be written', since: 'rva22s64', fixed: true },
  ssnpm: { brings: 'pointer masking in U-mode and in guests', needs: ['zicsr'], xlen: 64, since: 'rva23s64' },
  ssstateen: {
    brings: 'S-mode opens state to U-mode and guests',
    needs: ['smstateen'],
    since: 'rva23s64',
    onDemand: true,
  },
  sstc: { brings: 'timer of S-mode', since: 'rva23s64' },
  sstvala: { brings: 'promise: stval has the address or the encoding', since: 'rva22s64', fixed: true },
  sstvecd: { brings: 'promise: stvec takes any address in direct mode', since: 'rva22s64', fixed: true },
  ssu64xl: { brings: 'promise: U-mode has 64 bits', xlen: 64, since: 'rva23s64', fixed: true },
  supm: {
    brings: 'promise: programs can have pointer masking',
    needs: ['ssnpm'],
    xlen: 64,
    since: 'rva23s64',
    fixed: true,
  },
  svadu: { brings: 'hardware sets A and D bits where ADUE says so' },
  svinval: { brings: 'fences of translation in parts', since: 'rva22s64' },
  svnapot: { brings: 'pages of 64 KiB', xlen: 64, since: 'rva23s64', fixed: true },
  svpbmt: { brings: 'memory types in page tables', xlen: 64, since: 'rva22s64' },
} as const satisfies Readonly<Record<string, ExtensionFact<string>>>;

/** An extension that our harts can have, spelt as in ISA strings. */
export type Extension = keyof typeof FACTS;

/** Facts of each extension, in canonical order. */
export const EXTENSIONS: Readonly<Record<Extension, ExtensionFact<Extension>>> = FACTS;

/** VLEN by the extension that demands so much at least: harts have no more than the largest of theirs. */
export const VLEN_OF = {
  zvl128b: 128,
  zvl256b: 256,
  zvl512b: 512,
  zvl1024b: 1024,
} as const satisfies Partial<Record<Extension, number>>;

/** VLEN of harts with some extensions in bits; 0 without vectors. */
export function vlenOf(extensions: Iterable<Extension>): number {
  let vlen = 0;
  for (const name of extensions) {
    if (name === 'v') vlen = Math.max(vlen, VLEN_OF.zvl128b);
    else if (name in VLEN_OF) vlen = Math.max(vlen, VLEN_OF[name as keyof typeof VLEN_OF]);
  }
  return vlen;
}

/** All extensions in canonical order. */
export const EXTENSION_NAMES: readonly Extension[] = Object.keys(FACTS).filter(isExtension);

export function isExtension(name: string): name is Extension {
  return Object.hasOwn(FACTS, name);
}

const PROFILES: readonly Profile[] = ['rva22s64', 'rva23s64'];

/** Whether a profile demands what another one brought, or nobody (undefined). */
export function demands(profile: Profile, since: Profile | undefined): boolean {
  return since !== undefined && PROFILES.indexOf(since) <= PROFILES.indexOf(profile);
}
