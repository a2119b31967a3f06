/** The FUSE server over a folder of this host: what a guest asks for, and what is in the folder then. */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FuseClient, type Told } from '../../../test/shared-folders/fuse-client.ts';
import { ERRNO } from '../../shared-folders/errno.ts';
import {
  FUSE,
  INIT_FLAG,
  INIT_OUT,
  MODE,
  OPCODE,
  OPEN,
  SET,
  SETATTR_IN,
} from '../../shared-folders/fuse/facts.ts';
import { FuseServer } from '../../shared-folders/server.ts';
import { NodeFolder } from './node-folder.ts';
import { openShares } from './open-shares.ts';

const { ENOENT, EINVAL, ESTALE, EROFS, EPERM, ENOSYS, ENFILE, EEXIST, ENAMETOOLONG, EISDIR, EBADF, EIO } =
  ERRNO;
const ROOT = FUSE.root;
const bytes = (text: string) => new TextEncoder().encode(text);

let base: string;
let path: string;
const closers: (() => void)[] = [];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'hartvisor-folder-'));
  path = join(base, 'shared');
  mkdirSync(path);
});

afterEach(() => {
  for (const close of closers.splice(0)) close();
  rmSync(base, { recursive: true });
});

const at = (...names: string[]) => join(path, ...names);

function share({ readOnly = false, mostDescriptors = 1000, init = true } = {}) {
  const shares = openShares([{ folder: path, tag: 'shared', readOnly }]);
  const [{ root }] = shares.module.data as readonly { readonly root: number }[];
  const folder = new NodeFolder({ root, mostDescriptors });
  const troubles: string[] = [];
  const server = new FuseServer({ host: folder, readOnly, onTrouble: (text) => troubles.push(text) });
  closers.push(() => {
    server.close();
    // Whatever the guest did, nothing stays open.
    expect([folder.openDescriptors, troubles]).toEqual([0, []]);
    folder.closeAll();
    shares.close();
  });
  const client = new FuseClient(server);
  if (init) client.init();
  return { folder, server, client, troubles };
}

function there(found: Told | number): Told {
  if (typeof found === 'number') throw new Error(`error ${found}`);
  return found;
}

test('agrees with Linux on what both can do, and nothing else', () => {
  const { client } = share({ init: false });
  expect(client.lookUp(ROOT, 'a')).toBe(EIO);
  const { errno, body } = client.init(INIT_FLAG.MAX_PAGES | (1 << 17));
  const view = new DataView(body.buffer);
  expect([errno, body.length]).toEqual([0, INIT_OUT.BYTES]);
  expect(view.getUint32(INIT_OUT.MAJOR, true)).toBe(7);
  expect(view.getUint32(INIT_OUT.FLAGS, true)).toBe(INIT_FLAG.MAX_PAGES);
  expect(client.lookUp(ROOT, 'a')).toBe(ENOENT);
  expect(client.send(OPCODE.DESTROY, 0).errno).toBe(0);
  expect(client.lookUp(ROOT, 'a')).toBe(EIO);
});

test('tells of files as they are', () => {
  writeFileSync(at('file'), 'twelve bytes');
  utimesSync(at('file'), 1000, -2.5);
  const { client } = share();
  const file = there(client.lookUp(ROOT, 'file'));
  const { uid, gid, mode } = statSync(at('file'));
  expect(file).toMatchObject({ mode, size: 12, links: 1, believed: 1 });
  expect([file.uid, file.gid]).toEqual(process.getuid?.() === 0 ? [uid, gid] : [0, 0]);
  expect(client.attributes(file.node)).toMatchObject({ size: 12, mode });
  expect(client.node('file')).toBe(file.node);
  client.forget(file.node, 2);
  expect(client.attributes(file.node)).toBe(ESTALE);
});

