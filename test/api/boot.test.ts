/** Machines by `boot`, with the guest that needs no download. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { type BootOptions, boot, InputError, MachineEndedError } from '../../src/node/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-api-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const long: BootOptions = { guest: 'tick', append: 'seconds=1000', memory: '32M' };
const tickFile = fileURLToPath(new URL('../../guests/tick/tick.elf', import.meta.url));
const TWO_PROTOCOLS = `
  import { protocolByName } from ${JSON.stringify(new URL('../../src/interrupts/protocols.ts', import.meta.url).href)};
  const shipped = protocolByName('take-mirror');
  const named = (name, rest) => ({ ...shipped, name, provenance: 'a test', ...rest });
  export const good = named('good', {});
  export const forgetful = named('forgetful', {
    flush(words, local) {
      local.hvipLo = Atomics.and(words, 0, ~local.guestWritableLo) >>> 0;
    },
  });
`;
const index = fileURLToPath(new URL('../../src/node/index.ts', import.meta.url));

describe('boot', () => {
  test('runs a machine to its end, and shows what it wrote', async () => {
    const vm = await boot({ guest: 'tick', append: 'rounds=1', memory: '32M', cpus: 2 });
    await vm.console.waitFor('tick: PASS');
    expect(await vm.ended).toEqual({ reason: 'poweroff' });
    expect(vm.stats()).toHaveLength(2);
    await expect(vm.console.write('x')).rejects.toBeInstanceOf(MachineEndedError);
    await expect(vm.pause()).rejects.toBeInstanceOf(MachineEndedError);
  });

  test('loses nothing where a machine gets a part of a processor only', async () => {
    const vm = await boot({ guest: 'tick', append: 'rounds=1', memory: '32M', limits: { cpus: 0.4 } });
    expect(await vm.ended, vm.console.text).toEqual({ reason: 'poweroff' });
    expect(vm.console.text).toContain('tick: PASS');
  });

  test('uses a protocol of the program, and says what is wrong with a module', async () => {
    const own = (file: string) => new URL(file, pathToFileURL(join(directory, 'x')));
    writeFileSync(join(directory, 'two.mjs'), TWO_PROTOCOLS);
    const run = async (protocol: URL) => {
      const vm = await boot({ guest: 'tick', append: 'rounds=2 watchdog=5', memory: '32M', protocol });
      await vm.ended;
      return vm.console.text;
    };
    expect(await run(own('two.mjs#good'))).toContain('tick: PASS');
    expect(await run(own('two.mjs#forgetful'))).toContain('tick: FAIL');
    await expect(run(own('two.mjs'))).rejects.toThrow('several protocols: good, forgetful');
    await expect(run(own('two.mjs#other'))).rejects.toThrow('no protocol "other"; it has good, forgetful');
    await expect(run(own('none.mjs'))).rejects.toBeInstanceOf(InputError);
  });

  test('runs several machines beside each other, each until it is disposed of', async () => {
    const vms = await Promise.all([boot(long), boot(long)]);
    await Promise.all(vms.map((vm) => vm.console.waitFor('tick')));
    await vms[0].pause();
    vms[0].resume();
    for (const vm of vms) await vm[Symbol.asyncDispose]();
    for (const vm of vms) expect(await vm.ended).toEqual({ reason: 'stopped' });
  });

  test('ends a machine when its time is over', async () => {
    const vm = await boot({ ...long, limits: { seconds: 0.2 } });
    expect(await vm.ended).toMatchObject({ reason: 'limit', limit: 'seconds' });
  });

  test('ends a machine by a signal, also before it runs', async () => {
    const controller = new AbortController();
    const vm = await boot({ ...long, signal: controller.signal });
    controller.abort();
    expect(await vm.ended).toEqual({ reason: 'stopped' });
    await expect(boot({ ...long, signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow(
      'too late',
    );
  });

  test('takes the contents of a kernel, and leaves them as they are', async () => {
    const kernel = new Uint8Array(readFileSync(tickFile));
    const vm = await boot({ kernel, append: 'rounds=1', memory: '32M' });
    expect(await vm.ended).toEqual({ reason: 'poweroff' });
    expect(kernel.buffer.detached).toBe(false);
    await expect(boot({ kernel: kernel.subarray(0, 100).slice() })).rejects.toThrow(
      'the kernel that was given',
    );
  });

  test.each<[string, BootOptions]>([
    ['kernel and guest both name', { kernel: 'x', guest: 'tick' }],
    ['guest: tick has no use for initrd:', { ...long, initrd: 'x' }],
    ['kernel /nowhere/Image', { kernel: '/nowhere/Image' }],
    ['is more than a guest can have', { ...long, memory: '64G' }],
    ['share: "work" is no path', { ...long, share: { work: '.' } }],
    ['/nowhere/at/all', { ...long, share: { '/work': '/nowhere/at/all' } }],
    ['/nowhere/disk.img', { ...long, disk: '/nowhere/disk.img' }],
    ['network.allow: "a b"', { ...long, network: { allow: ['a b'] } }],
    ['network.forward: ports 0 and 70000', { ...long, network: { forward: [{ guestPort: 70_000 }] } }],
    // In the words of programs, not in those of the command.
    ['The folder /nowhere cannot be shared: there is none.', { ...long, share: { '/work': '/nowhere' } }],
    ['or give it more memory;', { guest: 'tick', memory: '64K' }],
    ['Name one of your own with kernel:', { cpu: 'rv32' }],
    ['memory: lots is not a size', { ...long, memory: 'lots' }],
    ['guest: "ubuntu" is not possible: give one of busybox', JSON.parse('{"guest":"ubuntu"}')],
    ['append: "a\\u0000b" is not possible', { ...long, append: 'a\0b' }],
    [
      'network.forward[0].protocol: "icmp"',
      JSON.parse('{"network":{"forward":[{"guestPort":1,"protocol":"icmp"}]}}'),
    ],
    ['is no IPv4 address', { ...long, network: { forward: [{ guestPort: 22, host: 'example.org' }] } }],
  ])('says what is wrong: %s', async (message, options) => {
    const failure = await boot(options).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(InputError);
    expect(failure).toMatchObject({ code: 'input', message: expect.stringContaining(message) });
    expect(String(failure)).not.toMatch(/--[a-z]/);
  });
});

test('a program ends though it drops its machine or gets none, and not before what it waits for', async () => {
  const run = async (name: string, rest: string, options: BootOptions = long) => {
    const file = join(directory, name);
    writeFileSync(
      file,
      `import { boot } from ${JSON.stringify(index)};
       const vm = await boot(${JSON.stringify(options)});
       await vm.console.waitFor('tick');
       ${rest}`,
    );
    return promisify(execFile)(process.execPath, [file]);
  };
  const [dropped, waited, failed] = await Promise.all([
    run('dropped.mjs', `console.log('dropped');`),
    run('waited.mjs', `setTimeout(() => vm.stop(), 50).unref(); console.log((await vm.ended).reason);`),
    run('failed.mjs', '', { ...long, disk: '/nowhere/disk.img' }).catch((error: unknown) => error),
  ]);
  expect(dropped.stdout).toBe('dropped\n');
  expect(waited.stdout).toBe('stopped\n');
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('/nowhere/disk.img') });
});
