import { availableParallelism } from 'node:os';
import { parseCount, parseSeconds } from '../api/quantities.ts';
import type { DeviceSetting } from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import type { Snapshot } from '../machine/snapshot/read.ts';
import type { NodeHost } from '../node/node-host.ts';
import { openSnapshot } from '../node/snapshots/snapshot-file.ts';
import { type AttachWords, attach, connectOutside } from './attach.ts';
import { type DebianDisk, debianDisk } from './debian-disk.ts';
import { readEngine } from './run-options.ts';
import { saverTo } from './save-option.ts';
import { outsideOf, readNotes } from './saved-notes.ts';
import { runSession } from './session.ts';
import { giveTrace } from './trace-option.ts';

/** The words for a machine that is restored, as the parser gives them. */
export interface RestoreWords extends AttachWords {
  readonly save?: string | undefined;
  readonly pcpus?: string | undefined;
  readonly timeout?: string | undefined;
  readonly stats?: true | undefined;
  readonly debug?: true | undefined;
}

/** Options that a machine has had since it was booted, by the names of their words. */
const KEPT: Readonly<Record<string, string>> = {
  ...{ kernel: '--kernel', initrd: '--initrd', append: '--append', appendOnly: '--append-only' },
  ...{ boot: '--boot', guest: '--guest', persistent: '--persistent', bios: '--bios' },
  ...{ cpu: '--cpu', smp: '--smp', memory: '--memory', protocol: '--protocol' },
  ...{
    aia: '--aia',
    aiaGuests: '--aia-guests',
    virtio: '--virtio',
    console: '--console',
    balloon: '--balloon',
  },
  ...{ schedule: '--schedule', dumpdtb: '--dumpdtb' },
};

/**
 * `hartvisor run --restore FILE` and `hartvisor machine --restore FILE`: goes on with a machine that was saved.
 *
 * @param typed the names of the options that were given
 * @returns the exit status
 * @throws InputError for options and files that cannot be used
 */
export async function restoreCommand(
  kind: DeviceSetting['kind'],
  path: string,
  words: RestoreWords,
  typed: readonly string[],
  host: NodeHost,
): Promise<number> {
  const kept = typed.find((name) => KEPT[name] !== undefined);
  if (kept !== undefined)
    throw new InputError(
      `${KEPT[kept]} was chosen when the machine was booted. Leave it out with --restore.`,
    );
  const snapshot = await openSnapshot(path);
  try {
    return await restore(kind, path, words, snapshot, host);
  } finally {
    await snapshot.close();
  }
}

async function restore(
  kind: DeviceSetting['kind'],
  path: string,
  words: RestoreWords,
  snapshot: Snapshot,
  host: NodeHost,
): Promise<number> {
  const { machine, pcpus, notes: saverNotes = {} } = snapshot.facts;
  if (machine.kind !== kind) {
    const command = machine.kind === 'bare' ? 'machine' : 'run';
    throw new InputError(`The machine of ${path} is one of hartvisor ${command}: give --restore to that.`);
  }
  const notes = readNotes(saverNotes);
  const parts = { ...words, virtio: machine.virtio ?? 'pci', console: notes.console };
  const engine = readEngine(words.engine);
  const timeout = words.timeout === undefined ? undefined : parseSeconds(words.timeout, '--timeout');
  const given = await attach(parts, host, await debianOf(notes.debian));
  given.check(saverNotes);
  const threads =
    words.pcpus === undefined
      ? Math.min(pcpus, availableParallelism())
      : parseCount(words.pcpus, '--pcpus', `threads for ${machine.cpus} vCPUs`, machine.cpus);
  const saved = await snapshot.machine({ pcpus: threads, attached: given.attached });
  const trace = await giveTrace(words, host);
  const outside = await connectOutside(parts);
  const saver = saverTo(words.save, () => outsideOf(notes, given));
  return runSession({ kind: 'restored', saved, engine, debug: words.debug === true, ...trace }, host, {
    ...(words.trace === undefined ? {} : { trace: words.trace }),
    ...{ timeout, statistics: words.stats === true, ...outside },
    ...(saver === undefined ? {} : { saver }),
    banner: `${notes.name}, restored from ${path}.`,
  });
}

/** The disk that hartvisor's own Debian has. */
async function debianOf(kind: 'kept' | 'discarded' | undefined): Promise<DebianDisk | undefined> {
  return kind === undefined ? undefined : debianDisk(kind === 'kept');
}
