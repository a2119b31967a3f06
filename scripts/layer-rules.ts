import { posix } from 'node:path';
import { type Import, importsOf } from './imports.ts';

/** Each room (a folder of `src/`), and the other rooms whose modules it may import. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  layout: [],
  sync: ['layout'],
  time: [],
  wasm: [],
  float: ['wasm'],
  isa: ['wasm'],
  codegen: ['isa', 'float', 'wasm'],
  jit: ['codegen', 'isa', 'float', 'wasm'],
  memory: [],
  interrupts: ['layout'],
  trace: ['layout', 'errors'],
  storage: [],
  network: ['errors'],
  filesystem: ['storage'],
  'shared-folders': ['storage'],
  agent: ['errors'],
  hart: ['layout', 'codegen', 'time', 'isa', 'float', 'wasm', 'jit', 'memory', 'interrupts'],
  devices: [
    'boot',
    'errors',
    'interrupts',
    'layout',
    'sync',
    'memory',
    'storage',
    'network',
    'shared-folders',
  ],
  hypervisor: ['layout', 'sync', 'time', 'trace', 'interrupts', 'isa', 'hart', 'memory'],
  debug: [],
  verify: ['interrupts', 'errors'],
  stress: ['layout', 'interrupts', 'errors'],
  boot: ['errors', 'time', 'filesystem'],
  machine: [
    'errors',
    'debug',
    'layout',
    'sync',
    'time',
    'boot',
    'devices',
    'hypervisor',
    'hart',
    'interrupts',
    'isa',
    'memory',
    'storage',
    'network',
    'shared-folders',
    'trace',
  ],
  // The program's side of a machine; a host (node) gives it what a machine is made of.
  api: ['agent', 'boot', 'debug', 'errors', 'devices', 'interrupts', 'machine', 'network', 'trace'],
  node: [
    'agent',
    'api',
    'errors',
    'storage',
    'network',
    'shared-folders',
    'filesystem',
    'boot',
    'debug',
    'devices',
    'machine',
    'trace',
    'hart',
    'stress',
    'verify',
  ],
  web: ['agent', 'api', 'errors', 'storage', 'network', 'boot', 'devices', 'machine', 'hart'],
  cli: [
    'agent',
    'api',
    'errors',
    'node',
    'network',
    'boot',
    'devices',
    'machine',
    'hypervisor',
    'hart',
    'interrupts',
    'verify',
    'stress',
    'trace',
  ],
};

/** The rooms that may use Node's modules. */
const NODE_ROOMS: readonly string[] = ['cli', 'node'];
/** The rooms that may use npm packages, beside those; all others run in Node and in pages as they are. */
const PACKAGE_ROOMS: readonly string[] = [...NODE_ROOMS, 'web'];

/** One import that a rule forbids. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Sources by path from the root of the checkout, with `/` between folders. */
export type Sources = ReadonlyMap<string, string>;

/**
 * Checks the import directions of everything under `src/`. Tests may import what they like.
 *
 * @param dependencies the npm packages that an installed hartvisor has
 */
export function checkLayers(sources: Sources, dependencies: readonly string[]): Violation[] {
  const shipped = [...sources].filter(([path]) => path.startsWith('src/') && !isTest(path));
  const imports = new Map(shipped.map(([path, source]) => [path, importsOf(path, source)]));
  const violations: Violation[] = [];
  for (const [path, list] of imports) {
    const report = ({ line }: Import, message: string) => violations.push({ path, line, message });
    for (const entry of list) {
      const message = isRelative(entry.specifier)
        ? judgeFile(path, targetOf(path, entry), sources)
        : judgePackage(path, entry.specifier, dependencies);
      if (message !== undefined) report(entry, message);
    }
  }
  return [...violations, ...strayRooms(shipped.map(([path]) => path)), ...cycles(imports)];
}

/** Arrows that the rules allow and nothing uses, `from -> to`, and rooms without a folder. */
export function unusedRules(sources: Sources): string[] {
  const used = new Set<string>();
  for (const [path, source] of sources) {
    if (!path.startsWith('src/') || isTest(path)) continue;
    used.add(roomOf(path));
    for (const entry of importsOf(path, source)) {
      if (isRelative(entry.specifier)) used.add(`${roomOf(path)} -> ${roomOf(targetOf(path, entry))}`);
    }
  }
  return Object.entries(rooms)
    .flatMap(([room, allowed]) => [room, ...allowed.map((other) => `${room} -> ${other}`)])
    .filter((rule) => !used.has(rule));
}

/** Modules that are made when the package is built. */
const BUILT = /\.wasm$/;

function judgeFile(path: string, target: string, sources: Sources): string | undefined {
  if (BUILT.test(target)) return undefined;
  if (!sources.has(target)) return `imports ${target}, which does not exist`;
  if (isTest(target) || !target.startsWith('src/')) return `imports ${target}: shipped code stays in src/`;
  const from = roomOf(path);
  const to = roomOf(target);
  const allowed = rooms[from];
  if (from === to || allowed === undefined || allowed.includes(to)) return undefined;
  const others = allowed.length > 0 ? `itself and ${allowed.join(', ')}` : 'itself only';
  return `imports ${target}: src/${from} may import ${others}`;
}

function judgePackage(path: string, specifier: string, dependencies: readonly string[]): string | undefined {
  const room = roomOf(path);
  const ofNode = specifier.startsWith('node:');
  const allowed = ofNode ? NODE_ROOMS : PACKAGE_ROOMS;
  if (!allowed.includes(room)) {
    const what = ofNode ? 'modules of Node' : 'packages of npm';
    return `imports '${specifier}': src/${room} also runs in a browser, only ${allowed.join(', ')} use ${what}`;
  }
  if (ofNode || dependencies.some((name) => isPartOf(specifier, name))) return undefined;
  return `imports '${specifier}', which is neither a node: module nor in the "dependencies" of package.json`;
}

function strayRooms(paths: readonly string[]): Violation[] {
  const stray = paths.filter((path) => rooms[roomOf(path)] === undefined);
  return stray.map((path) => ({
    path,
    line: 1,
    message: 'is in no known room: give its folder a line in scripts/layer-rules.ts',
  }));
}

/** Finds each cycle of imports once. A worker's URL starts another module graph, so it closes no cycle. */
function cycles(imports: ReadonlyMap<string, readonly Import[]>): Violation[] {
  const found: Violation[] = [];
  const done = new Set<string>();
  const stack: string[] = [];
  const enter = (path: string): void => {
    if (done.has(path)) return;
    stack.push(path);
    for (const entry of imports.get(path) ?? []) {
      if (entry.kind !== 'import' || !isRelative(entry.specifier)) continue;
      const target = targetOf(path, entry);
      const start = stack.indexOf(target);
      if (start < 0) enter(target);
      else found.push({ path, line: entry.line, message: cycleMessage([...stack.slice(start), target]) });
    }
    stack.pop();
    done.add(path);
  };
  for (const path of imports.keys()) enter(path);
  return found;
}

function cycleMessage(path: readonly string[]): string {
  return `closes a cycle: ${path.join(' -> ')}`;
}

function targetOf(path: string, { specifier }: Import): string {
  return posix.join(posix.dirname(path), specifier);
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}

function isPartOf(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(`${name}/`);
}
