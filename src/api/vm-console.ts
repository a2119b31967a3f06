import type { ConsoleBackend } from '../devices/backends.ts';
import {
  BYTES,
  checkArgument,
  checkOptions,
  either,
  type OptionRules,
  type Rule,
  SIGNAL,
  TEXT,
} from '../errors/arguments.ts';
import { MachineEndedError } from '../errors/machine-ended-error.ts';

/** Bytes of the guest's output that are kept for late readers. */
const KEPT = 64 * 1024;

/** How long a text is waited for. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
}

const WAIT_OPTIONS: OptionRules<WaitOptions> = { signal: SIGNAL };
const INPUT = either(TEXT, BYTES);
const PATTERN: Rule = {
  wanted: 'a text, or a regular expression',
  fits: (value) => typeof value === 'string' || value instanceof RegExp,
};

/** The destination of the console's input. */
export interface InputSink {
  /** @returns how many bytes it took; `inputSpace` of the backend says when to give the rest */
  input(bytes: Uint8Array): number;
}

/** The serial console of a machine. */
export class VmConsole {
  readonly #hold: () => () => void;
  readonly #encoder = new TextEncoder();
  readonly #watchers = new Set<() => void>();
  readonly #kept = new LastBytes(KEPT);
  #sink: InputSink | undefined;
  #reader: OutputReader | undefined;
  /** Resolved when there is room for input. */
  #room = Promise.withResolvers<void>();
  /** The write before: input keeps its order. */
  #written: Promise<void> = Promise.resolve();
  #ended = false;

  /**
   * @param hold keeps the program running until the function that it gives is called
   * @internal
   */
  constructor(hold: () => () => void) {
    this.#hold = hold;
  }

  /** The last 64 KiB of the output, as text. */
  get text(): string {
    return new TextDecoder().decode(this.#kept.bytes());
  }

  /**
   * The output, from its last 64 KiB on. Nobody has to have it. Its holder must read, as the guest waits with its
   * output meanwhile, and the program does not come to its end before the machine does. There is one: a reader that
   * cancels it can have another one.
   */
  get output(): ReadableStream<Uint8Array> {
    if (this.#reader !== undefined) return this.#reader.stream;
    const release = this.#hold();
    const reader = new OutputReader(this.#kept.bytes(), () => {
      release();
      if (this.#reader === reader) this.#reader = undefined;
    });
    this.#reader = reader;
    if (this.#ended) reader.end();
    return reader.stream;
  }

  /**
   * Types at the console. Fulfilled when the machine has taken everything.
   *
   * @throws MachineEndedError when the machine has ended before; InputError for something else than text and bytes
   */
  async write(data: string | Uint8Array): Promise<void> {
    checkArgument('data', data, INPUT);
    const bytes = typeof data === 'string' ? this.#encoder.encode(data) : data;
    const release = this.#hold();
    const written = this.#written.then(() => this.#send(bytes)).finally(release);
    this.#written = written.catch(() => undefined);
    return written;
  }

  /**
   * Waits until the output, with its last 64 KiB, has a text.
   *
   * @returns the text that was found, with the groups of a regular expression
   * @throws MachineEndedError when the machine ends without it; InputError for arguments that cannot be; the reason of
   * `signal`
   */
  async waitFor(pattern: string | RegExp, options: WaitOptions = {}): Promise<RegExpMatchArray> {
    checkArgument('pattern', pattern, PATTERN);
    checkOptions(options, WAIT_OPTIONS);
    const { signal } = options;
    const expression = typeof pattern === 'string' ? literally(pattern) : pattern;
    const found = Promise.withResolvers<RegExpMatchArray>();
    const look = () => {
      const match = this.text.match(expression);
      if (match !== null) found.resolve(match);
      else if (this.#ended)
        found.reject(
          new MachineEndedError(`The machine has ended, and its console did not show ${pattern}.`),
        );
    };
    const abort = () => found.reject(signal?.reason);
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort);
    this.#watchers.add(look);
    const release = this.#hold();
    look();
    try {
      return await found.promise;
    } finally {
      release();
      this.#watchers.delete(look);
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * The machine's side of the console.
   *
   * @internal
   */
  backend(): ConsoleBackend {
    return { output: (bytes) => this.#output(bytes), inputSpace: () => this.#makeRoom() };
  }

  /**
   * Says where input goes.
   *
   * @internal
   */
  attach(sink: InputSink): void {
    this.#sink = sink;
    this.#makeRoom();
  }

  /**
   * The machine has ended.
   *
   * @internal
   */
  end(): void {
    this.#ended = true;
    this.#reader?.end();
    this.#makeRoom();
    this.#tell();
  }

  async #send(bytes: Uint8Array): Promise<void> {
    let sent = 0;
    for (;;) {
      if (this.#ended)
        throw new MachineEndedError('The machine has ended, so that nothing can be typed there.');
      const { promise } = this.#room;
      sent += this.#sink?.input(bytes.subarray(sent)) ?? 0;
      if (sent === bytes.length) return;
      await promise;
    }
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  #output(bytes: Uint8Array): Promise<void> | undefined {
    this.#kept.add(bytes);
    this.#tell();
    return this.#reader?.push(bytes);
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A stream of output whose reader holds the guest back. */
class OutputReader {
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #wanted: PromiseWithResolvers<void> | undefined;
  readonly #done: () => void;

  /** @param onDone it has been read to the end of the machine, or given up */
  constructor(kept: Uint8Array, onDone: () => void) {
    this.#done = onDone;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          if (kept.length > 0) controller.enqueue(kept);
        },
        pull: () => this.#release(),
        cancel: () => {
          this.#controller = undefined;
          this.#release();
          onDone();
        },
      },
      { highWaterMark: KEPT, size: (bytes) => bytes?.length ?? 0 },
    );
  }

  push(bytes: Uint8Array): Promise<void> | undefined {
    const controller = this.#controller;
    if (controller === undefined) return undefined;
    controller.enqueue(bytes);
    if ((controller.desiredSize ?? 1) > 0) return undefined;
    this.#wanted ??= Promise.withResolvers();
    return this.#wanted.promise;
  }

  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
    this.#release();
    this.#done();
  }

  #release(): void {
    this.#wanted?.resolve();
    this.#wanted = undefined;
  }
}

/** The last bytes of a stream. */
class LastBytes {
  readonly #ring: Uint8Array<ArrayBuffer>;
  #total = 0;

  constructor(size: number) {
    this.#ring = new Uint8Array(size);
  }

  add(bytes: Uint8Array): void {
    const size = this.#ring.length;
    const last = bytes.subarray(-size);
    const start = (this.#total + bytes.length - last.length) % size;
    const first = last.subarray(0, size - start);
    this.#ring.set(first, start);
    this.#ring.set(last.subarray(first.length));
    this.#total += bytes.length;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const size = this.#ring.length;
    if (this.#total <= size) return this.#ring.slice(0, this.#total);
    const start = this.#total % size;
    const all = new Uint8Array(size);
    all.set(this.#ring.subarray(start));
    all.set(this.#ring.subarray(0, start), size - start);
    return all;
  }
}

function literally(text: string): RegExp {
  return new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
}
