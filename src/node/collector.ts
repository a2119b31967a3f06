import type { Session } from 'node:inspector/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds in which a thread's next machine often comes, where a program makes one after the other. */
const SOON_MS = 1000;
/** Machines in a row after which their memories are collected all the same. */
const MOST_MACHINES = 4;

/**
 * Frees the memory of a thread's last machine. An idle thread allocates nothing, so that V8 comes to know late that
 * nobody refers to that any more: after some seconds, or some machines.
 */
export class Collector {
  readonly #session: Session;
  #machines = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Collects garbage, unless that can wait: the thread's next machine comes first, and few have gone before. */
  async collectBefore(next: Promise<unknown>): Promise<void> {
    this.#machines++;
    const isSoon = await Promise.race([next.then(() => true), delay(SOON_MS, false)]);
    if (isSoon && this.#machines < MOST_MACHINES) return;
    this.#machines = 0;
    await this.#session.post('HeapProfiler.collectGarbage');
  }
}

/**
 * Opens V8's inspector, which is the documented way to have garbage collected by a program that is started without
 * options. @returns undefined where Node was built, or is run, without it
 */
export async function openCollector(): Promise<Collector | undefined> {
  try {
    const { Session } = await import('node:inspector/promises');
    const session = new Session();
    session.connect();
    return new Collector(session);
  } catch {
    return undefined;
  }
}
