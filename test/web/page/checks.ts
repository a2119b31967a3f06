/**
 * Checks of tests in a page, by name: each gives what is to be looked at, as something that can be sent. Bundled by
 * `browser.ts`, beside the built package.
 */

import { boot, disks, type HartvisorError, imageBlob, restore, type Vm } from '../../../src/web/index.ts';
import type { NetworkStart } from '../../../src/web/network/network-start.ts';
import { extendHost } from '../../../src/web/network/network-thread.ts';
import { QUICK_START } from '../../machine/guest-script.ts';

const TICK = { kernel: 'tick.elf', append: 'seconds=1000', memory: '32M' };

/** Linux, for several checks. */
let vm: Vm;

const messageOf = (error: HartvisorError) => error.message;

const DISKS = ['opfs:raw', 'opfs:small', 'disk.img', 'opfs:records', 'opfs:grown'];
const notices: string[] = [];
const news = new EventTarget();

/** Notices with a text, when there is one: they come by another thread than what the guest prints. */
async function noticed(text: string): Promise<readonly string[]> {
  for (;;) {
    const found = notices.filter((notice) => notice.includes(text));
    if (found.length > 0) return found;
    await new Promise((resolve) => news.addEventListener('notice', resolve, { once: true }));
  }
}

/** In a browser that keeps no files for pages, as some do in private windows. */
async function withoutFiles<T>(work: () => Promise<T>): Promise<T> {
  const { getDirectory } = StorageManager.prototype;
  StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('no files', 'SecurityError'));
  try {
    return await work();
  } finally {
    StorageManager.prototype.getDirectory = getDirectory;
  }
}

/** Types at a shell. */
async function shell(): Promise<string> {
  await disks.import('raw', new Blob([new Uint8Array(2 ** 20)]));
  await disks.create('small', '1G');
  await withoutFiles(async () => {
    await disks.import('records', new Blob([new Uint8Array(2 ** 20 + 512)]));
    await disks.create('grown', '1G');
  });
  const files = { kernel: 'guest/kernel', initrd: 'guest/initrd', disk: DISKS };
  vm = await boot({
    ...{ ...files, cpus: 2, memory: '256M', trace: true, append: QUICK_START },
    network: { via: 'fetch', allow: ['127.0.0.1', 'named.localhost'] },
    onNotice: (text) => {
      notices.push(text);
      news.dispatchEvent(new Event('notice'));
    },
  });
  await vm.console.waitFor('~ #');
  await vm.console.write('nproc; echo $((6 * 7))\n');
  await vm.console.waitFor('42\r');
  return vm.console.text;
}

async function agent() {
  await vm.files.write('/tmp/there', 'and back');
  const { exitCode, stdout } = await vm.commands.run('cat /tmp/there; exit 3');
  return { exitCode, stdout, back: await vm.files.readText('/tmp/there') };
}

/** News of interrupts on their way, until one that another vCPU has set was taken. */
async function interrupts(): Promise<readonly string[]> {
  const seen = new Set<string>();
  for await (const { what } of vm.interrupts()) {
    seen.add(what);
    if (seen.has('set') && seen.has('taken')) break;
  }
  return [...seen];
}

async function output(command: string): Promise<string> {
  const { stdout, stderr } = await vm.commands.run(command);
  return stdout + stderr;
}

/** A disk of this browser, and one of a server, to which nothing is written. */
async function storedAndRemote() {
  const write = (drive: string) =>
    `printf %s $(head -c 5 /dev/${drive})-here | dd of=/dev/${drive} conv=fsync 2>/dev/null`;
  await output(`${write('vda')}; ${write('vdc')}; ${write('vdd')}; ${write('vde')}; sync`);
  return {
    size: await output('cat /sys/block/vdb/size'),
    remote: await output('head -c 12 /dev/vdc; tail -c 5 /dev/vdc'),
    records: await output('cat /sys/block/vdd/size; head -c 6 /dev/vdd; tail -c 3 /dev/vdd | tr "\\0" z'),
    grown: await output('head -c 6 /dev/vde'),
    exported: await disks.export('raw').catch(messageOf),
  };
}