test('makes, writes, reads, cuts and copies files', () => {
  const { client } = share();
  const { file, node } = client.create(ROOT, 'new', { mode: 0o604 });
  expect(client.write(file, 0, bytes('hello, world'))).toBe(12);
  expect(client.write(file, 20, bytes('!'))).toBe(1);
  expect(Buffer.from(client.read(file, 7, 100).body).toString('latin1')).toBe(`world${'\0'.repeat(8)}!`);
  expect(client.read(file, 50, 10).body.length).toBe(0);
  expect(client.setAttributes(node, SET.SIZE, [], [[SETATTR_IN.SIZE, 5]]).errno).toBe(0);
  const second = client.create(ROOT, 'copy');
  expect(client.copy(file, 1, second.file, 2, 100)).toBe(4);
  expect([client.close(file), client.close(file), client.close(second.file)]).toEqual([0, EBADF, 0]);
  expect([readFileSync(at('new'), 'latin1'), readFileSync(at('copy'), 'latin1')]).toEqual([
    'hello',
    '\0\0ello',
  ]);
  expect(statSync(at('new')).mode & 0o777).toBe(0o604);
  const again = client.open(node, OPEN.WRITE | OPEN.TRUNC);
  expect(statSync(at('new')).size).toBe(0);
  expect(client.read(again.file, 0, 10).errno).toBe(EBADF);
  client.close(again.file);
});

test('adds to the end of a file, wherever that is when the host writes', () => {
  const { client, folder } = share();
  const { file } = client.create(ROOT, 'log', { flags: OPEN.WRITE | OPEN.APPEND, mode: 0o400 });
  const { write } = folder;
  folder.write = (...given) => {
    appendFileSync(at('log'), 'other ');
    return write.apply(folder, given);
  };
  expect(client.write(file, 0, bytes('one '), OPEN.APPEND)).toBe(4);
  expect(client.write(file, 4, bytes('two '), OPEN.APPEND)).toBe(4);
  folder.write = write;
  // Without the flag, which a program can take away: at its place.
  expect(client.write(file, 6, bytes('ONE'))).toBe(3);
  expect(readFileSync(at('log'), 'latin1')).toBe('other ONE other two ');
  client.close(file);
});

test('adds to the end of a file that cannot be opened once more', () => {
  writeFileSync(at('log'), 'one ');
  const { client, folder } = share({ mostDescriptors: 3 });
  const { file } = client.open(client.node('log'), OPEN.WRITE | OPEN.APPEND);
  const before = folder.openDescriptors;
  writeFileSync(at('log'), 'one, two ');
  expect(client.write(file, 4, bytes('three'), OPEN.APPEND)).toBe(5);
  expect(readFileSync(at('log'), 'latin1')).toBe('one, two three');
  expect(folder.openDescriptors).toBe(before);
  client.close(file);
});

test('adds to the end of a file that the host has made longer', () => {
  writeFileSync(at('log'), 'one ');
  const { client } = share();
  const node = client.node('log');
  const { file } = client.open(node, OPEN.WRITE | OPEN.APPEND);
  writeFileSync(at('log'), 'one, two ');
  expect(client.write(file, 4, bytes('three'), OPEN.APPEND)).toBe(5);
  expect(readFileSync(at('log'), 'latin1')).toBe('one, two three');
  client.close(file);
});

describe('a name', () => {
  test.each(['', '.', '..', 'a/b', '/etc', '../outside'])('"%s" leads nowhere', (name) => {
    const { client } = share();
    expect(client.lookUp(ROOT, name)).toBe(EINVAL);
    expect(client.makeDirectory(ROOT, name)).toBe(EINVAL);
    expect(client.create(ROOT, name).file).toBe(-EINVAL);
    expect(client.remove(ROOT, name)).toBe(EINVAL);
  });

  test('has 255 bytes at most, and ends', () => {
    const { client } = share();
    expect(client.lookUp(ROOT, 'x'.repeat(256))).toBe(ENAMETOOLONG);
    expect(client.send(OPCODE.LOOKUP, ROOT, { data: bytes('no zero') }).errno).toBe(EINVAL);
    expect(client.send(OPCODE.RENAME, ROOT, { bytes: 8, names: ['a'] }).errno).toBe(EINVAL);
  });

  test('is any bytes', () => {
    const { client } = share();
    const name = Uint8Array.of(0xff, 0xc0, 0x80, 0x0a);
    const { errno } = client.send(OPCODE.MKDIR, ROOT, { bytes: 8, words: [[0, 0o755]], names: [name] });
    expect([errno, readdirSync(path, 'buffer')]).toEqual([0, [Buffer.from(name)]]);
    expect(client.names(ROOT)).toEqual(['.', '..', Buffer.from(name).toString('latin1')]);
    expect(typeof client.lookUp(ROOT, name)).toBe('object');
  });
});

