import type { Platform, PreparedMachine } from '../api/platform.ts';
import type { RestoreOptions } from '../api/vm-image.ts';
import type { AttachedParts, DeviceSetting } from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import { Snapshot } from '../machine/snapshot/read.ts';
import type { SavedMachine } from '../machine/snapshot/saved-machine.ts';
import { writeSnapshot } from '../machine/snapshot/write.ts';
import { attachParts, notesOf } from './attach-parts.ts';
import { withDeflate } from './deflate-codec.ts';
import { checkDrives } from './drives/drive-stamps.ts';
import { fetchPieces } from './fetch-file.ts';
import { checkIsolation } from './isolation.ts';
import { PACKAGE_VERSION } from './package-version.ts';
import { refuseForPages } from './refuse.ts';
import { WebHost } from './web-host.ts';

/** More than any snapshot has: a machine has 4 GiB at most. */
const LARGEST_SNAPSHOT = 2 ** 33;

/** The side of {@link Platform} for machines that are saved and restored. */
export const restorePlatform: Pick<Platform, 'restore' | 'adopt' | 'save'> = {
  restore(from, options) {
    if (typeof from !== 'string') return restoreFrom(from, 'The image', options);
    const { signal } = options;
    const pieces = fetchPieces(from, 'The snapshot', { most: LARGEST_SNAPSHOT, signal });
    return restoreFrom(pieces, `The snapshot ${from}`, options);
  },
  adopt: (saved, options) => prepare(options, saved.plan, {}, () => Promise.resolve(saved)),
  async save(saved, to, notes) {
    if (typeof to === 'string')
      throw new InputError(
        'A page cannot write a file by its name. Take `vm.snapshot()`, and offer `imageBlob(image)` as a download.',
      );
    await withDeflate((codec) => writeSnapshot(saved, { version: PACKAGE_VERSION, notes }, to, codec));
  },
};

/**
 * Gets a machine from the bytes of a snapshot.
 *
 * @param name for people
 * @throws InputError for what cannot be used; the reason of `options.signal`
 */
export function restoreFrom(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  name: string,
  options: RestoreOptions,
): Promise<PreparedMachine> {
  checkIsolation();
  return withDeflate(async (codec) => {
    const snapshot = await Snapshot.open(pieces, { name, codec, version: PACKAGE_VERSION });
    return restoreSnapshot(snapshot, name, options);
  });
}

function restoreSnapshot(
  snapshot: Snapshot,
  name: string,
  options: RestoreOptions,
): Promise<PreparedMachine> {
  const { machine, pcpus, notes = {} } = snapshot.facts;
  if (machine.kind !== 'domain')
    throw new InputError(`${name} is one of a bare machine, which pages do not have.`);
  const threads = options.threads ?? Math.min(pcpus, navigator.hardwareConcurrency);
  return prepare(options, machine, notes, (attached) => snapshot.machine({ pcpus: threads, attached }));
}

async function prepare(
  options: RestoreOptions,
  { virtio = 'pci', ports = [], balloon = false }: DeviceSetting,
  notes: Readonly<Record<string, string>>,
  read: (attached: AttachedParts) => Promise<SavedMachine>,
): Promise<PreparedMachine> {
  refuseForPages(options);
  const host = new WebHost();
  host.prepare();
  try {
    const parts = await attachParts({ ...options, balloon }, virtio, host);
    if (parts.drives !== undefined) await checkDrives(notes, parts.drives.starts);
    const saved = await read({ ...parts.attached, ports });
    const { engine, limits, trace } = options;
    const own = { ...(trace === true ? { trace: {} } : {}), ...(engine === undefined ? {} : { engine }) };
    const config = { kind: 'restored', saved, ...own, cpuLimit: limits?.cpus } as const;
    return { config, host, forwards: [], ...notesOf(parts), close: () => host.close() };
  } catch (error) {
    host.close();
    throw error;
  }
}
