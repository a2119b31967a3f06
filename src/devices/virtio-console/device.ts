import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { Backends } from '../backends.ts';
import type { PortFacts } from '../descriptor.ts';
import type { ConfigSpace, QueueAccess, VirtioFunction } from '../virtio/function.ts';
import type { VirtQueue } from '../virtio/queue.ts';
import { consoleConfig } from './config.ts';
import { CONSOLE_FEATURE, outputQueue, VIRTIO_CONSOLE } from './facts.ts';
import { VirtioConsoleHost } from './host.ts';
import { TerminalOutput } from './output.ts';
import { MOST_PORTS, outputRings, WORD } from './words.ts';

/** The surroundings of a console. */
export interface ConsoleOptions {
  readonly memory: GuestMemory;
  readonly ports: readonly PortFacts[];
  /** The driver has notified, in any thread. */
  onNotify(): void;
}

/**
 * Terminals of the guest (`/dev/hvc0` and so on) and channels with names (`/dev/vport0p1`). The host's side works at
 * the queues, and a channel has no other store than the driver's buffers. A terminal's output is taken at once by the
 * thread of the hart that notifies: Linux gives it 16 bytes at a time, and spins until they are taken.
 */
export class VirtioConsole implements VirtioFunction {
  readonly name = 'virtio-console';
  readonly id = VIRTIO_CONSOLE.id;
  readonly features = CONSOLE_FEATURE.SIZE | CONSOLE_FEATURE.MULTIPORT;
  readonly config: ConfigSpace;
  readonly #words: Int32Array;
  readonly #options: ConsoleOptions;
  /** By the number of their queue. */
  readonly #outputs: ReadonlyMap<number, TerminalOutput>;

  /** @param words - as many shared words as `consoleWords` says */
  constructor(words: Int32Array, options: ConsoleOptions) {
    const { memory, ports } = options;
    this.config = consoleConfig(words, ports.length);
    this.#words = words;
    this.#options = options;
    this.#outputs = new Map(
      outputRings(words, ports).flatMap((ring, port) =>
        ring === undefined
          ? []
          : [[outputQueue(port), new TerminalOutput(memory, ring, words, WORD.TAKEN + port)] as const],
      ),
    );
  }

  notify(queue: VirtQueue, index: number): void {
    this.#outputs.get(index)?.move(queue);
    this.#options.onNotify();
  }

  /** The driver's buffers are its own again. */
  reset(): void {
    this.#words.fill(0, WORD.PORTS, WORD.TAKEN + MOST_PORTS);
  }

  connect(queues: QueueAccess, { ports = [] }: Backends): VirtioConsoleHost {
    const outputs = this.#outputs;
    return new VirtioConsoleHost(this.#words, { ...this.#options, queues, outputs, backends: ports });
  }
}