describe('nothing leads out of the folder', () => {
  beforeEach(() => {
    mkdirSync(join(base, 'outside'));
    writeFileSync(join(base, 'outside', 'secret'), 'secret');
    symlinkSync(join(base, 'outside'), at('way'));
    symlinkSync(join(base, 'outside', 'secret'), at('secret'));
  });

  test('a symbolic link is a link, for all kinds of requests', () => {
    const { client } = share();
    const way = there(client.lookUp(ROOT, 'way'));
    const secret = there(client.lookUp(ROOT, 'secret'));
    expect(way.mode & MODE.KIND).toBe(MODE.LINK);
    expect(client.readLink(way.node)).toBe(join(base, 'outside'));
    expect(client.lookUp(way.node, 'secret')).toBe(ERRNO.ENOTDIR);
    expect(client.open(secret.node).file).toBe(-EPERM);
    expect(client.openDirectory(way.node)).toBe(-ERRNO.ENOTDIR);
    const before = lstatSync(join(base, 'outside', 'secret'));
    client.setAttributes(secret.node, SET.MODE, [[SETATTR_IN.MODE, 0o777]]);
    client.setAttributes(secret.node, SET.SIZE, [], [[SETATTR_IN.SIZE, 0]]);
    expect(client.setAttributes(secret.node, SET.MTIME, [], [[SETATTR_IN.MTIME, 5]]).errno).toBe(0);
    expect(lstatSync(at('secret')).mtimeMs).toBe(5000);
    expect(client.create(ROOT, 'secret', { flags: 2 | OPEN.TRUNC }).file).toBe(-EPERM);
    expect(lstatSync(join(base, 'outside', 'secret'))).toEqual(before);
  });

  test('a link that the host puts where a directory was', () => {
    mkdirSync(at('inner'));
    writeFileSync(at('inner', 'secret'), 'mine');
    const { client } = share();
    const inner = client.node('inner');
    renameSync(at('inner'), at('elsewhere'));
    symlinkSync(join(base, 'outside'), at('inner'));
    // It is not held yet, and not there any more.
    expect(client.lookUp(inner, 'secret')).toBe(ESTALE);
    expect(there(client.lookUp(ROOT, 'inner')).node).not.toBe(inner);
    const elsewhere = client.node('elsewhere');
    expect(elsewhere).toBe(inner);
    const { file } = client.open(client.node('elsewhere/secret'));
    expect(Buffer.from(client.read(file, 0, 10).body).toString()).toBe('mine');
    client.close(file);
  });

  test('a directory that is held, and moved out of the folder', () => {
    mkdirSync(at('inner'));
    const { client } = share();
    const inner = client.node('inner');
    expect(client.lookUp(inner, 'nothing')).toBe(ENOENT);
    renameSync(at('inner'), at('moved'));
    mkdirSync(at('inner'));
    // The guest's file goes where the directory went that the guest knows.
    client.close(client.create(inner, 'file').file);
    expect([readdirSync(at('moved')), readdirSync(at('inner'))]).toEqual([['file'], []]);
  });
});

