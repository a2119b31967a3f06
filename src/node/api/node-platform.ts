import { availableParallelism } from 'node:os';
import { AGENT_PORT } from '../../agent/protocol.ts';
import type { BootOptions } from '../../api/boot-options.ts';
import type { Platform, PreparedMachine } from '../../api/platform.ts';
import { LONGEST_TIMEOUT } from '../../api/quantities.ts';
import { readMemorySize, readShape } from '../../api/shape.ts';
import { InputError } from '../../errors/input-error.ts';
import { maximumMemory } from '../../machine/plan.ts';
import { opening } from '../closers.ts';
import { loadGuest, type OptionNames } from '../guests/load-guest.ts';
import type { NodeHost } from '../node-host.ts';
import { attachParts } from './attach-parts.ts';
import { backgroundHost } from './background-host.ts';
import { giveTrace } from './give-trace.ts';
import { listen } from './listen.ts';
import { localFolders } from './local-folders.ts';
import { restorePlatform } from './restore-platform.ts';

const NAMES: OptionNames = { kernel: 'kernel:', initrd: 'initrd:', guest: 'guest:' };

/** Machines of the API in a Node program. */
export const nodePlatform: Platform = {
  ...restorePlatform,
  prepare,
  hold() {
    const timer = setInterval(() => undefined, LONGEST_TIMEOUT * 1000);
    return () => clearInterval(timer);
  },
  listen,
  folders: localFolders,
  breathe: () => Promise.resolve(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

async function useProtocol({ protocol }: BootOptions, host: NodeHost): Promise<void> {
  if (protocol === undefined || typeof protocol === 'string') return;
  const { useOwnProtocol } = await import('../own-protocol.ts');
  await useOwnProtocol(host, protocol, 'protocol:');
}

async function prepare(options: BootOptions): Promise<PreparedMachine> {
  const shape = readShape(options, availableParallelism());
  if (options.kernel !== undefined && options.guest !== undefined)
    throw new InputError('kernel and guest both name what is started. Give one of them.');
  if (options.guest === 'debian')
    throw new InputError('guest: debian is for the command line. Give a disk with a Debian by disk.');
  return opening(async (closers) => {
    const host = backgroundHost(closers);
    await useProtocol(options, host);
    const trace = await giveTrace(options, host, closers);
    const parts = await attachParts(options, shape, host, closers);
    const { drives, shares, forwards } = parts;
    const attached = { ...parts.attached, ports: [{ name: AGENT_PORT }] };
    const sizes = {
      kind: 'domain',
      cpus: shape.vcpus,
      pcpus: shape.pcpus,
      aia: shape.aia,
      ...attached,
    } as const;
    const memoryBytes = readMemorySize(options.memory, maximumMemory(sizes));
    const { name, ...guest } = await loadGuest({
      ...{ kernel: options.kernel, initrd: options.initrd, append: options.append, guest: options.guest },
      ...{ memoryBytes, xlen: shape.xlen, terminal: 'serial', disk: drives[0], names: NAMES },
      parts: {
        virtio: shape.virtio,
        disks: drives.length > 0,
        network: attached.network !== undefined,
        balloon: options.balloon === true,
        agent: true,
        processes: options.limits?.processes,
        shares,
      },
      onProgress: options.onProgress,
      signal: options.signal,
    });
    // A buffer that the program gave stays its own.
    const detachFiles = !(options.kernel instanceof Uint8Array || options.initrd instanceof Uint8Array);
    const machine = { ...shape, ...attached, ...guest, ...trace, memoryBytes, detachFiles };
    return {
      config: { kind: 'domain', ...machine },
      ...{ host, forwards, notes: parts.notes, close: closers.close },
    };
  });
}
