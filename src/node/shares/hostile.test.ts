/** Requests of a hostile guest, and sequences of ordinary ones against the same on a native directory. */
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { FuseClient } from '../../../test/shared-folders/fuse-client.ts';
import { HostileGuest } from '../../../test/shared-folders/fuse-fuzz.ts';
import { ERRNO, FolderError } from '../../shared-folders/errno.ts';
import { FUSE, MODE, OPCODE, SET, SETATTR_IN } from '../../shared-folders/fuse/facts.ts';
import { FuseServer } from '../../shared-folders/server.ts';
import { hostCall } from './host-errors.ts';
import { NodeFolder, openRoot } from './node-folder.ts';

const base = mkdtempSync(join(tmpdir(), 'hartvisor-hostile-'));
afterAll(() => rmSync(base, { recursive: true }));

function serve(name: string) {
  const path = join(base, name);
  mkdirSync(path);
  const root = openRoot(path);
  const host = new NodeFolder({ root, mostDescriptors: 300 });
  const troubles: string[] = [];
  const server = new FuseServer({ host, readOnly: false, onTrouble: (text) => troubles.push(text) });
  const client = new FuseClient(server);
  client.init();
  const end = () => {
    server.close();
    expect([host.openDescriptors, troubles]).toEqual([0, []]);
    closeSync(root);
    rmSync(path, { recursive: true });
  };
  return { path, server, client, host, end };
}

test('a hostile guest gets answers, and nothing but its folder', () => {
  const { path, server, host, end } = serve('hostile');
  const outside = join(base, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  symlinkSync(outside, join(path, 'link'));
  const guest = new HostileGuest(server, 20_261_129);
  for (let step = 0; step < 10_000; step++) guest.step();
  expect(host.openDescriptors).toBeLessThanOrEqual(300);
  expect(guest.counts.done).toBeGreaterThan(500);
  expect(guest.counts.refused).toBeGreaterThan(500);
  expect([readdirSync(outside), readFileSync(join(outside, 'secret'), 'latin1')]).toEqual([
    ['secret'],
    'secret',
  ]);
  expect(readdirSync(base).sort()).toEqual(['hostile', 'outside']);
  end();
});

/** A step of a sequence: paths are of a few names, so that they meet. */
type Step =
  | { readonly do: 'write'; readonly path: string; readonly at: number; readonly text: string }
  | { readonly do: 'create' | 'mkdir' | 'unlink' | 'rmdir'; readonly path: string }
  | { readonly do: 'rename' | 'link'; readonly path: string; readonly to: string }
  | { readonly do: 'symlink'; readonly path: string; readonly text: string }
  | { readonly do: 'truncate'; readonly path: string; readonly at: number }
  | { readonly do: 'forget' };

const pathOf = fc.constantFrom('a', 'b', 'a/a', 'a/b', 'b/a', 'b/b', 'a/a/a', 'b/a/b');
const text = fc.constantFrom('one', 'two words', 'x'.repeat(5000));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('create', 'mkdir', 'unlink', 'rmdir'), path: pathOf }),
  fc.record({ do: fc.constantFrom('rename', 'link'), path: pathOf, to: pathOf }),
  fc.record({ do: fc.constant('write'), path: pathOf, at: fc.nat(9000), text }),
  fc.record({ do: fc.constant('truncate'), path: pathOf, at: fc.nat(9000) }),
  fc.record({ do: fc.constant('symlink'), path: pathOf, text: fc.constantFrom('a', '../b', '/etc/passwd') }),
  fc.constant({ do: 'forget' }),
) as fc.Arbitrary<Step>;

const split = (path: string) => {
  const at = path.lastIndexOf('/');
  return [path.slice(0, Math.max(0, at)), path.slice(at + 1)] as const;
};

/** Linux' side of a guest: resolves paths, without following links, and remembers what it was told of. */
class Resolver {
  readonly client: FuseClient;
  readonly #told = new Map<number, number>();

  constructor(client: FuseClient) {
    this.client = client;
  }

  /** The number of a directory; an error is thrown. */
  directory(path: string): number {
    return this.node(path, true);
  }

  /** The number of a file. */
  node(path: string, isDirectory = false): number {
    let node: number = FUSE.root;
    let mode: number = MODE.DIRECTORY;
    for (const name of path.split('/').filter((each) => each !== '')) {
      const found = this.client.lookUp(node, name);
      if (typeof found === 'number') throw new FolderError(found);
      if ((mode & MODE.KIND) !== MODE.DIRECTORY) throw new FolderError(ERRNO.ENOTDIR);
      ({ mode } = found);
      node = this.tell(found.node);
    }
    if (isDirectory && (mode & MODE.KIND) !== MODE.DIRECTORY) throw new FolderError(ERRNO.ENOTDIR);
    return node;
  }

  tell(node: number): number {
    this.#told.set(node, (this.#told.get(node) ?? 0) + 1);
    return node;
  }