test('a file that has been replaced is another one', () => {
  writeFileSync(at('file'), 'old');
  const { client } = share();
  const old = client.node('file');
  writeFileSync(at('new'), 'new one');
  renameSync(at('new'), at('file'));
  expect(client.attributes(old)).toBe(ESTALE);
  expect(client.open(old).file).toBe(-ESTALE);
  const file = there(client.lookUp(ROOT, 'file'));
  expect([file.node === old, file.size]).toEqual([false, 7]);
});

test('a file that has got the number of one that is gone is another one, if it is of another kind', () => {
  writeFileSync(at('file'), 'content');
  const { client } = share();
  const file = client.node('file');
  unlinkSync(at('file'));
  // File systems like ext4 give a number again at once.
  symlinkSync('target', at('link'));
  const link = client.node('link');
  expect([link === file, client.readLink(link), client.open(file).file]).toEqual([false, 'target', -ESTALE]);
});

test('a file without a name is there as long as the guest knows it', () => {
  writeFileSync(at('file'), 'content');
  writeFileSync(at('other'), 'other');
  const { client, folder } = share();
  const [node, other] = [client.node('file'), client.node('other')];
  const { file } = client.open(node);
  expect(client.remove(ROOT, 'file')).toBe(0);
  expect(there(client.attributes(node))).toMatchObject({ size: 7, links: 0 });
  expect(Buffer.from(client.read(file, 0, 10).body).toString()).toBe('content');
  client.close(file);
  const again = client.open(node, OPEN.BOTH);
  expect(client.write(again.file, 0, bytes('C'))).toBe(1);
  client.close(again.file);
  // Another name of it is as good as a new one.
  linkSync(at('other'), at('second'));
  expect(client.remove(ROOT, 'other')).toBe(0);
  expect(client.node('second')).toBe(other);
  expect(there(client.attributes(other)).links).toBe(1);
  expect(client.remove(ROOT, 'second')).toBe(0);
  const before = folder.openDescriptors;
  client.forget(other, 2);
  client.forget(node);
  expect(folder.openDescriptors).toBe(before - 2);
});

test('names are moved, with all that is below them', () => {
  mkdirSync(at('a'));
  mkdirSync(at('b'));
  writeFileSync(at('a', 'file'), '1');
  writeFileSync(at('b', 'file'), '22');
  const { client } = share();
  const [a, b] = [client.node('a'), client.node('b')];
  const [one, two] = [client.node('a/file'), client.node('b/file')];
  expect(client.rename(a, 'file', b, 'file', 1)).toBe(EEXIST);
  expect(client.rename(a, 'file', b, 'file', 2)).toBe(EINVAL);
  expect(client.rename(a, 'file', b, 'file')).toBe(0);
  expect(there(client.attributes(one)).size).toBe(1);
  expect(there(client.attributes(two))).toMatchObject({ size: 2, links: 0 });
  expect(client.rename(ROOT, 'b', a, 'c', 1)).toBe(0);
  expect([there(client.attributes(one)).size, client.node('a/c/file')]).toEqual([1, one]);
  expect(client.rename(ROOT, 'nothing', a, 'x')).toBe(ENOENT);
  expect(there(client.link(one, ROOT, 'link'))).toMatchObject({ node: one, links: 2 });
  // Both names are of one file, and stay.
  expect([client.rename(ROOT, 'link', b, 'file'), existsSync(at('link'))]).toEqual([0, true]);
  expect(client.link(a, ROOT, 'directory')).toBe(EPERM);
});

test('a directory is emptied while it is read, by a program that takes less than the server tells', () => {
  for (let name = 0; name < 300; name++) writeFileSync(at(`name-${name}`), '');
  const { client } = share();
  const file = client.openDirectory(ROOT);
  let position = 2;
  for (;;) {
    const some = client.readDirectory(file, position).slice(0, 7);
    if (some.length === 0) break;
    for (const { name } of some) expect(client.remove(ROOT, name)).toBe(0);
    position = some[some.length - 1].next;
  }
  expect(readdirSync(path)).toEqual([]);
  writeFileSync(at('new'), '');
  expect(client.readDirectory(file, 0).map(({ name }) => name)).toEqual(['.', '..', 'new']);
});

