import type { LocalFolders } from '../agent/files/tree.ts';
import type { GuestSocket } from '../agent/tcp.ts';
import type { MachineConfig } from '../machine/config.ts';
import type { MachineHost } from '../machine/machine-host.ts';
import type { SnapshotSink } from '../machine/snapshot/codec.ts';
import type { RestoreConfig } from '../machine/snapshot/draft.ts';
import type { SavedMachine } from '../machine/snapshot/saved-machine.ts';
import type { BootOptions, ForwardedPort } from './boot-options.ts';
import type { RestoreOptions, VmImage } from './vm-image.ts';

/** All that a machine consists of, ready to be started. */
export interface PreparedMachine {
  readonly config: MachineConfig | RestoreConfig;
  readonly host: MachineHost;
  /** Ports of the host that lead to the guest. */
  readonly forwards: readonly ForwardedPort[];
  /** Facts about its files, to be known when it is restored. */
  readonly notes?: () => Promise<Readonly<Record<string, string>>>;
  /** Closes all that was opened for the machine. Its threads have ended, or were never started. */
  close(): void;
}

/** A port of the host that leads into a guest. */
export interface OpenForward {
  readonly host: string;
  readonly port: number;
  /** Ends it, with all connections. */
  close(): void;
}

/** Services of a machine's surroundings (Node, a page) for the API. */
export interface Platform {
  /**
   * Gets everything that a machine is made of: reads or fetches its guest, opens its disks, folders and network.
   *
   * @throws InputError for options that cannot be used; the reason of `options.signal`
   */
  prepare(options: BootOptions): Promise<PreparedMachine>;
  /**
   * Gets a machine that was saved, and the things that it has outside.
   *
   * @param from an image, or the name of a file with one
   * @throws InputError for options that cannot be used; the reason of `options.signal`
   */
  restore(from: VmImage | string, options: RestoreOptions): Promise<PreparedMachine>;
  /** A copy of a machine that stands still. @param pcpus threads of the copy; as many as before unless it is given */
  copy(saved: SavedMachine, pcpus: number | undefined): Promise<SavedMachine>;
  /** The same as {@link restore} for a copy of a machine of this program. */
  adopt(saved: SavedMachine, options: RestoreOptions): Promise<PreparedMachine>;
  /**
   * Packs a machine that stands still.
   *
   * @param saved of no use afterwards
   * @throws InputError when that cannot be written
   */
  save(
    saved: SavedMachine,
    to: SnapshotSink | string,
    notes: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Those that trees of files are copied from and to. */
  readonly folders: LocalFolders;
  /** Keeps the program running until the function that it gives is called, for the first time. */
  hold(): () => void;
  /**
   * Leads connections to a port of the host, 0 for a free one, to a server of the guest. Keeps no program running.
   *
   * @throws InputError if the port cannot be had
   */
  listen(host: string, port: number, connect: () => Promise<GuestSocket>): Promise<OpenForward>;
  /**
   * Comes between two steps that take long, so that what else the thread has to do need not wait for both: the thread
   * of a page draws it and answers people.
   */
  breathe(): Promise<void>;
  /** Calls back after so many milliseconds, unless the function that it gives is called. Keeps no program running. */
  after(milliseconds: number, callback: () => void): () => void;
}
