import type { Platform, PreparedMachine } from '../api/platform.ts';
import type { RestoreOptions } from '../api/vm-image.ts';
import type { AttachedParts, DeviceSetting } from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import { withAttached } from '../machine/snapshot/attached.ts';
import type { SavedMachine } from '../machine/snapshot/saved-machine.ts';
import { attachParts, notesOf } from './attach-parts.ts';
import { checkDrives } from './drives/drive-stamps.ts';
import { refuseForPages } from './refuse.ts';
import { type SnapshotBytes, SnapshotReader } from './snapshot-reader.ts';
import { copyOnThread, writeOnThread } from './snapshot-writer.ts';
import { domainThreads, WebHost } from './web-host.ts';

/** The side of {@link Platform} for machines that are saved and restored. */
export const restorePlatform: Pick<Platform, 'restore' | 'adopt' | 'copy' | 'save'> = {
  restore: (from, options) =>
    typeof from === 'string'
      ? restoreFrom(from, `The snapshot ${from}`, options)
      : restoreFrom(from, 'The image', options),
  adopt: (saved, options) =>
    withHost(options, (host) =>
      prepare(options, host, saved.plan, {}, async (attached) => withAttached(saved, attached)),
    ),
  copy: copyOnThread,
  async save(saved, to, notes) {
    if (typeof to === 'string')
      throw new InputError(
        'A page cannot write a file by its name. Take `vm.snapshot()`, and offer `imageBlob(image)` as a download.',
      );
    await writeOnThread(saved, notes, to);
  },
};

/**
 * Gets a machine from the bytes of a snapshot.
 *
 * @param name for people
 * @throws InputError for options that cannot be used; the reason of `options.signal`
 */
export async function restoreFrom(
  from: SnapshotBytes,
  name: string,
  options: RestoreOptions,
): Promise<PreparedMachine> {
  return withHost(options, async (host) => {
    const { signal, onProgress } = options;
    const reader = new SnapshotReader(from, { name, signal, onProgress });
    try {
      const { machine, pcpus, notes = {} } = await reader.facts;
      if (machine.kind !== 'domain')
        throw new InputError(`${name} is one of a bare machine, which pages do not have.`);
      const threads = options.threads ?? Math.min(pcpus, navigator.hardwareConcurrency);
      return await prepare(options, host, machine, notes, (attached) => reader.machine(threads, attached));
    } finally {
      reader.close();
    }
  });
}

/**
 * Starts the first thread, and the one that follows events: they load their modules while memory is unpacked, which
 * those of other harts would only slow down. A guest that goes on begins on one thread. All that the host has is closed
 * where the machine cannot be had.
 *
 * @throws InputError for options of Node alone; IsolationError where a page may not share memory
 */
async function withHost<T>(options: RestoreOptions, work: (host: WebHost) => Promise<T>): Promise<T> {
  refuseForPages(options);
  const host = new WebHost();
  try {
    host.prepare(domainThreads(1, options.trace === true), undefined, options.engine);
    return await work(host);
  } catch (error) {
    host.close();
    throw error;
  }
}

async function prepare(
  options: RestoreOptions,
  host: WebHost,
  { virtio = 'pci', ports = [], balloon = false }: DeviceSetting,
  notes: Readonly<Record<string, string>>,
  read: (attached: AttachedParts) => Promise<SavedMachine>,
): Promise<PreparedMachine> {
  const parts = await attachParts({ ...options, balloon }, virtio, host);
  if (parts.drives !== undefined) await checkDrives(notes, parts.drives.starts);
  const saved = await read({ ...parts.attached, ports });
  const { engine, limits, trace } = options;
  const own = { ...(trace === true ? { trace: {} } : {}), ...(engine === undefined ? {} : { engine }) };
  const config = { kind: 'restored', saved, ...own, cpuLimit: limits?.cpus } as const;
  return { config, host, forwards: [], ...notesOf(parts), close: () => host.close() };
}