test('a directory whose names have all gone since they were read is at its end', () => {
  for (let name = 0; name < 600; name++) writeFileSync(at(`name-${name}`), '');
  const { client, folder } = share();
  const file = client.openDirectory(ROOT);
  const { list } = folder;
  folder.list = (directory) => {
    const names = list.call(folder, directory);
    // Node reads names ahead, as the host does.
    const first = names.next();
    rmSync(path, { recursive: true });
    mkdirSync(path);
    let told = false;
    const next = () => {
      if (told) return names.next();
      told = true;
      return first;
    };
    return { next, close: () => names.close() };
  };
  expect(client.readDirectory(file, 2)).toEqual([]);
});

test('a directory is read in parts, from any place, while names come and go', () => {
  for (let name = 0; name < 300; name++) writeFileSync(at(`name-${name}`), '');
  const { client } = share();
  const all = ['.', '..', ...Array.from({ length: 300 }, (_, name) => `name-${name}`)].sort();
  expect([client.names(ROOT), client.names(ROOT, true)]).toEqual([all, all]);
  const file = client.openDirectory(ROOT);
  const some = client.readDirectory(file, 0);
  const middle = client.readDirectory(file, some[20].next);
  expect(middle[0].name).toBe(some[21].name);
  expect(client.readDirectory(file, 0)).toEqual(some);
  expect(client.readDirectory(file, 2 ** 40)).toEqual([]);
  for (let name = 0; name < 300; name++) unlinkSync(at(`name-${name}`));
  expect(client.readDirectory(file, 0, true).map(({ name, node }) => [name, node])).toEqual([
    ['.', 0],
    ['..', 0],
  ]);
  expect(() => client.readDirectory(file, 0, true, 100)).toThrow(`error ${EINVAL}`);
  expect(client.close(file)).toBe(EBADF);
  expect(client.close(file, OPCODE.RELEASEDIR)).toBe(0);
});

test('contents that the guest has may be kept as long as they are those of the file', () => {
  writeFileSync(at('file'), 'one');
  utimesSync(at('file'), 1000, 1000);
  const { client } = share();
  const node = client.node('file');
  const keeps = () => {
    const { file, flags } = client.open(node);
    client.close(file);
    return flags === 2;
  };
  // Just made: the next change could bear the same time.
  expect([keeps(), keeps()]).toEqual([false, false]);
  while (Date.now() - statSync(at('file')).ctimeMs < 100);
  expect([keeps(), keeps(), keeps()]).toEqual([false, true, true]);
  writeFileSync(at('file'), 'two');
  expect(keeps()).toBe(false);
});

test('a folder that is only to be read stays as it is', () => {
  writeFileSync(at('file'), 'kept');
  const { client } = share({ readOnly: true });
  const node = client.node('file');
  const { file } = client.open(node);
  expect(Buffer.from(client.read(file, 0, 10).body).toString()).toBe('kept');
  expect(client.write(file, 0, bytes('x'))).toBe(-EROFS);
  expect(client.copy(file, 0, file, 2, 2)).toBe(-EROFS);
  expect([client.open(node, OPEN.WRITE).file, client.open(node, OPEN.TRUNC).file]).toEqual([-EROFS, -EROFS]);
  expect(client.create(ROOT, 'new').file).toBe(-EROFS);
  expect(client.makeDirectory(ROOT, 'new')).toBe(EROFS);
  expect(client.makeLink(ROOT, 'new', 'x')).toBe(EROFS);
  expect(client.makeNode(ROOT, 'new', MODE.REGULAR | 0o644)).toBe(EROFS);
  expect(client.link(node, ROOT, 'new')).toBe(EROFS);
  expect([client.remove(ROOT, 'file'), client.removeDirectory(ROOT, 'file')]).toEqual([EROFS, EROFS]);
  expect(client.rename(ROOT, 'file', ROOT, 'new')).toBe(EROFS);
  expect(client.setAttributes(node, SET.MODE, [[SETATTR_IN.MODE, 0]]).errno).toBe(EROFS);
  client.close(file);
  expect([readdirSync(path), readFileSync(at('file'), 'latin1')]).toEqual([['file'], 'kept']);
});

