import { InputError } from '../errors/input-error.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import { installAtomics, uninstallAtomics } from './atomics.ts';
import { type Scenario, scenario } from './scenario.ts';

const FUNCTIONS = ['set', 'unset', 'sync', 'flush', 'has'] as const;

/** Imports a module while the stand-in for `Atomics` is in place, so that `const { or } = Atomics` in it is caught too. */
async function importUnderStandIn(url: string): Promise<Readonly<Record<string, unknown>>> {
  installAtomics();
  try {
    return (await import(url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new InputError(
      `${url} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    uninstallAtomics();
  }
}

function isProtocol(value: unknown): value is Protocol {
  if (typeof value !== 'object' || value === null) return false;
  const given = value as Readonly<Record<string, unknown>>;
  return typeof given.name === 'string' && FUNCTIONS.every((name) => typeof given[name] === 'function');
}

/**
 * Loads a protocol from a module of the user: its default export, or its only export that is one.
 *
 * @param url URL of the module, for example `file:///home/me/mine.ts`.
 * @throws InputError when it cannot be loaded, or has no protocol, naming what is missing.
 */
export async function loadProtocol(url: string): Promise<Protocol> {
  const module = await importUnderStandIn(url);
  const found = [module.default, ...Object.values(module)].find(isProtocol);
  if (found === undefined) {
    throw new InputError(
      `${url} exports no protocol: it needs an object with "name" and the functions ${FUNCTIONS.join(', ')}, best as its default export`,
    );
  }
  return { ...found, provenance: typeof found.provenance === 'string' ? found.provenance : url };
}

/**
 * Loads a scenario from a module of the user: its default export.
 *
 * @throws InputError when it cannot be loaded or is not a scenario.
 */
export async function loadScenario(url: string): Promise<Scenario> {
  const module = await importUnderStandIn(url);
  const given = module.default;
  if (typeof given !== 'object' || given === null) {
    throw new InputError(`${url} exports no scenario: its default export is scenario({ name, title, ... })`);
  }
  return scenario(given as Scenario);
}
