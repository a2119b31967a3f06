import { AGENT_PORT } from '../agent/protocol.ts';
import type { BootOptions } from '../api/boot-options.ts';
import type { Platform, PreparedMachine } from '../api/platform.ts';
import { readMemorySize, readShape } from '../api/shape.ts';
import { InputError } from '../errors/input-error.ts';
import { maximumMemory } from '../machine/plan.ts';
import { attachParts, notesOf } from './attach-parts.ts';
import { loadGuest } from './load-guest.ts';
import { refuseForPages } from './refuse.ts';
import { restorePlatform } from './restore-platform.ts';
import { domainThreads, WebHost } from './web-host.ts';

/** Machines of the API in a page. */
export const webPlatform: Platform = {
  ...restorePlatform,
  prepare,
  // A page stays until it is left.
  hold: () => () => undefined,
  listen: () => {
    throw new InputError(
      'A page has no ports that others can connect to. Talk to servers in the guest with `vm.fetch(port, request)`.',
    );
  },
  folders: {
    entries: (folder) => noFolders(folder),
    put: (folder) => noFolders(folder),
  },
  breathe,
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** By a message: browsers make timers of hidden tabs wait for a second or more. */
function breathe(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

function noFolders(folder: string): never {
  throw new InputError(
    `A page has no folder ${folder}. Copy files one by one: \`vm.files.write(path, contents)\` and \`vm.files.read(path)\`.`,
  );
}

async function prepare(options: BootOptions): Promise<PreparedMachine> {
  const shape = readShape(options, navigator.hardwareConcurrency);
  refuseForPages(options);
  const host = new WebHost();
  try {
    host.prepare(domainThreads(shape.pcpus, options.trace === true), shape.xlen, shape.engine);
    const parts = await attachParts(options, shape.virtio, host);
    const attached = { ...parts.attached, ports: [{ name: AGENT_PORT }] };
    const { vcpus: cpus, pcpus, aia } = shape;
    const sizes = { kind: 'domain', cpus, pcpus, aia, ...attached } as const;
    const memoryBytes = readMemorySize(options.memory, maximumMemory(sizes));
    const guest = await loadGuest(options, memoryBytes);
    const trace = options.trace === true ? { trace: {} } : {};
    // A buffer that the program gave stays its own.
    const detachFiles = !(options.kernel instanceof Uint8Array || options.initrd instanceof Uint8Array);
    const config = {
      kind: 'domain',
      ...shape,
      ...attached,
      ...guest,
      ...trace,
      memoryBytes,
      detachFiles,
    } as const;
    return { config, host, forwards: [], ...notesOf(parts), close: () => host.close() };
  } catch (error) {
    host.close();
    throw error;
  }
}
