import type { GuestPort, PortBackend } from '../../devices/backends.ts';
import type { TerminalStreams } from '../terminal.ts';
import { writeOutput } from '../write-output.ts';

/** The outer end of a port of the virtio console that streams lead to: each side waits for the other one. */
export class StreamPort implements PortBackend {
  readonly #streams: Pick<TerminalStreams, 'input' | 'output'>;
  #port: GuestPort | undefined;
  /** Data that the guest had no room for yet. */
  #rest: Uint8Array = new Uint8Array();

  constructor(streams: Pick<TerminalStreams, 'input' | 'output'>) {
    this.#streams = streams;
  }

  /** Begins to carry bytes from outside. */
  attach(port: GuestPort): void {
    this.#port = port;
    const { input } = this.#streams;
    input.on('data', (bytes: Uint8Array) => this.#send(bytes));
    // Input that cannot be read is input that ends.
    input.on('error', () => undefined);
  }

  output(bytes: Uint8Array): Promise<void> | undefined {
    return writeOutput(this.#streams.output, bytes);
  }

  inputSpace(): void {
    if (this.#rest.length === 0) return;
    const rest = this.#rest;
    this.#rest = new Uint8Array();
    this.#send(rest);
  }

  #send(bytes: Uint8Array): void {
    const { input } = this.#streams;
    const taken = this.#port?.input(bytes) ?? bytes.length;
    this.#rest = bytes.subarray(taken);
    if (this.#rest.length > 0) input.pause();
    else input.resume();
  }
}
