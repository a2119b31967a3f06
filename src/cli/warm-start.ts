import { AgentConnection } from '../agent/connection.ts';
import { GuestSystem } from '../agent/guest-system.ts';
import { InputError } from '../errors/input-error.ts';
import type { Machine } from '../machine/machine.ts';
import { busyboxFiles, type GuestChoice } from '../node/guests/load-guest.ts';
import type { NodeHost } from '../node/node-host.ts';
import { openSnapshot, saveSnapshot } from '../node/snapshots/snapshot-file.ts';
import { digestOf, fileFacts, WarmImages } from '../node/snapshots/warm-images.ts';
import type { RunShape } from './run-options.ts';
import { runSession } from './session.ts';
import type { WarmGuest } from './warm-guest.ts';

/** Options with which the guest that hartvisor brings becomes the same, or that the image is found by. */
const NEUTRAL: readonly string[] = ['smp', 'pcpus', 'memory', 'aia', 'timeout', 'stats', 'debug'];

/**
 * Whether a guest may begin with an image of its boot: it is the one that hartvisor brings, without anything that it would
 * have outside, and a person is there to talk to it.
 *
 * @param typed names of the options that were given
 */
export function mayBeWarm(typed: readonly string[]): boolean {
  return process.stdin.isTTY && typed.every((name) => NEUTRAL.includes(name));
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

  /** Goes on with the image, if there is one. @returns the exit status; undefined if there is none */
  async run(
    shape: RunShape,
    debug: boolean,
    statistics: boolean,
    host: NodeHost,
  ): Promise<number | undefined> {
    if (!(await this.#images.use(this.#path))) return undefined;
    const { pcpus, engine, timeout } = shape;
    let saved: Awaited<ReturnType<Awaited<ReturnType<typeof openSnapshot>>['machine']>>;
    let name: string;
    try {
      const snapshot = await openSnapshot(this.#path);
      saved = await snapshot.machine({ pcpus });
      name = snapshot.facts.notes?.name ?? 'The guest';
    } catch (error) {
      // One of a build with other layouts, or what was left of a full disk.
      if (!(error instanceof InputError)) throw error;
      await this.#images.drop(this.#path);
      return undefined;
    }
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
        if (isThere) void this.#make(machine, name);
      },
    };
  }

  async #make(machine: Machine, name: string): Promise<void> {
    try {
      await machine.save((saved) => saveSnapshot(this.#path, saved, { name }));
      await this.#images.prune();
    } catch (error) {
      // A disk that is full, a machine that has ended: the next start is as this one was.
      if (!(error instanceof InputError)) throw error;
    }
  }
}
