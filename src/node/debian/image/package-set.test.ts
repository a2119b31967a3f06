import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SelectedPackage } from '../private-apt.ts';
import { choosePortions } from './package-set.ts';

const asPackage = (name: string): SelectedPackage => ({ name, version: '1', architecture: 'riscv64' });

/** An apt that knows what each package depends on. */
function aptWith(dependencies: ReadonlyMap<string, readonly string[]>) {
  return {
    async select(names: readonly string[]): Promise<readonly SelectedPackage[]> {
      const found = new Set<string>();
      const visit = (name: string) => {
        if (found.has(name)) return;
        found.add(name);
        for (const each of dependencies.get(name) ?? []) visit(each);
      };
      for (const name of names) visit(name);
      return [...found].map(asPackage);
    },
  };
}

async function portionsOf(dependencies: ReadonlyMap<string, readonly string[]>, wanted: readonly string[]) {
  const apt = aptWith(dependencies);
  const required = ['base'];
  const all = [...(await apt.select([...required, ...wanted]))].sort((one, other) =>
    one.name < other.name ? -1 : 1,
  );
  const essential = await apt.select(required);
  return {
    all,
    portions: await choosePortions(apt, { all, essential, wanted: [...required, ...wanted], required }),
  };
}

describe('choosePortions', () => {
  it('has each package once, and behind all that it depends on', async () => {
    const graph = fc.array(fc.array(fc.nat(200), { maxLength: 4 }), { minLength: 1, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(graph, fc.array(fc.nat(199), { maxLength: 12 }), async (edges, wanted) => {
        const name = (index: number) => `p${index % edges.length}`;
        const dependencies = new Map(edges.map((each, index) => [name(index), each.map(name)]));
        dependencies.set('base', [name(0)]);
        const { all, portions } = await portionsOf(dependencies, wanted.map(name));
        const there = new Set((await aptWith(dependencies).select(['base'])).map((each) => each.name));
        const before = there.size;
        for (const portion of portions) {
          expect(portion.length).toBeGreaterThan(0);
          for (const each of portion) {
            expect(there.has(each.name)).toBe(false);
            there.add(each.name);
          }
          for (const each of portion)
            for (const needed of dependencies.get(each.name) ?? []) expect(there.has(needed)).toBe(true);
        }
        expect(there.size).toBe(all.length);
        expect(portions.flat()).toHaveLength(all.length - before);
      }),
    );
  });

  it('divides many packages', async () => {
    const leaves = (of: string) => Array.from({ length: 30 }, (_, index) => `${of}-${index}`);
    const wanted = ['a', 'b', 'c', 'd'];
    const { portions } = await portionsOf(new Map(wanted.map((name) => [name, leaves(name)])), wanted);
    expect(portions.map((portion) => portion.length)).toEqual([31, 31, 31, 31]);
  });

  it('leaves packages together of which apt chooses others for a part', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `p${index}`);
    const portions = await choosePortions(
      { select: async (wanted) => [...wanted, wanted.includes('p59') ? 'p1' : 'another'].map(asPackage) },
      { all: names.map(asPackage), essential: [], wanted: names, required: [] },
    );
    expect(portions.map((portion) => portion.length)).toEqual([60]);
  });
});
