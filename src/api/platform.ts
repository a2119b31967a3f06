import type { MachineConfig } from '../machine/config.ts';
import type { MachineHost } from '../machine/machine.ts';
import type { BootOptions, ForwardedPort } from './boot-options.ts';

/** All that a machine consists of, ready to be started. */
export interface PreparedMachine {
  readonly config: MachineConfig;
  readonly host: MachineHost;
  /** Ports of the host that lead to the guest. */
  readonly forwards: readonly ForwardedPort[];
  /** Closes what was opened for the machine. Its threads have ended, or were never started. */
  close(): void;
}

/** What a machine's surroundings (Node, a page) do for the API. */
export interface Platform {
  /**
   * Gets everything that a machine is made of: reads or fetches its guest, opens its disks, folders and network.
   *
   * @throws InputError for what cannot be used; the reason of `options.signal`
   */
  prepare(options: BootOptions): Promise<PreparedMachine>;
  /** Keeps the program running until the function that it gives is called, for the first time. */
  hold(): () => void;
  /** Calls back after so many milliseconds, unless the function that it gives is called. Keeps no program running. */
  after(milliseconds: number, callback: () => void): () => void;
}