test('descriptors have a limit, and directories beyond it are found again', () => {
  const deep = Array.from({ length: 300 }, (_, name) => `${name}`);
  for (const name of deep) mkdirSync(at(name));
  const { client, folder } = share({ mostDescriptors: 20 });
  const nodes = deep.map((name) => client.node(name));
  for (const node of nodes) expect(client.lookUp(node, 'nothing')).toBe(ENOENT);
  for (const node of nodes) client.close(client.create(node, 'file').file);
  expect(folder.openDescriptors).toBeLessThanOrEqual(10);
  const opened = nodes.slice(0, 11).map((node) => client.create(node, 'second').file);
  expect(opened.slice(10)).toEqual([-ENFILE]);
  expect(folder.openDescriptors).toBeLessThanOrEqual(20);
  for (const file of opened.slice(0, 10)) client.close(file);
});

test('a file is moved between two directories that are deep, and not held', () => {
  const one = Array.from({ length: 30 }, (_, at) => `one${at}`);
  const other = Array.from({ length: 30 }, (_, at) => `other${at}`);
  for (const names of [one, other]) mkdirSync(at(...names), { recursive: true });
  writeFileSync(at(...one, 'file'), 'moved');
  const { client, folder } = share({ mostDescriptors: 4 });
  const [from, to] = [client.node(one.join('/')), client.node(other.join('/'))];
  const file = client.node([...one, 'file'].join('/'));
  // Takes the places of those that are held.
  for (const names of [['one0'], ['other0']])
    expect(client.lookUp(client.node(names.join('/')), 'x')).toBe(ENOENT);
  expect(client.rename(from, 'file', to, 'new')).toBe(0);
  expect(readFileSync(at(...other, 'new'), 'latin1')).toBe('moved');
  expect([client.node([...other, 'new'].join('/')), folder.openDescriptors <= 4]).toEqual([file, true]);
});

test('what there is not, Linux is told of', () => {
  const { client } = share();
  expect(client.send(22, ROOT, { bytes: 8, names: ['user.x'] }).errno).toBe(ENOSYS);
  expect(client.send(OPCODE.FLUSH, ROOT, { bytes: 24 }).errno).toBe(ENOSYS);
  expect(client.send(9999, ROOT).errno).toBe(ENOSYS);
  expect(client.makeNode(ROOT, 'pipe', MODE.FIFO | 0o644)).toBe(EPERM);
  expect(client.open(ROOT).file).toBe(-EISDIR);
});

describe.runIf(process.getuid?.() === 0)('where this process may do everything', () => {
  test('owners are those of the guest, and permissions all that it wants', () => {
    const mask = process.umask(0o077);
    try {
      const { client } = share();
      client.close(client.create(ROOT, 'file', { mode: 0o666, uid: 1234, gid: 5678 }).file);
      expect(statSync(at('file'))).toMatchObject({ uid: 1234, gid: 5678, mode: 0o100666 });
      const node = client.node('file');
      const words = [
        [SETATTR_IN.UID, 4321],
        [SETATTR_IN.MODE, 0o4755],
      ] as const;
      expect(client.setAttributes(node, SET.UID | SET.MODE, words).errno).toBe(0);
      expect(statSync(at('file'))).toMatchObject({ uid: 4321, gid: 5678, mode: 0o104755 });
      mkdirSync(at('group'));
      chmodSync(at('group'), 0o2777);
      const inner = there(client.makeDirectory(client.node('group'), 'inner', 0o777));
      expect(inner.mode & 0o7777).toBe(0o2777);
    } finally {
      process.umask(mask);
    }
  });
});
