/** All kinds of virtio devices on wires of their own, with RAM whose surroundings are watched. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VirtioFunction } from '../../src/devices/virtio/function.ts';
import { VirtioMmio } from '../../src/devices/virtio/mmio.ts';
import { virtioWords } from '../../src/devices/virtio/words.ts';
import { VirtioBalloon } from '../../src/devices/virtio-balloon/device.ts';
import { VIRTIO_BALLOON } from '../../src/devices/virtio-balloon/facts.ts';
import { BALLOON_WORDS } from '../../src/devices/virtio-balloon/words.ts';
import { VirtioBlk } from '../../src/devices/virtio-blk/device.ts';
import { blkQueues } from '../../src/devices/virtio-blk/facts.ts';
import { virtioConsole } from '../../src/devices/virtio-console/descriptor.ts';
import { VirtioConsole } from '../../src/devices/virtio-console/device.ts';
import { consoleWords } from '../../src/devices/virtio-console/words.ts';
import { VirtioFs } from '../../src/devices/virtio-fs/device.ts';
import { VIRTIO_FS } from '../../src/devices/virtio-fs/facts.ts';
import { VirtioNet } from '../../src/devices/virtio-net/device.ts';
import { VIRTIO_NET } from '../../src/devices/virtio-net/facts.ts';
import { NET_WORDS } from '../../src/devices/virtio-net/words.ts';
import { VirtioRng } from '../../src/devices/virtio-rng/device.ts';
import { VIRTIO_RNG } from '../../src/devices/virtio-rng/facts.ts';
import { VirtioVsock } from '../../src/devices/virtio-vsock/device.ts';
import { VIRTIO_VSOCK } from '../../src/devices/virtio-vsock/facts.ts';
import { VSOCK_WORDS } from '../../src/devices/virtio-vsock/words.ts';
import type { GuestMemory } from '../../src/memory/guest-memory.ts';
import { DEFAULT_MAC, userNetwork } from '../../src/network/defaults.ts';
import { UserNetwork } from '../../src/network/user-network.ts';
import { NodeFolder, openRoot } from '../../src/node/shares/node-folder.ts';
import { FUSE, OPCODE } from '../../src/shared-folders/fuse/facts.ts';
import type { ShortStorage } from '../../src/storage/storage.ts';
import { request } from '../shared-folders/fuse-client.ts';
import { Chance, HostileRequests } from '../shared-folders/hostile-requests.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import type { Registers } from './hostile-guest.ts';
import { createRam, RAM, RAM_BYTES } from './virtio-driver.ts';

interface Kind {
  readonly sizes: readonly number[];
  /** Shared words of its own. */
  readonly words?: number;
  /** Its requests are those of an I/O thread. */
  readonly later?: boolean;
  create(memory: GuestMemory, words: Int32Array, told: () => void): VirtioFunction;
  /** Makes up requests from a seed, if they are more than a number at the beginning of a buffer. */
  requests?(seed: number): () => Uint8Array;
}

const PORTS = [{}, { name: 'channel' }];
const silent = () => undefined;

/** A disk of which the thread that notifies has every second piece. */
function everySecondPiece(): ShortStorage {
  const disk = new MemoryStorage(new Uint8Array(1 << 16));
  return {
    size: disk.size,
    has: (offset, bytes) => offset % 2048 === 0 && offset + bytes <= disk.size,
    readParts: (offset, into) => disk.readParts(offset, into),
    writeParts: (offset, from) => disk.writeParts(offset, from),
  };
}

const disk = (anyThread: boolean, inPart = false): Kind => ({
  sizes: blkQueues(2),
  later: true,
  create: (memory) =>
    new VirtioBlk({
      memory,
      queues: blkQueues(2).length,
      drive: { name: 'disk', bytes: 1 << 16, readOnly: false, serial: 'serial', anyThread },
      open: () => new MemoryStorage(new Uint8Array(1 << 16)),
      openShort: () => (inPart ? everySecondPiece() : undefined),
      onTrouble: silent,
    }),
});

const initRequest = () => request(OPCODE.INIT, 0, 1, { bytes: 64, words: [[0, FUSE.major]] });

