import { BYTES, checkArgument } from '../errors/arguments.ts';
import { AgentError } from './agent-error.ts';
import type { AgentConnection, AgentStream } from './connection.ts';
import { CHANNEL, FRAME, PROTOCOL } from './protocol.ts';

/** Bytes to the guest on a stream: no more are sent than it has room for. */
export class OutgoingBytes {
  readonly #connection: AgentConnection;
  readonly #stream: AgentStream;
  #credit: number;
  #failure: Error | undefined;
  #isEnded = false;
  readonly #failed = Promise.withResolvers<Error>();
  /** Resolved when something has changed for those that wait. */
  #changed = Promise.withResolvers<void>();

  /** @param credit bytes that may be sent at first */
  constructor(connection: AgentConnection, stream: AgentStream, credit: number) {
    this.#connection = connection;
    this.#stream = stream;
    this.#credit = credit;
  }

  /** The guest has room for more. */
  grant(bytes: number): void {
    this.#credit += bytes;
    this.#change();
  }

  /** Nobody takes anything any more. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#failed.resolve(error);
    this.#change();
  }

  /** Why nobody takes anything any more, as {@link write} throws it; undefined as long as somebody does. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Fulfilled with {@link failure}. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /**
   * Sends bytes: fulfilled when all are on their way.
   *
   * @throws InputError for something else, as a stream of texts gives it; why nobody takes them
   */
  async write(bytes: Uint8Array): Promise<void> {
    checkArgument('A piece of the input', bytes, BYTES);
    const release = this.#connection.hold();
    return this.#write(bytes).finally(release);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      await this.#room();
      const part = bytes.subarray(at, at + Math.min(this.#credit, PROTOCOL.LARGEST_DATA));
      this.#credit -= part.length;
      at += part.length;
      this.#stream.send(FRAME.DATA, part, CHANNEL.IN);
    }
  }

  /** Says that nothing more comes. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stream.send(FRAME.END, undefined, CHANNEL.IN);
  }

  /**
   * The same as a web stream.
   *
   * @param onAbort the writer gives up: a pipe knows no difference to an end
   */
  stream(onAbort: () => void = () => this.end()): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      write: (bytes) => this.write(bytes),
      close: () => this.end(),
      abort: onAbort,
    });
  }

  async #room(): Promise<void> {
    for (;;) {
      if (this.#isEnded)
        throw new AgentError('EPIPE', 'The input has been ended, so that nothing can be added.');
      if (this.#failure !== undefined) throw this.#failure;
      const { room } = this.#connection;
      if (room !== undefined) await room;
      else if (this.#credit > 0) return;
      else await this.#changed.promise;
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Data to send. */
export type Source = string | Uint8Array | ReadableStream<Uint8Array>;

/** Sends all of a source, then its end. @throws the error of the source, or the reason why nobody takes it */
export async function sendAll(outgoing: OutgoingBytes, source: Source): Promise<void> {
  if (typeof source === 'string') await outgoing.write(new TextEncoder().encode(source));
  else if (ArrayBuffer.isView(source)) await outgoing.write(source);
  else {
    const reader = source.getReader();
    // Also while it has nothing to give: it would wait for good for somebody to read it.
    void outgoing.failed.then((error) => reader.cancel(error).catch(() => undefined));
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read())
        await outgoing.write(part.value);
      if (outgoing.failure !== undefined) throw outgoing.failure;
    } catch (error) {
      await reader.cancel(error).catch(() => undefined);
      throw error;
    }
  }
  outgoing.end();
}