  forgetAll(): void {
    for (const [node, times] of this.#told) this.client.forget(node, times);
    this.#told.clear();
  }
}

const check = (errno: number) => {
  if (errno !== 0) throw new FolderError(errno);
};
const checked = <T>(found: T | number): T => {
  if (typeof found === 'number') throw new FolderError(found < 0 ? -found : found);
  return found;
};

function byFuse(resolver: Resolver, given: Step): void {
  const { client } = resolver;
  if (given.do === 'forget') {
    resolver.forgetAll();
    return;
  }
  const [above, name] = split(given.path);
  switch (given.do) {
    case 'write':
    case 'truncate': {
      const node = resolver.node(given.path);
      if (given.do === 'truncate') {
        check(client.setAttributes(node, SET.SIZE, [], [[SETATTR_IN.SIZE, given.at]]).errno);
        return;
      }
      const { file } = client.open(node, 2);
      if (file < 0) throw new FolderError(-file);
      expect(client.write(file, given.at, new TextEncoder().encode(given.text))).toBe(given.text.length);
      client.close(file);
      return;
    }
    case 'create': {
      const { file, node } = client.create(resolver.directory(above), name, { flags: 2 | 0o200 });
      if (file < 0) throw new FolderError(-file);
      resolver.tell(node);
      client.close(file);
      return;
    }
    case 'mkdir':
      resolver.tell(checked(client.makeDirectory(resolver.directory(above), name)).node);
      return;
    case 'symlink':
      resolver.tell(checked(client.makeLink(resolver.directory(above), name, given.text)).node);
      return;
    case 'unlink':
      check(client.remove(resolver.directory(above), name));
      return;
    case 'rmdir':
      check(client.removeDirectory(resolver.directory(above), name));
      return;
    default: {
      const [newAbove, newName] = split(given.to);
      if (given.do === 'link')
        resolver.tell(
          checked(client.link(resolver.node(given.path), resolver.directory(newAbove), newName)).node,
        );
      else check(client.rename(resolver.directory(above), name, resolver.directory(newAbove), newName));
    }
  }
}

function natively(root: string, given: Step): unknown {
  if (given.do === 'forget') return undefined;
  const path = join(root, given.path);
  switch (given.do) {
    case 'write': {
      const descriptor = openSync(path, 'r+');
      writeSync(descriptor, given.text, given.at);
      return closeSync(descriptor);
    }
    case 'truncate':
      return truncateSync(path, given.at);
    case 'create':
      return closeSync(openSync(path, 'wx+'));
    case 'mkdir':
      return mkdirSync(path);
    case 'symlink':
      return symlinkSync(given.text, path);
    case 'unlink':
      return unlinkSync(path);
    case 'rmdir':
      return rmdirSync(path);
    case 'link':
      return linkSync(path, join(root, given.to));
    default:
      return renameSync(path, join(root, given.to));
  }
}

/** How a step ended: the number of its error. */
function outcome(work: () => unknown): number {
  try {
    hostCall(work);
    return 0;
  } catch (error) {
    if (error instanceof FolderError) return error.errno;
    throw error;
  }
}

/** All that is below a folder. */
function contents(root: string, path = ''): string[] {
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => {
      const below = join(path, name);
      const stats = lstatSync(join(root, below));
      if (stats.isDirectory()) return [`${below}/`, ...contents(root, below)];
      if (stats.isSymbolicLink()) return [`${below} -> ${readlinkSync(join(root, below))}`];
      return [`${below} (${stats.nlink}): ${readFileSync(join(root, below), 'latin1')}`];
    });
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Whether a symbolic link is on the way to, or at, one of a step's paths: natively it is followed, here it is not. */
function meetsLink(root: string, given: Step): boolean {
  if (given.do === 'forget') return false;
  const paths = 'to' in given ? [given.path, given.to] : [given.path];
  const ends = given.do === 'write' || given.do === 'truncate';
  return paths.some((path) => {
    const names = path.split('/');
    return names.some((_, index) => {
      if (index === names.length - 1 && !ends) return false;
      return isLink(join(root, ...names.slice(0, index + 1)));
    });
  });
}

test('does what a native directory does', () => {
  let run = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      const { path, client, end } = serve(`run-${run++}`);
      const native = join(base, 'native');
      mkdirSync(native);
      try {
        const resolver = new Resolver(client);
        for (const given of steps) {
          if (meetsLink(native, given)) continue;
          const expected = outcome(() => natively(native, given));
          expect([given, outcome(() => byFuse(resolver, given))]).toEqual([given, expected]);
        }
        expect(contents(path)).toEqual(contents(native));
        expect(client.names(FUSE.root).slice(2)).toEqual(readdirSync(native).sort());
        resolver.forgetAll();
        // Nothing is known any more but the folder itself.
        for (let node = 2; node < 60; node++)
          expect(client.send(OPCODE.GETATTR, node, { bytes: 16 }).errno).toBe(ERRNO.ESTALE);
      } finally {
        rmSync(native, { recursive: true });
      }
      end();
    }),
    { numRuns: 60 },
  );
});
