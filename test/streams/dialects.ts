import {
  createDecoder,
  type Decode,
  EXTENSION_NAMES,
  EXTENSIONS,
  type Extension,
  isExtension,
  type Xlen,
} from '../../src/isa/index.ts';

/** Extensions that programs may use: those that all machines have which run them. */
export interface Dialect {
  readonly xlen: Xlen;
  readonly extensions: ReadonlySet<Extension>;
  readonly decode: Decode;
  /** Words for QEMU's `-cpu`. */
  readonly qemuCpu: string;
}

/** Those that QEMU 7.2 (Debian 12) has; counters and translation are not switched on by names there. */
const SINCE_7: readonly Extension[] = [
  ...(['i', 'm', 'a', 'f', 'd', 'c', 'h', 'zicsr', 'zifencei', 'zicntr', 'zihintpause'] as const),
  ...(['zba', 'zbb', 'zbc', 'zbkb', 'zbkc', 'zbkx', 'zbs', 'zihpm', 'svadu', 'svinval'] as const),
  ...(['zfh', 'zfhmin', 'svnapot', 'svpbmt', 'zknd', 'zkne', 'zknh', 'zksed', 'zksh'] as const),
];
const SWITCHES_7 = [
  ...['zba', 'zbb', 'zbc', 'zbkb', 'zbkc', 'zbkx', 'zbs', 'h', 'svinval', 'Zfh', 'Zfhmin'],
  ...['zknd', 'zkne', 'zknh', 'zksed', 'zksh'],
];

/** Those of which programs have no use without an interrupt controller or timer, or that wait. */
const NOT_GENERATED: ReadonlySet<Extension> = new Set<Extension>(['zawrs', 'sstc', 'zicbom', 'zicboz']);

/** Vectors have programs of their own, and state enables close what they guard. */
const isOnDemand = (name: Extension): boolean => EXTENSIONS[name].onDemand === true && name !== 'zacas';

/** `qemu7` for programs that are compared with QEMU 7.2, `newest` for all others. */
export type DialectName = 'qemu7' | 'newest';

const extensionsOf: Readonly<Record<DialectName, readonly Extension[]>> = {
  qemu7: SINCE_7,
  newest: EXTENSION_NAMES.filter((name) => !NOT_GENERATED.has(name) && !isOnDemand(name)),
};

/** Whether a name is a promise about harts, and no switch. */
const isPromise = (name: string): boolean =>
  isExtension(name) && EXTENSIONS[name].brings.startsWith('promise');

function dialect(name: DialectName, xlen: Xlen): Dialect {
  const extensions = new Set(extensionsOf[name].filter((each) => (EXTENSIONS[each].xlen ?? xlen) === xlen));
  const switched: readonly string[] =
    name === 'qemu7' ? SWITCHES_7 : [...extensions].filter((each) => each.length > 1 || each === 'h');
  // Hints are no properties of QEMU's, nor is what every hart has. All that programs do not use is illegal in them.
  const off = name === 'newest' ? [...NOT_GENERATED].map((each) => `${each}=false`) : [];
  const words = switched
    .filter((each) => !/^(zi(csr|cntr|hpm|hint)|zkt)/.test(each) && !isPromise(each))
    .map((each) => `${each}=true`);
  return {
    xlen,
    extensions,
    decode: createDecoder({ extensions, xlen }),
    qemuCpu: [`rv${xlen}`, ...words, ...off].join(','),
  };
}

const dialects: Readonly<Record<DialectName, Readonly<Record<Xlen, Dialect>>>> = {
  qemu7: { 32: dialect('qemu7', 32), 64: dialect('qemu7', 64) },
  newest: { 32: dialect('newest', 32), 64: dialect('newest', 64) },
};

export function dialectOf(name: DialectName, xlen: Xlen): Dialect {
  return dialects[name][xlen];
}