/** Fills a disk for which the browser has no room. */
async function overQuota() {
  const said = await output('dd if=/dev/urandom of=/dev/vdb bs=1M count=64 oflag=direct; echo $?');
  return { said, told: await noticed('no more room') };
}

/** A tab that is hidden has slow timers, or none: guest time goes on, and the guest is woken. */
async function withoutTimers() {
  const { setTimeout: plain } = globalThis;
  Object.assign(globalThis, { setTimeout: () => 0 });
  try {
    return await sleep();
  } finally {
    globalThis.setTimeout = plain;
  }
}

/** Resolves when others see the page, or do not see it. */
async function isSeen(state: string): Promise<string> {
  while (document.visibilityState !== state)
    await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
  return state;
}

/** The guest sleeps by its own timers, whatever the page's are. */
const sleep = () => output('sleep 0.2; echo woken');

/** Of another tab, while a machine has it. */
async function diskInUse(): Promise<unknown> {
  return boot({ ...TICK, disk: 'opfs:raw' }).catch(messageOf);
}

async function storedAfterReload() {
  const first = async (name: string) => (await disks.export(name)).slice(0, 6).text();
  const content = await first('raw');
  const records = await withoutFiles(() => first('records'));
  const names = (await disks.list()).map(({ name }) => name);
  for (const name of names) await disks.remove(name);
  return { content, records, names, left: await disks.list() };
}

async function badDisks() {
  const said = (disk: string) => boot({ ...TICK, disk }).catch(messageOf);
  return {
    whole: await said('tick.elf'),
    missing: await said('none.img'),
    stored: await said('opfs:none'),
    name: await said('opfs:../x'),
  };
}

/** Requests of the guest that the browser makes: to this page's server, to one that is not allowed, and by TLS. */
async function fetched() {
  const { port } = location;
  const get = (url: string, more = '') => output(`wget -q -T 60 -O - ${more} ${url} 2>&1`);
  return {
    own: await get(`http://10.0.2.2:${port}/echo`, '--post-data=sent'),
    // More than a window.
    long: await output(
      `head -c ${2 ** 21} /dev/zero | tr '\\0' x > /tmp/long; wget -q -O - --post-file=/tmp/long http://10.0.2.2:${port}/echo | wc -c`,
    ),
    named: await get(`http://named.localhost:${port}/echo`),
    other: await get(`http://example.org:${port}/echo`),
    missing: await get(`http://10.0.2.2:${port}/none`),
    away: await get(`http://10.0.2.2:${port}/away`),
    secure: await get('https://named.localhost/'),
    told: await noticed('TLS'),
  };
}

/** Frames between two networks, there and back. */
async function frames(start: NetworkStart): Promise<readonly number[]> {
  const [one, other] = [1, 2].map(() => {
    const network = extendHost(start).openNetwork?.({ ready: () => undefined, notice: () => undefined });
    if (network === undefined) throw new Error('there is no network');
    return network;
  });
  const taker = { openChecksums: false, longFrames: false };
  const seen: number[] = [];
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    while (to.peek(taker) === undefined) {
      // Lost until the other one is there.
      from.send(new Uint8Array(60), undefined);
      await from.turn();
    }
    seen.push(to.peek(taker)?.bytes.length ?? 0);
  }
  for (const each of [one, other]) each.end();
  return seen;
}

/** By what the frames of the next check say whether their sender has heard of the other one. */
const HEARD = 59;

/** A frame to another tab on the same link, and one back. Both tabs do this at once. */
async function linkedTabs(name: string): Promise<string> {
  const network = extendHost({ kind: 'link', name }).openNetwork?.({
    ready: () => undefined,
    notice: () => undefined,
  });
  if (network === undefined) throw new Error('there is no network');
  const taker = { openChecksums: false, longFrames: false };
  const own = new Uint8Array(60);
  for (let isAnswered = false; ; ) {
    // Lost until the other one is there.
    network.send(own, undefined);
    await network.turn();
    if (isAnswered) break;
    // All that wait: the last frame of the other one has room then.
    for (let frame = network.peek(taker); frame !== undefined; frame = network.peek(taker)) {
      isAnswered ||= frame.bytes[HEARD] === 1;
      own[HEARD] = 1;
      network.shift();
    }
  }
  network.end();
  return 'linked';
}

