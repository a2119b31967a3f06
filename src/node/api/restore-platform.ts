import { availableParallelism } from 'node:os';
import type { Platform, PreparedMachine } from '../../api/platform.ts';
import type { RestoreOptions } from '../../api/vm-image.ts';
import type { AttachedParts, DeviceSetting } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import { withAttached } from '../../machine/snapshot/attached.ts';
import { copyMachine } from '../../machine/snapshot/copy.ts';
import type { SavedMachine } from '../../machine/snapshot/saved-machine.ts';
import { writeSnapshot } from '../../machine/snapshot/write.ts';
import { opening } from '../closers.ts';
import { packageVersion } from '../package-version.ts';
import { openSnapshot, saveSnapshot, snapshotOf } from '../snapshots/snapshot-file.ts';
import { zstdCodec } from '../snapshots/zstd-codec.ts';
import { attachParts, type OpenParts } from './attach-parts.ts';
import { backgroundHost } from './background-host.ts';
import { giveTrace } from './give-trace.ts';

/** The side of {@link Platform} for machines that are saved and restored. */
export const restorePlatform: Pick<Platform, 'restore' | 'adopt' | 'copy' | 'save'> = {
  async restore(from, options) {
    const snapshot = await (typeof from === 'string' ? openSnapshot(from) : snapshotOf(from));
    try {
      const { machine, notes = {}, pcpus } = snapshot.facts;
      if (machine.kind !== 'domain')
        throw new InputError(
          'The image is one of a bare machine, which the command restores: hartvisor machine.',
        );
      const threads = options.threads ?? Math.min(pcpus, availableParallelism());
      return await prepare(options, machine, notes, (attached) =>
        snapshot.machine({ pcpus: threads, attached }),
      );
    } finally {
      await snapshot.close();
    }
  },
  adopt: (saved, options) =>
    prepare(options, saved.plan, {}, async (attached) => withAttached(saved, attached)),
  copy: (saved, pcpus) => Promise.resolve(copyMachine(saved, pcpus)),
  async save(saved, to, notes) {
    if (typeof to === 'string') await saveSnapshot(to, saved, notes);
    else await writeSnapshot(saved, { version: packageVersion(), notes }, to, zstdCodec);
  },
};

async function prepare(
  options: RestoreOptions,
  machine: DeviceSetting,
  notes: Readonly<Record<string, string>>,
  read: (attached: AttachedParts) => Promise<SavedMachine>,
): Promise<PreparedMachine> {
  return opening(async (closers) => {
    const host = backgroundHost(closers);
    const trace = await giveTrace(options, host, closers);
    const parts = await attachParts(options, { virtio: machine.virtio ?? 'pci' }, host, closers);
    await checkDisks(notes, parts);
    const { ports = [], vsock } = machine;
    const saved = await read({ ...parts.attached, ports, ...(vsock === undefined ? {} : { vsock }) });
    const { engine, limits } = options;
    const own = { ...trace, ...(engine === undefined ? {} : { engine }) };
    const config = { kind: 'restored', saved, ...own, cpuLimit: limits?.cpus } as const;
    return { config, host, forwards: parts.forwards, notes: parts.notes, close: closers.close };
  });
}

async function checkDisks(notes: Readonly<Record<string, string>>, { opened }: OpenParts): Promise<void> {
  if (opened === undefined) return;
  const { checkDrives } = await import('../drives/drive-stamps.ts');
  checkDrives(notes, opened);
}
