/**
 * Stand-ins for the modules that mutants change. Whoever loads the checker for mutants puts them in the places of the
 * modules: the tests by `vi.mock`, `scripts/mutant-list.ts` by hooks of Node. Imports no module that is replaced.
 */
import type { Mutant, RunStateFunctions } from './mutant.ts';

/** The parts of a mutant that are not its protocol. */
export type Seed = Pick<Mutant, 'runState' | 'vcpu' | 'vcpuLoop'>;

type AnyFunction = (...args: unknown[]) => unknown;

let current: Seed = {};
let shipped: RunStateFunctions | undefined;
let changed: Readonly<Record<string, AnyFunction | undefined>> = {};

/** From here on the stand-ins do as the mutant does; with no mutant they do as the modules that ship. */
export function sow(seed: Seed = {}): void {
  current = seed;
  changed = shipped === undefined ? {} : ((seed.runState?.(shipped) ?? {}) as unknown as typeof changed);
}

/** Stands in for all exports of `run-state.ts`. */
export function standInForFunctions(real: RunStateFunctions): RunStateFunctions {
  shipped = real;
  const ask =
    (name: string, own: AnyFunction): AnyFunction =>
    (...args) =>
      (changed[name] ?? own)(...args);
  const all = Object.entries(real).map(([name, value]) => [name, ask(name, value as AnyFunction)] as const);
  return Object.fromEntries(all) as unknown as RunStateFunctions;
}

/** Stands in for a class: each object is made by the class of the mutant that is tried, if it has one. */
export function standInForClass<T extends new (...args: never[]) => object>(
  Real: T,
  kind: 'vcpu' | 'vcpuLoop',
): T {
  const made = new Map<unknown, T>();
  const stand: T = new Proxy(Real, {
    construct: (_real, args, target) => {
      const make = current[kind] as unknown as ((real: T) => T) | undefined;
      const chosen = make === undefined ? Real : (made.get(make) ?? make(Real));
      if (make !== undefined) made.set(make, chosen);
      // A class that extends this one keeps what it overrides.
      return target === stand ? Reflect.construct(chosen, args) : Reflect.construct(chosen, args, target);
    },
  });
  return stand;
}
