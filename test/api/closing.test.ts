/** Machines that cannot be made: all that was opened for them is closed. */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bootOn } from '../../src/api/boot.ts';
import type { Platform, PreparedMachine } from '../../src/api/platform.ts';
import type { RestoreOptions } from '../../src/api/vm-image.ts';
import { nodePlatform } from '../../src/node/api/node-platform.ts';
import { type BootOptions, boot, MachineEndedError, restore, type Vm } from '../../src/node/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-closing-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const long: BootOptions = { guest: 'tick', append: 'seconds=1000', memory: '32M', threads: 1 };

/** Whether this process has a file open. */
function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      // That of the list itself.
      return false;
    }
  });
}

/** Node's platform, of which each machine notes its end, and may be changed. */
function watched(change: (prepared: PreparedMachine) => Partial<PreparedMachine> = () => ({})) {
  let open = 0;
  const watch = async (preparing: Promise<PreparedMachine>): Promise<PreparedMachine> => {
    const prepared = await preparing;
    open++;
    const close = () => {
      open--;
      prepared.close();
    };
    return { ...prepared, ...change(prepared), close };
  };
  const platform: Platform = {
    ...nodePlatform,
    prepare: (options) => watch(nodePlatform.prepare(options)),
    adopt: (saved, options) => watch(nodePlatform.adopt(saved, options)),
  };
  return { platform, open: () => open };
}

/** A host on which no machine can be put together. */
const broken: PreparedMachine['host'] = {
  get clockOffset(): number {
    throw new Error('there is no clock');
  },
  spawn: () => {
    throw new Error('there are no threads');
  },
};

describe('a machine that cannot be put together', () => {
  test('as a new one is closed', async () => {
    const { platform, open } = watched(() => ({ host: broken }));
    await expect(bootOn(platform, long)).rejects.toThrow('there is no clock');
    expect(open()).toBe(0);
  });

  test('as a copy is closed, and the first one goes on', async () => {
    let fails = false;
    const { platform, open } = watched(() => (fails ? { host: broken } : {}));
    await using vm = await bootOn(platform, long);
    await vm.console.waitFor('tick');
    fails = true;
    await expect(vm.fork()).rejects.toThrow('there is no clock');
    expect(open()).toBe(1);
    fails = false;
    const copy = await vm.fork();
    expect(await copy.stop()).toEqual({ reason: 'stopped' });
    expect(open()).toBe(1);
  });
});

test('a machine one of whose threads cannot be started is closed when the others have ended', async () => {
  const { platform, open } = watched(({ host }) => ({
    host: {
      clockOffset: host.clockOffset,
      spawn: (start, ...listeners) => (start.index === 1 ? broken : host).spawn(start, ...listeners),
    },
  }));
  const vm = await bootOn(platform, { ...long, threads: 2, limits: { seconds: 1000 } });
  expect(await vm.ended).toMatchObject({ reason: 'defect', error: { message: 'there are no threads' } });
  expect(open()).toBe(0);
});

test('a machine that has ended gets no port of the host', async () => {
  const vm = await boot({ guest: 'tick', append: 'rounds=1', memory: '32M' });
  const forward = await vm.ports.forward(80);
  const { port } = forward;
  await vm.ended;
  await expect(vm.ports.forward(80, { port })).rejects.toBeInstanceOf(MachineEndedError);
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
});

describe('a machine of one that is saved', () => {
  let vm: Vm;
  let saved: string;
  beforeEach(async () => {
    vm = await boot(long);
    await vm.console.waitFor('tick');
    saved = join(directory, 'saved');
  });
  afterEach(() => vm.stop());

  test('is not copied when its signal has come before', async () => {
    await expect(vm.fork({ signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
  });

  test('is closed when its signal comes before its start', async () => {
    const controller = new AbortController();
    let aborts = false;
    const { platform, open } = watched();
    const breathe = async () => {
      if (aborts) controller.abort(new Error('too late'));
    };
    await using first = await bootOn({ ...platform, breathe }, long);
    aborts = true;
    await expect(first.fork({ signal: controller.signal })).rejects.toThrow('too late');
    expect(open()).toBe(1);
  });

  test.each<[string | RegExp, RestoreOptions]>([
    ['/nowhere/disk.img', { disk: '/nowhere/disk.img' }],
    ['saved without', { disk: 'DISK' }],
    [/run on 1 to 2 threads|a whole number, 1 to 2/, { threads: 9 }],
    ['limits.seconds: -1', { limits: { seconds: -1 } }],
    ['limits.cpus: 0', { limits: { cpus: 0 } }],
  ])('leaves no file open where it cannot be had: %s', async (message, given) => {
    const disk = join(directory, 'disk.img');
    writeFileSync(disk, new Uint8Array(4096));
    const options = given.disk === 'DISK' ? { disk } : given;
    await vm.save(saved);
    await expect(restore(saved, options)).rejects.toThrow(message);
    expect([isOpen(saved), isOpen(disk)]).toEqual([false, false]);
    expect(readdirSync(directory).filter((name) => name.endsWith('-lock'))).toEqual([]);
    await expect(vm.fork(options)).rejects.toThrow(message);
    expect(isOpen(disk)).toBe(false);
  });
});
