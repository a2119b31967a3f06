import type { ConsoleBackend } from '../backends.ts';
import type { HostSide } from '../descriptor.ts';
import type { Uart16550 } from './device.ts';

/** Events for the port's host's side. */
export const EVENT = { output: 0, inputSpace: 1 } as const;

/**
 * Between two looks at the output, in milliseconds. Each costs a message between threads, which takes as long as the
 * guest takes to write several bytes, so that a look at once finds two or three of them.
 */
const GATHER_MS = 2;

/** Brings the port's output to a terminal: at once, or where the last was just brought, with what follows soon. */
export class Uart16550Host implements HostSide {
  readonly #uart: Uart16550;
  readonly #terminal: ConsoleBackend;
  #busy = false;
  #paused = false;
  /** Runs from when output was taken. */
  #gathering: ReturnType<typeof setTimeout> | undefined;
  /** There is more output since then. */
  #more = false;

  constructor(uart: Uart16550, terminal: ConsoleBackend) {
    this.#uart = uart;
    this.#terminal = terminal;
  }

  hear(event: number): void {
    if (event === EVENT.output) this.#drainSoon();
    else this.#terminal.inputSpace?.();
  }

  /** Output from before the pause comes before it, so that no saved machine has it once more. */
  pause(): void {
    this.#drain();
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#drain();
    // Input that was typed meanwhile was not taken.
    this.#terminal.inputSpace?.();
  }

  /** Writes the rest, which is little as the guest writes no more, before anybody is told of the machine's end. */
  finish(): void {
    this.#busy = false;
    this.#paused = false;
    this.#drain();
    clearTimeout(this.#gathering);
  }

  #drainSoon(): void {
    // A timer may be late by a second or more, as in a tab that nobody sees.
    if (this.#gathering === undefined || this.#uart.hasMuchOutput) this.#drain();
    else this.#more = true;
  }

  /** Takes the port's output, unless its reader is busy: then the guest finds the port full, and waits. */
  #drain(): void {
    if (this.#busy || this.#paused) return;
    const bytes = this.#uart.drain();
    if (bytes.length === 0) return;
    this.#gather();
    const taken = this.#terminal.output(bytes);
    if (taken === undefined) return;
    this.#busy = true;
    void taken.finally(() => {
      this.#busy = false;
      this.#drainSoon();
    });
  }

  #gather(): void {
    clearTimeout(this.#gathering);
    this.#more = false;
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      if (this.#more) this.#drain();
    }, GATHER_MS);
  }
}
