/** Protocols and scenarios from a module of the person who runs the checker. */
import { InputError } from '../errors/input-error.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import { PROTOCOLS } from '../interrupts/protocols.ts';
import { installAtomics, uninstallAtomics } from './atomics.ts';
import { FIELD_FILES } from './files/kvm-swfile.ts';
import { type FileWay, wayOf } from './files/way.ts';
import { type Scenario, scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

/** The protocols and scenarios of a module. */
export interface Plugin {
  readonly protocols: readonly Protocol[];
  readonly scenarios: readonly Scenario[];
}

const FUNCTIONS = ['set', 'unset', 'sync', 'flush', 'has'] as const;
/** Of a protocol with a way of its own to keep an interrupt file. */
const FILE_FUNCTIONS = ['receive', 'asserts', 'claim', 'read', 'write'] as const;

/** Called when the module's code is entered, with words for what it is, and when it is left, with an empty text. */
export type Watch = (place: string) => void;

/**
 * Imports a module and takes every protocol and every scenario that it exports, under whatever names.
 *
 * @param url of the module, for example `file:///home/me/mine.ts`.
 * @param shown the module's name in messages.
 * @param watch told where in the module's code the thread is.
 * @throws InputError when it cannot be loaded, exports neither, or exports one that is incomplete.
 */
export async function loadPlugin(
  url: string,
  shown: string,
  watch: Watch = () => undefined,
): Promise<Plugin> {
  const exported = [...new Set(Object.values(await importUnderStandIn(url, shown, watch)).filter(isObject))];
  const protocols = exported
    .filter((value) => FUNCTIONS.some((name) => typeof value[name] === 'function'))
    .map((value) => readProtocol(value, shown, watch));
  const scenarios = exported.filter((value) => 'threads' in value).map((value) => readScenario(value, shown));
  if (protocols.length + scenarios.length === 0) {
    throw new InputError(
      `${shown} exports no protocol and no scenario. A protocol is an object with "name" and the functions ` +
        `${FUNCTIONS.join(', ')}; a scenario is what scenario({ name, title, about, group, threads }) returns.`,
    );
  }
  return { protocols, scenarios };
}

/** The stand-in for `Atomics` is in place, so that `const { or } = Atomics` at the top of the module is caught, too. */
async function importUnderStandIn(url: string, shown: string, watch: Watch): Promise<object> {
  installAtomics();
  watch('the top level of the module');
  try {
    return (await import(url)) as object;
  } catch (error) {
    throw new InputError(`${shown} cannot be loaded: ${describeError(error, url)}`);
  } finally {
    watch('');
    uninstallAtomics();
  }
}

function describeError(error: unknown, url: string): string {
  if (!(error instanceof Error)) return String(error);
  const place = new RegExp(`${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}[^:]*:(\\d+)`).exec(
    error.stack ?? '',
  );
  const where = place === null ? '' : ` (line ${place[1]})`;
  return `${error.name}: ${error.message}${where}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function readProtocol(value: Readonly<Record<string, unknown>>, shown: string, watch: Watch): Protocol {
  const { name } = value;
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) {
    throw new InputError(
      `${shown}: a protocol needs a "name" of letters, digits, "-", "_" and "."; it is ${JSON.stringify(name)}.`,
    );
  }
  const missing = FUNCTIONS.filter((key) => typeof value[key] !== 'function');
  if (missing.length > 0) {
    throw new InputError(
      `${shown}: the protocol "${name}" has no ${missing.join(', ')}. It needs all of ${FUNCTIONS.join(', ')}.`,
    );
  }
  const { file } = value;
  const lacks =
    file === undefined
      ? []
      : FILE_FUNCTIONS.filter((key) => !isObject(file) || typeof file[key] !== 'function');
  if (lacks.length > 0) {
    throw new InputError(`${shown}: "file" of the protocol "${name}" has no ${lacks.join(', ')}.`);
  }
  if ([...PROTOCOLS, ...FIELD_FILES].some((known) => known.name === name)) {
    throw new InputError(`${shown}: "${name}" is a protocol of hartvisor already. Give yours another name.`);
  }
  return watched(value as unknown as Protocol, shown, watch);
}

/** The functions tell where the thread is; all they let through unchanged, also the exception that suspends them. */
function watched(protocol: Protocol, shown: string, watch: Watch): Protocol {
  const within = <A extends readonly unknown[], R>(name: string, body: (...args: A) => R) => {
    return (...args: A): R => {
      watch(`${name} of "${protocol.name}"`);
      try {
        return body(...args);
      } finally {
        watch('');
      }
    };
  };
  return {
    name: protocol.name,
    provenance: typeof protocol.provenance === 'string' ? protocol.provenance : shown,
    set: within('set', (words, irq) => protocol.set(words, irq)),
    unset: within('unset', (words, irq) => protocol.unset(words, irq)),
    sync: within('sync', (words, local, lo, hi) => protocol.sync(words, local, lo, hi)),
    flush: within('flush', (words, local) => protocol.flush(words, local)),
    has: within('has', (words, local, lo, hi) => protocol.has(words, local, lo, hi)),
    ...('file' in protocol ? { file: watchedFile(wayOf(protocol), within) } : {}),
  };
}

/** Wraps a function, whose name it is told. */
type Within = <A extends readonly unknown[], R>(name: string, body: (...args: A) => R) => (...args: A) => R;

function watchedFile(file: FileWay, within: Within): FileWay {
  return {
    isInHart: file.isInHart,
    receive: within('receive', (place, identity) => file.receive(place, identity)),
    asserts: within('asserts', (place) => file.asserts(place)),
    claim: within('claim', (place) => file.claim(place)),
    read: within('read', (place, register) => file.read(place, register)),
    write: within('write', (place, register, bit, set) => file.write(place, register, bit, set)),
  };
}

function readScenario(value: Readonly<Record<string, unknown>>, shown: string): Scenario {
  let read: Scenario;
  try {
    read = scenario(value as unknown as Scenario);
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${shown}: ${error.message}.`) : error;
  }
  if (SCENARIOS.some(({ name }) => name === read.name)) {
    throw new InputError(
      `${shown}: "${read.name}" is a scenario of hartvisor already. Give yours another name.`,
    );
  }
  return read;
}