async function links(relay: string) {
  const badNetworks = [
    true,
    { via: 'carrier pigeon' },
    { via: 'fetch' },
    { via: 'link:a', allow: ['x'] },
  ] as const;
  const said = [];
  for (const network of badNetworks) said.push(await boot({ ...TICK, network }).catch(messageOf));
  return {
    link: await frames({ kind: 'link', name: 'a' }),
    relay: await frames({ kind: 'relay', url: relay }),
    said,
  };
}

/** Contents of memory are there in a machine that goes on from a file; its network has another way out. */
async function savedAndRestored(wisp: string) {
  const { result: image, names: threads } = await threadsOf(() => vm.snapshot());
  const blob = imageBlob(image);
  await vm.stop();
  vm = await restore(new File([blob], 'saved'), { disk: DISKS, network: { via: wisp } });
  const kept = await output('cat /tmp/there; nproc; head -c 12 /dev/vdc');
  const answer = await output('wget -q -T 60 -O - --post-data=sent http://files.example.org:8080/echo 2>&1');
  await vm.stop();
  return { kept, answer, threads };
}

async function restoreFromServer() {
  let read = 0;
  const restored = await restore('tick.snapshot', { onProgress: ({ bytes = 0 }) => (read = bytes) });
  await restored.pause();
  restored.resume();
  const copy = await restored.fork();
  await restored.stop();
  const { reason } = await copy.stop();
  const cut = await restore('cut.snapshot').catch(messageOf);
  const none = await restore('tick.elf').catch(messageOf);
  const given = await restore('tick.snapshot', { signal: AbortSignal.timeout(0) }).catch(messageOf);
  return { reason, cut, none, given, read };
}

async function ending(machine: Vm): Promise<string> {
  const end = await machine.ended;
  return end.reason === 'defect' ? end.error.message : end.reason;
}

/** A worker that the browser ends says no more than an event. */
async function crash(): Promise<string> {
  const threads: Worker[] = [];
  return withWorker(
    class extends Worker {
      constructor(url: string | URL, own?: WorkerOptions) {
        super(url, own);
        threads.push(this);
      }
    },
    async () => {
      const machine = await boot({ ...TICK, cpus: 2, threads: 2 });
      await machine.console.waitFor('tick:');
      threads[0]?.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }));
      return ending(machine);
    },
  );
}

/** A bundler has left the threads' module behind. */
async function lostModule(): Promise<string> {
  return withWorker(
    class extends Worker {
      constructor() {
        super('/nowhere.js');
      }
    },
    async () => ending(await boot(TICK)),
  );
}

/** The threads that the page itself starts meanwhile, by their names. */
async function threadsOf<T>(work: () => Promise<T>) {
  const names: (string | undefined)[] = [];
  const result = await withWorker(
    class extends Worker {
      constructor(url: string | URL, own?: WorkerOptions) {
        super(url, own);
        names.push(own?.name);
      }
    },
    work,
  );
  return { result, names };
}

async function withWorker<T>(other: typeof Worker, work: () => Promise<T>): Promise<T> {
  const plain = globalThis.Worker;
  globalThis.Worker = other;
  try {
    return await work();
  } finally {
    globalThis.Worker = plain;
  }
}

/** @returns what `boot` says of each */
async function mistakes() {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor({ shared }: WebAssembly.MemoryDescriptor) {
      // More than any browser gives.
      super({ initial: 2 ** 20, maximum: 2 ** 20, shared: shared === true });
    }
  };
  const memory = await boot(TICK).catch(messageOf);
  WebAssembly.Memory = Memory;
  const missing = await boot({ kernel: 'none' }).catch(messageOf);
  const page = await boot({ kernel: '/' }).catch(messageOf);
  return { memory, missing, page };
}

async function notIsolated() {
  return boot(TICK).catch(({ code, message }: HartvisorError) => ({ code, message }));
}

const checks = {
  ...{ isSeen, sleep },
  ...{ shell, agent, interrupts, savedAndRestored, restoreFromServer },
  ...{
    withoutTimers,
    fetched,
    links,
    linkedTabs,
    storedAndRemote,
    overQuota,
    diskInUse,
    storedAfterReload,
    badDisks,
  },
  ...{ crash, lostModule, mistakes, notIsolated },
};

Object.assign(globalThis, { checks });
