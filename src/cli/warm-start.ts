import { AgentConnection } from '../agent/connection.ts';
import { GuestSystem } from '../agent/guest-system.ts';
import { InputError } from '../errors/input-error.ts';
import type { Machine } from '../machine/machine.ts';
import type { SavedMachine } from '../machine/snapshot/saved-machine.ts';
import { busyboxFiles, type GuestChoice } from '../node/guests/load-guest.ts';
import type { NodeHost } from '../node/node-host.ts';
import { openSnapshot, saveSnapshot } from '../node/snapshots/snapshot-file.ts';
import { digestOf, fileFacts, WarmImages } from '../node/snapshots/warm-images.ts';
import type { RunShape } from './run-options.ts';
import { runSession } from './session.ts';
import type { WarmGuest } from './warm-guest.ts';

/** Options with which the guest that hartvisor brings becomes the same, or that the image is found by. */
const NEUTRAL: readonly string[] = ['smp', 'pcpus', 'memory', 'aia', 'timeout', 'stats', 'debug'];
/** Those of a command that is run in it. */
const OF_COMMANDS: readonly string[] = ['tty', 'cwd', 'env', 'user'];

/**
 * Whether a guest may begin with an image of its boot: it is the one that hartvisor brings, without anything that it
 * would have outside, and a person is there to talk to it.
 *
 * @param typed names of the options that were given
 */
export function mayBeWarm(typed: readonly string[]): boolean {
  return process.stdin.isTTY && typed.every((name) => NEUTRAL.includes(name));
}

/** The same for a guest in which a command is run. */
export function mayExecuteWarm(typed: readonly string[]): boolean {
  return typed.every((name) => NEUTRAL.includes(name) || OF_COMMANDS.includes(name));
}

/** A machine of an image. */
export interface WarmMachine {
  readonly saved: SavedMachine;
  /** Of the guest, for people. */
  readonly name: string;
}

/** The image that there is for a guest, or could be. */
export class WarmStart {
  readonly #images: WarmImages;
  readonly #path: string;

  private constructor(images: WarmImages, path: string) {
    this.#images = images;
    this.#path = path;
  }

  /** @returns undefined where no image can be kept */
  static async find(choice: GuestChoice, shape: RunShape): Promise<WarmStart | undefined> {
    const images = WarmImages.open();
    if (images === undefined) return undefined;
    const { kernelPath, initrd, bootArgs } = await busyboxFiles(choice);
    const { vcpus, memoryBytes, aia, protocol, xlen, extensions } = shape;
    const kernel = await fileFacts(kernelPath);
    const machine = { vcpus, memoryBytes, aia, protocol, xlen, extensions };
    return new WarmStart(images, images.pathOf({ kernel, initrd: digestOf(initrd), bootArgs, machine }));
  }

  /** The image's machine for so many threads; undefined if there is no image. */
  async open(pcpus: number): Promise<WarmMachine | undefined> {
    if (!(await this.#images.use(this.#path))) return undefined;
    try {
      const snapshot = await openSnapshot(this.#path);
      const saved = await snapshot.machine({ pcpus });
      return { saved, name: snapshot.facts.notes?.name ?? 'The guest' };
    } catch (error) {
      // One of a build with other layouts, or the rest of one that a full disk has cut off.
      if (!(error instanceof InputError)) throw error;
      await this.#images.drop(this.#path);
      return undefined;
    }
  }

  /**
   * Makes the image of a machine as it is now, which goes on meanwhile.
   *
   * @returns a function that waits until the image is written
   */
  async keep(machine: Machine, name: string): Promise<() => Promise<void>> {
    try {
      const written = this.#write(await machine.fork(), name);
      return () => written;
    } catch (error) {
      unlessEnded(error);
      return () => Promise.resolve();
    }
  }

  /** Goes on with the image, if there is one. @returns the exit status; undefined if there is none */
  async run(
    shape: RunShape,
    debug: boolean,
    statistics: boolean,
    host: NodeHost,
  ): Promise<number | undefined> {
    const { pcpus, engine, timeout } = shape;
    const machine = await this.open(pcpus);
    if (machine === undefined) return undefined;
    const { saved, name } = machine;
    const agent = new AgentConnection();
    // Its clock has stood still, and its random numbers are those of other starts.
    agent.greeted.then(() => new GuestSystem(agent).goOn()).catch(() => undefined);
    return runSession({ kind: 'restored', saved, engine, debug }, host, {
      ...{ timeout, statistics, warm: { agent } },
      banner: `${name}, which had booted before (--cold boots it anew).`,
      // The shell shows its prompt again.
      typedFirst: '\r',
    });
  }

  /** For a guest that boots: makes the image when its shell is there. */
  watch(name: string): WarmGuest {
    const agent = new AgentConnection();
    let isThere = false;
    agent.greeted.then(() => (isThere = true)).catch(() => undefined);
    return {
      agent,
      onPrompt: (machine) => {
        if (isThere) void machine.save((saved) => this.#write(saved, name)).catch(unlessEnded);
      },
    };
  }

  async #write(saved: SavedMachine, name: string): Promise<void> {
    try {
      await saveSnapshot(this.#path, saved, { name });
      await this.#images.prune();
    } catch (error) {
      // A disk that is full: the next start is as this one was.
      if (!(error instanceof InputError)) throw error;
    }
  }
}

/** A machine that has ended cannot be saved any more. */
function unlessEnded(error: unknown): void {
  if (!(error instanceof InputError)) throw error;
}
