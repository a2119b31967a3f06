import type { ConsoleBackend } from '../backends.ts';
import type { HostSide } from '../descriptor.ts';
import type { Uart16550 } from './device.ts';

/** Events for the port's host's side. */
export const EVENT = { output: 0, inputSpace: 1 } as const;

/** Brings the port's output to a terminal. */
export class Uart16550Host implements HostSide {
  readonly #uart: Uart16550;
  readonly #terminal: ConsoleBackend;
  #busy = false;
  #paused = false;

  constructor(uart: Uart16550, terminal: ConsoleBackend) {
    this.#uart = uart;
    this.#terminal = terminal;
  }

  hear(event: number): void {
    if (event === EVENT.output) this.#drain();
    else this.#terminal.inputSpace?.();
  }

  pause(): void {
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
  }

  /** Takes the port's output, unless its reader is busy: then the guest finds the port full, and waits. */
  #drain(): void {
    if (this.#busy || this.#paused) return;
    const bytes = this.#uart.drain();
    if (bytes.length === 0) return;
    const taken = this.#terminal.output(bytes);
    if (taken === undefined) return;
    this.#busy = true;
    void taken.finally(() => {
      this.#busy = false;
      this.#drain();
    });
  }
}
