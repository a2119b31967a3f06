import type { BootOptions, VmDisk, VmNetwork } from '../api/boot-options.ts';
import type { PreparedMachine } from '../api/platform.ts';
import type { AttachedParts, NetworkFacts } from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import { MOST_DRIVES } from '../machine/parts.ts';
import type { OpenDrives } from './drives/open-drives.ts';
import type { WebHost } from './web-host.ts';

/** The attached parts of a machine: open, and known to its threads. */
export interface OpenParts {
  readonly attached: AttachedParts;
  readonly drives: OpenDrives | undefined;
}

/**
 * Opens the disks and the network of a machine.
 *
 * @param host starts the machine's threads
 * @throws InputError that names the part that cannot be used, and the reason
 */
export async function attachParts(
  options: Pick<BootOptions, 'disk' | 'network' | 'balloon'>,
  virtio: 'pci' | 'mmio',
  host: WebHost,
): Promise<OpenParts> {
  const disks = readDisks(options, virtio);
  const drives = disks.length === 0 ? undefined : await openDisks(disks, host);
  const { network = false } = options;
  const card = network === false ? undefined : await connectNetwork(network, host);
  return {
    attached: {
      ...{ virtio, balloon: options.balloon === true },
      ...(drives === undefined ? {} : { drives: drives.facts }),
      ...(card === undefined ? {} : { network: card }),
    },
    drives,
  };
}

/** Facts about a machine's files, to be known when it is restored. */
export function notesOf({ drives }: OpenParts): Pick<PreparedMachine, 'notes'> {
  return drives === undefined ? {} : { notes: () => drives.notes() };
}

async function openDisks(disks: readonly VmDisk[], host: WebHost): Promise<OpenDrives> {
  const { openDrives } = await import('./drives/open-drives.ts');
  const drives = await openDrives(disks, host);
  host.give({ drives: drives.starts });
  return drives;
}

async function connectNetwork(network: true | VmNetwork, host: WebHost): Promise<NetworkFacts> {
  const { prepareNetwork } = await import('./network/open-network.ts');
  const { facts, start } = prepareNetwork(network);
  host.give({ network: start });
  return facts;
}

function readDisks({ disk = [] }: Pick<BootOptions, 'disk'>, virtio: 'pci' | 'mmio'): readonly VmDisk[] {
  const disks: readonly (string | VmDisk)[] = Array.isArray(disk) ? disk : [disk as string | VmDisk];
  if (disks.length > MOST_DRIVES[virtio])
    throw new InputError(`disk: there are ${disks.length}; a machine has ${MOST_DRIVES[virtio]} at most.`);
  return disks.map((each) => (typeof each === 'string' ? { file: each } : each));
}
