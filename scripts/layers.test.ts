import { describe, expect, it } from 'vitest';
import { importsOf } from './imports.ts';
import { checkLayers, rooms, unusedRules } from './layer-rules.ts';

function check(files: Readonly<Record<string, string>>): string[] {
  return checkLayers(new Map(Object.entries(files)), ['commander']).map(
    ({ path, line, message }) => `${path}:${line} ${message}`,
  );
}

describe('importsOf', () => {
  it.each([
    ["import { a } from './a.ts';", './a.ts', 'import'],
    ["import type { A } from './a.ts';", './a.ts', 'import'],
    ["import './a.ts';", './a.ts', 'import'],
    ["export { a } from './a.ts';", './a.ts', 'import'],
    ["export type { A } from './a.ts';", './a.ts', 'import'],
    ["export * from './a.ts';", './a.ts', 'import'],
    ["const a = await import('./a.ts');", './a.ts', 'import'],
    ["type A = import('./a.ts').A;", './a.ts', 'import'],
    ["new Worker(new URL('./a.ts', import.meta.url));", './a.ts', 'url'],
  ])('reads %s', (source, specifier, kind) => {
    expect(importsOf('x.ts', `\n${source}`)).toEqual([{ specifier, kind, line: 2 }]);
  });

  it.each([
    "// import { a } from './a.ts';",
    "const text = `\nimport { a } from './a.ts';\n`;",
    "new URL('./a', 'http://example.org');",
    'export const a = 1;',
  ])('finds nothing in %j', (source) => {
    expect(importsOf('x.ts', source)).toEqual([]);
  });

  it('names a file that cannot be parsed', () => {
    expect(() => importsOf('broken.ts', 'import {')).toThrow(/broken\.ts cannot be parsed/);
  });
});

describe('checkLayers', () => {
  it('lets imports point down, and tests import anything', () => {
    expect(
      check({
        'src/isa/a.ts': "import { b } from '../wasm/b.ts';",
        'src/wasm/b.ts': 'export const b = 1;',
        'src/wasm/b.test.ts': "import '../isa/a.ts'; import 'vitest'; import 'node:fs'; import './b.ts';",
        'src/cli/main.ts': "import { Command } from 'commander'; import 'node:fs'; import '../hart/c.ts';",
        'src/hart/c.ts': 'export const c = 1;',
      }),
    ).toEqual([]);
  });

  it.each(['import type { A }', 'import { type A }', 'export *'])(
    'reports "%s" from a room above',
    (words) => {
      expect(
        check({ 'src/isa/a.ts': 'export type A = 1;', 'src/wasm/b.ts': `\n${words} from '../isa/a.ts';` }),
      ).toEqual(['src/wasm/b.ts:2 imports src/isa/a.ts: src/wasm may import itself only']);
    },
  );

  it('reports a worker that lives in a room above', () => {
    const source = "new URL('../node/worker.ts', import.meta.url)";
    expect(check({ 'src/machine/a.ts': source, 'src/node/worker.ts': '' })[0]).toMatch(
      /^src\/machine\/a\.ts:1 imports src\/node\/worker\.ts: src\/machine may import itself and errors, /,
    );
  });

  it.each(['node:fs', 'fs', 'commander'])('reports %s in a room that also runs in a browser', (module) => {
    expect(check({ 'src/hart/a.ts': `import '${module}';` })[0]).toMatch(/src\/hart also runs in a browser/);
  });

  it('lets the room of pages use packages, and no module of Node', () => {
    expect(check({ 'src/web/a.ts': "import 'commander';" })).toEqual([]);
    expect(check({ 'src/web/a.ts': "import 'node:fs';" })[0]).toMatch(/src\/web also runs in a browser/);
  });

  it('reports a package that an installed hartvisor does not have', () => {
    expect(check({ 'src/node/a.ts': "import 'commander'; import 'fast-check';" })).toEqual([
      `src/node/a.ts:1 imports 'fast-check', which is neither a node: module nor in the "dependencies" of package.json`,
    ]);
  });

  it.each(['../../test/bed.ts', '../../bench/bed.ts', './a.test.ts'])(
    'reports shipped code that imports %s',
    (bed) => {
      const files = { 'test/bed.ts': '', 'bench/bed.ts': '', 'src/boot/a.test.ts': '' };
      expect(check({ ...files, 'src/boot/a.ts': `import '${bed}';` })[0]).toMatch(
        /: shipped code stays in src\//,
      );
    },
  );

  it('reports a cycle once, whatever file comes first', () => {
    const a = "import './b.ts';";
    const b = "import type { C } from './c.ts';";
    const c = "import './a.ts';";
    const cycle = 'src/boot/a.ts -> src/boot/b.ts -> src/boot/c.ts -> src/boot/a.ts';
    expect(check({ 'src/boot/a.ts': a, 'src/boot/b.ts': b, 'src/boot/c.ts': c })).toEqual([
      `src/boot/c.ts:1 closes a cycle: ${cycle}`,
    ]);
    expect(check({ 'src/boot/c.ts': c, 'src/boot/b.ts': b, 'src/boot/a.ts': a })).toHaveLength(1);
  });

  it('lets a module start itself as a worker', () => {
    expect(check({ 'src/boot/a.ts': "new URL('./a.ts', import.meta.url)" })).toEqual([]);
  });

  it('lets a module name a file that only a build has', () => {
    expect(check({ 'src/boot/a.ts': "new URL('./a.wasm', import.meta.url)" })).toEqual([]);
  });

  it('reports a file that does not exist, and a folder without a rule', () => {
    expect(check({ 'src/attic/a.ts': "import './b.ts';" })).toEqual([
      'src/attic/a.ts:1 imports src/attic/b.ts, which does not exist',
      'src/attic/a.ts:1 is in no known room: give its folder a line in scripts/layer-rules.ts',
    ]);
  });
});

describe('unusedRules', () => {
  it('names each room without a folder and each arrow that nothing uses', () => {
    const sources = new Map([
      ['src/wasm/emit.ts', ''],
      ['src/float/add.ts', "import { emit } from '../wasm/emit.ts';"],
    ]);
    const unused = unusedRules(sources);
    expect(unused).toEqual(expect.arrayContaining(['isa', 'isa -> wasm', 'cli -> node']));
    expect(unused.filter((rule) => /^(wasm|float)/.test(rule))).toEqual([]);
    expect(unused.length).toBeLessThan(Object.values(rooms).flat().length + Object.keys(rooms).length);
  });
});
