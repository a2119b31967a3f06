/**
 * The stand-in for `globalThis.Atomics` in the checker's process. Explored code calls `Atomics.or(words, i, v)` as it
 * does in production; here the call reaches whoever runs the code at the moment. Outside of such a run, and for arrays
 * that the checker does not know, the engine's own `Atomics` answer.
 *
 * Production processes never load this file, so the mechanism costs them nothing.
 */
import { HarnessFault } from './fault.ts';
import { ALL_SLEEPERS, ATOMICS_KINDS, type Kind } from './operations.ts';

/** The results of `Atomics.wait`. */
export type WaitAnswer = 'ok' | 'not-equal' | 'timed-out';

/** Receives the accesses of the code that runs under {@link withAtomics}. */
export interface AtomicsTarget {
  /** @returns what the access returns to the explored code; or throws to suspend it. */
  access(kind: Kind, array: unknown, index: number, a: number, b: number): number;
  /** `Atomics.wait`; `hasLimit` when it gives up after some time. */
  wait(array: unknown, index: number, value: number, hasLimit: boolean): WaitAnswer;
  /** `Atomics.notify` of at most `count` threads, {@link ALL_SLEEPERS} for all. Returns how many were woken. */
  notify(array: unknown, index: number, count: number): number;
}

const real = globalThis.Atomics;
let target: AtomicsTarget | undefined;
let installed = 0;

type Operation = (array: unknown, index: number, a?: number, b?: number) => unknown;

function standIn(name: string, operation: Operation, kind: Kind | undefined): Operation {
  if (name === 'wait') return standInForWait(operation);
  if (name === 'notify') return standInForNotify(operation);
  return (array, index, a = 0, b = 0) => {
    if (target === undefined) return Reflect.apply(operation, real, [array, index, a, b]);
    if (kind === undefined) {
      throw new HarnessFault('unsupported-access', `The checker has no model of Atomics.${name}`);
    }
    return target.access(kind, array, index, a | 0, b | 0);
  };
}

function standInForWait(operation: Operation): Operation {
  return (array, index, value = 0, milliseconds = Number.NaN) => {
    if (target === undefined) return Reflect.apply(operation, real, [array, index, value, milliseconds]);
    // NaN stands for no limit in ECMAScript, too.
    const hasLimit = milliseconds < Number.POSITIVE_INFINITY;
    return target.wait(array, index, value | 0, hasLimit);
  };
}

function standInForNotify(operation: Operation): Operation {
  return (array, index, count = Number.POSITIVE_INFINITY) => {
    if (target === undefined) return Reflect.apply(operation, real, [array, index, count]);
    return target.notify(array, index, Math.max(0, Math.min(Math.trunc(count) || 0, ALL_SLEEPERS)));
  };
}

function makeStandIn(): typeof Atomics {
  const fake = Object.create(null) as Record<PropertyKey, unknown>;
  for (const name of Object.getOwnPropertyNames(real)) {
    const operation: unknown = Reflect.get(real, name);
    if (typeof operation !== 'function' || name === 'isLockFree') {
      fake[name] = operation;
      continue;
    }
    const kind = (ATOMICS_KINDS as Readonly<Record<string, Kind>>)[name];
    fake[name] = standIn(name, operation as Operation, kind);
  }
  fake[Symbol.toStringTag] = 'Atomics';
  return fake as unknown as typeof Atomics;
}

const fake = makeStandIn();

/**
 * Puts the stand-in in place. Protocols from outside are imported after it, so that `const { or } = Atomics` at the
 * top of their module is caught as well. Calls nest.
 */
export function installAtomics(): void {
  if (installed++ === 0) Reflect.set(globalThis, 'Atomics', fake);
}

/** Takes one {@link installAtomics} back. */
export function uninstallAtomics(): void {
  if (--installed === 0) Reflect.set(globalThis, 'Atomics', real);
}

/** Runs `body` with every `Atomics` access sent to `to`. */
export function withAtomics<T>(to: AtomicsTarget, body: () => T): T {
  const before = target;
  target = to;
  try {
    return body();
  } finally {
    target = before;
  }
}

/** The function that accesses belong to at the moment, by name. */
let place: string | undefined;

/** Runs `body` as the function of that name: what it does is recorded as done within it. */
export function within<T>(name: string, body: () => T): T {
  const before = place;
  place = name;
  try {
    return body();
  } finally {
    place = before;
  }
}

/** The name given to {@link within}, inside of it. */
export function currentFunction(): string | undefined {
  return place;
}

/** Runs `body` with the stand-in in place. */
export function underStandIn<T>(body: () => T): T {
  installAtomics();
  try {
    return body();
  } finally {
    uninstallAtomics();
  }
}
