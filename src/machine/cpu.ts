import { InputError } from '../errors/input-error.ts';
import {
  demands,
  EXTENSION_NAMES,
  EXTENSIONS,
  type Extension,
  isExtension,
  type Profile,
  VLEN_OF,
} from '../isa/extensions.ts';
import type { Xlen } from '../isa/index.ts';
import { allExtensions, possibleExtensions } from './extensions.ts';

export type { Xlen };

/** Properties of the harts of a machine. */
export interface Cpu {
  /** Width of registers and addresses. */
  readonly xlen: Xlen;
  /** The extensions for the software, in canonical order. */
  readonly extensions: readonly Extension[];
}

/** The harts of a configuration, which leaves out the defaults. */
export function cpuOf({ xlen = 64, extensions = allExtensions(xlen) }: Partial<Cpu>): Cpu {
  return { xlen, extensions };
}

/** Harts by their names, which are QEMU's: all that there is of a width, or all that a profile demands and no more. */
const MODELS = { rv32: 32, rv64: 64, rva22s64: 64, rva23s64: 64 } as const satisfies Readonly<
  Record<string, Xlen>
>;

export const CPU_NAMES: readonly string[] = Object.keys(MODELS);

export const DEFAULT_CPU = 'rv64';

/** QEMU's words for truth. */
const TRUTHS: Readonly<Record<string, boolean>> = {
  ...{ on: true, true: true, yes: true, y: true },
  ...{ off: false, false: false, no: false, n: false },
};

/**
 * Reads the words that choose harts, as QEMU takes them: a name, then extensions to have or to leave out, such as
 * `rv64,zba=false` or `rva22s64,sstc=true`. The needs of an extension come with it; one that needs another that is left
 * out goes.
 *
 * @param option its name for people, such as `--cpu`
 * @throws InputError with the possible values
 */
export function readCpu(words: string = DEFAULT_CPU, option = '--cpu'): Cpu {
  const [name = '', ...properties] = words.split(',');
  const complain = (why: string): never => {
    throw new InputError(`${option} ${words}: ${why}`);
  };
  if (!isModel(name)) return complain(`there are no such harts; there are ${CPU_NAMES.join(', ')}.`);
  const xlen: Xlen = MODELS[name];
  const wishes = new Map(properties.map((property) => wishOf(property, xlen, complain)));
  const chosen = new Set(modelExtensions(name));
  const asked = EXTENSION_NAMES.filter((each) => wishes.get(each) === true);
  const unwanted = EXTENSION_NAMES.filter((each) => wishes.get(each) === false);
  for (const each of asked) addWithNeeds(chosen, each);
  if (chosen.has('v') && !asked.some((each) => each in VLEN_OF)) addWithNeeds(chosen, USUAL_LENGTH);
  for (const each of withFixed(chosen, xlen)) chosen.add(each);
  for (const each of unwanted) leaveOut(chosen, each);
  for (const each of asked.filter((each) => !chosen.has(each)))
    complain(`${each} needs ${needsOf(each).find((need) => unwanted.includes(need))}, which is left out.`);
  return { xlen, extensions: EXTENSION_NAMES.filter((each) => chosen.has(each)) };
}

function isModel(name: string): name is keyof typeof MODELS {
  return Object.hasOwn(MODELS, name);
}

function isProfile(name: keyof typeof MODELS): name is Profile {
  return name.startsWith('rva');
}

function modelExtensions(name: keyof typeof MODELS): readonly Extension[] {
  if (!isProfile(name)) return allExtensions(MODELS[name]);
  const chosen = new Set<Extension>();
  const demanded = possibleExtensions(MODELS[name]).filter((each) => demands(name, EXTENSIONS[each].since));
  for (const each of demanded.filter((each) => EXTENSIONS[each].fixed !== true)) addWithNeeds(chosen, each);
  return [...chosen, ...withFixed(chosen, MODELS[name])];
}

type Complain = (why: string) => never;

/** The length of vectors if nobody says anything else: 256 bits. */
const USUAL_LENGTH: Extension = 'zvl256b';

/** QEMU's word for the length of vectors. */
function lengthOf(value: string, complain: Complain): string {
  const name = `zvl${value}b`;
  if (name in VLEN_OF) return name;
  return complain(`vlen is one of ${Object.values(VLEN_OF).join(', ')}, not ${value}.`);
}

/** A wish for an extension, or against one, which may be one that harts do not have anyway. */
function wishOf(property: string, xlen: Xlen, complain: Complain): [name: string, wanted: boolean] {
  const [, word, said] = /^([a-z][a-z0-9]*)=(\w+)$/.exec(property) ?? [];
  const isLength = word === 'vlen' && said !== undefined;
  const name = isLength ? lengthOf(said, complain) : word;
  const value = isLength ? 'true' : said;
  const wanted = value === undefined ? undefined : TRUTHS[value];
  if (name === undefined || wanted === undefined)
    return complain(`"${property}" is no choice of an extension: write for example zba=false.`);
  if (isExtension(name)) {
    const { fixed, xlen: only = xlen } = EXTENSIONS[name];
    if (wanted && only !== xlen) return complain(`${name} is for harts of ${only} bits.`);
    if (!wanted && fixed === true) return complain(`${name} cannot be left out.`);
  } else {
    return complain(`there is no extension ${name} here; there are ${possibleExtensions(xlen).join(', ')}.`);
  }
  return [name, wanted];
}

function needsOf(name: Extension): readonly Extension[] {
  return (EXTENSIONS[name].needs ?? []).flatMap((each) => [each, ...needsOf(each)]);
}

function addWithNeeds(chosen: Set<Extension>, name: Extension): void {
  for (const each of [name, ...needsOf(name)]) chosen.add(each);
}

/** Adds the extensions that come with those that are there. */
function withFixed(chosen: ReadonlySet<Extension>, xlen: Xlen): readonly Extension[] {
  return possibleExtensions(xlen).filter(
    (name) => EXTENSIONS[name].fixed === true && needsOf(name).every((need) => chosen.has(need)),
  );
}

function leaveOut(chosen: Set<Extension>, name: Extension): void {
  for (const each of [...chosen]) if (each === name || needsOf(each).includes(name)) chosen.delete(each);
}