/** A folder of its own that is gone with the process. */
function scratchFolder(): NodeFolder {
  const path = mkdtempSync(join(tmpdir(), 'hartvisor-hostile-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return new NodeFolder({ root: openRoot(path), mostDescriptors: 300 });
}

export const HOSTILE_DEVICES: Readonly<Record<string, Kind>> = {
  'blk, on an I/O thread': disk(false),
  'blk, on any thread': disk(true),
  'blk, in part on any thread': disk(false, true),
  net: {
    sizes: VIRTIO_NET.queues,
    words: NET_WORDS,
    later: true,
    create: (memory, words) => {
      const network = new UserNetwork(userNetwork({ restrict: true }), {
        host: {
          ownAddresses: () => [],
          connect: () => {
            throw new Error('a guest without any rights has got to the host');
          },
          openDatagrams: () => {
            throw new Error('a guest without any rights has got to the host');
          },
          resolve: () => Promise.resolve(undefined),
          query: () => Promise.reject(new Error('nobody answers')),
        },
        clock: { now: () => 0, after: () => silent },
        ready: silent,
      });
      return new VirtioNet({ words, memory, mac: DEFAULT_MAC, network: () => network });
    },
  },
  console: {
    sizes: virtioConsole.queues({ kind: 'domain', cpus: 1, ports: PORTS }),
    words: consoleWords(PORTS),
    create: (memory, words, told) => new VirtioConsole(words, { memory, ports: PORTS, onNotify: told }),
  },
  balloon: {
    sizes: VIRTIO_BALLOON.queues,
    words: BALLOON_WORDS,
    later: true,
    create: (memory, words) => new VirtioBalloon(words, memory),
  },
  fs: {
    sizes: VIRTIO_FS.queues,
    later: true,
    create: (memory) => {
      const share = { name: 'folder', tag: 'folder', readOnly: false };
      return new VirtioFs({ memory, share, open: scratchFolder, onTrouble: silent });
    },
    requests: (seed) => {
      const requests = new HostileRequests(new Chance(seed));
      let count = 0;
      // Nothing is answered before INIT, and the answer to it may be one of those that get lost.
      return () => (count++ % 64 === 0 ? initRequest() : requests.next());
    },
  },
  rng: {
    sizes: VIRTIO_RNG.queues,
    create: (memory) => new VirtioRng(memory, (bytes) => bytes.fill(0x5a)),
  },
  vsock: {
    sizes: VIRTIO_VSOCK.queues,
    words: VSOCK_WORDS,
    create: (memory, words, told) => new VirtioVsock(words, { memory, cid: 3, onNotify: told }),
  },
};

/** A device, and all that happens around it. */
export interface HostileRig {
  readonly memory: GuestMemory;
  readonly registers: Registers;
  readonly queues: number;
  /** See {@link HostileGuest}. */
  readonly requests?: ((seed: number) => () => Uint8Array) | undefined;
  /** Has the other threads of a machine do their part. */
  pump(): void;
  /** The fault; undefined if there is none. */
  trouble(): string | undefined;
}

/** @throws Error if there is no device of that name */
export function createHostile(name: string): HostileRig {
  const kind = HOSTILE_DEVICES[name];
  if (kind === undefined) throw new Error(`there are ${Object.keys(HOSTILE_DEVICES).join('; ')}`);
  const { sizes, words: own = 0, later = false, create, requests } = kind;
  const memory = createRam();
  const first = virtioWords(sizes.length);
  // Words behind the device's, too, stay as they are.
  const shared = new Int32Array(new SharedArrayBuffer(4 * (first + own + GUARD))).fill(FILL, first + own);
  let told = false;
  const device = create(memory, shared.subarray(first, first + own), () => (told = true));
  const wakeIo = later ? () => undefined : undefined;
  const irq = { set: silent };
  const transport = new VirtioMmio(shared.subarray(0, first + own), device, sizes, { memory, irq, wakeIo });
  const port = { output: silent, opened: silent, inputSpace: silent };
  const side = transport.connect({ console: { output: silent }, ports: PORTS.map(() => port) });
  const bytes = new Uint8Array(memory.linear.buffer);
  const ram = memory.offsetOf(RAM, RAM_BYTES);
  for (const part of [bytes.subarray(0, ram), bytes.subarray(ram + RAM_BYTES)]) part.fill(FILL);
  return {
    ...{ memory, registers: transport, queues: sizes.length, requests },
    pump: () => {
      if (later) transport.work();
      if (!told) return;
      told = false;
      side?.hear(0);
    },
    trouble: () => {
      const around = [...parts(bytes, ram)].every((part) => part.every((byte) => byte === FILL));
      if (!around) return 'memory around RAM has changed';
      return shared.subarray(first + own).every((word) => word === FILL)
        ? undefined
        : 'words behind those of the device have changed';
    },
  };
}

const FILL = 0x5c;
const GUARD = 64;

function* parts(bytes: Uint8Array, ram: number) {
  yield bytes.subarray(0, ram);
  yield bytes.subarray(ram + RAM_BYTES);
}
