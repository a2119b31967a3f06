import { expect, test } from 'vitest';
import { Imports, RegionModules } from './region-module.ts';

const limits = { minimum: 1, maximum: 1 };

/** A module with some functions of floating point as its imports, in an order of its own. */
function moduleWith(modules: RegionModules, numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  const imports = new Imports();
  for (const number of numbers) imports.indexOf(number);
  const f = modules.function();
  f.unreachable();
  return modules.bytes(f, imports);
}

test('the same imports have the same shell, and there is an end to shells', () => {
  const modules = new RegionModules(limits);
  const numbers = Object.values(modules.float.f64).map(({ index }) => index);
  const some = numbers.slice(0, 2);
  const first = moduleWith(modules, some);
  expect(moduleWith(modules, some)).toEqual(first);
  expect(modules.shells).toBe(1);
  let most = 0;
  for (const a of numbers) {
    for (const b of numbers) {
      if (a !== b) expect(WebAssembly.validate(moduleWith(modules, [a, b]))).toBe(true);
      most = Math.max(most, modules.shells);
    }
  }
  expect(most).toBe(128);
  expect(moduleWith(modules, some)).toEqual(first);
});
