import { AgentError, guestError } from './agent-error.ts';
import { broken, encodeFrame, type Frame, FrameDecoder } from './frame.ts';
import { type AgentHello, HelloSearch, helloPayload, readHello } from './hello.ts';
import { PayloadReader } from './payload.ts';
import { CHANNEL, FRAME, type FrameType, PROTOCOL } from './protocol.ts';
import { waitFor } from './wait-for.ts';

/** Where frames to the agent go: a port of the guest. */
export interface AgentPort {
  /** @returns how many bytes were taken; `inputSpace` says when to try again */
  input(bytes: Uint8Array): number;
}

/** How a program has ended. */
export interface ProgramEnd {
  readonly status: number;
  /** The signal that ended it, or 0. */
  readonly signal: number;
  /** Bytes of its own that come yet by channel, as it has ended before they were read; Infinity for all. */
  readonly left: ReadonlyMap<number, number>;
}

/** The receiver of a stream's frames. */
export interface StreamHandler {
  data?(channel: number, bytes: Uint8Array): void;
  end?(channel: number): void;
  credit?(channel: number, bytes: number): void;
  started?(pid: number): void;
  exited?(end: ProgramEnd): void;
  /** The last one: the agent has nothing more to say. @param errno 0 if all went well */
  done(errno: number, payload: PayloadReader): void;
  /** In place of `done`: the connection is gone. */
  failed(error: Error): void;
}

/** How a stream begins. */
export interface StreamRequest {
  readonly type: FrameType;
  readonly payload: Uint8Array;
  /** Bytes that the agent may send on each channel at first. */
  readonly windows?: readonly { readonly channel: number; readonly bytes: number }[];
}

const EMPTY = new Uint8Array();
/** Bytes of frames that wait for the guest, above which writers have to wait. */
const FULL = 256 << 10;
/** The same, above which the guest is not waited for any more: it takes nothing, and asks for more and more. */
const STUCK = 16 << 20;
/** Numbers of streams are below this. */
const LAST_STREAM = 0xffff_ffff;
/** Bytes of an output that come up to its end, however many. */
const ALL = 0xffff_ffff;

/** One stream of a connection, for its opener. */
export class AgentStream {
  readonly id: number;
  readonly handler: StreamHandler;
  readonly #send: (frame: Uint8Array) => void;
  /** Bytes that may yet come, by channel. */
  readonly #allowed = [0, 0, 0];

  constructor(id: number, handler: StreamHandler, send: (frame: Uint8Array) => void) {
    this.id = id;
    this.handler = handler;
    this.#send = send;
  }

  /** Sends a frame, unless the stream is over. */
  send(type: FrameType, payload: Uint8Array = EMPTY, channel = 0): void {
    this.#send(encodeFrame(this.id, type, payload, channel));
  }

  /** Lets the agent send so many bytes more. */
  grant(channel: number, bytes: number): void {
    this.allow(channel, bytes);
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, bytes, true);
    this.send(FRAME.CREDIT, payload, channel);
  }

  /** Asks the agent to bring it to its end: `done` follows. */
  cancel(): void {
    this.send(FRAME.CANCEL);
  }

  /** Counts bytes that the agent may send. */
  allow(channel: number, bytes: number): void {
    this.#allowed[channel] += bytes;
  }

  /** Counts bytes that have come. @throws AgentError if they were not allowed */
  take(channel: number, bytes: number): void {
    this.#allowed[channel] -= bytes;
    if (this.#allowed[channel] < 0) throw broken('more bytes than it was allowed to');
  }
}

/**
 * The host's end of the protocol: it finds the agent at the other end of a port, and carries streams. A guest is
 * hostile: a frame that breaks the rules ends the connection until the guest opens the port anew, and nothing that
 * comes is kept but the bytes that a reader has allowed.
 */
export class AgentConnection {
  /** Keeps the program running until the function that it gives is called. */
  readonly hold: () => () => void;
  /** For the port: the greeting has an agent begin anew that was in the midst of something. */
  readonly beginsAnew = true;
  readonly #streams = new Map<number, AgentStream>();
  #port: AgentPort | undefined;
  /** Frames on their way to the agent. */
  #queue: Uint8Array[] = [];
  #queued = 0;
  #drained: PromiseWithResolvers<void> | undefined;
  #nextStream = 1;
  #search: HelloSearch | undefined;
  #decoder: FrameDecoder | undefined;
  #hello: AgentHello | undefined;
  /** The agent has answered since it was greeted. */
  #answers = false;
  /** Why nothing can be asked of the agent, for as long as that is so. */
  #failure: Error | undefined;
  #isClosed = false;
  #ready = Promise.withResolvers<void>();

  /** @param hold keeps the program running until the function that it gives is called */
  constructor(hold: () => () => void = () => () => undefined) {
    this.hold = hold;
    this.#ready.promise.catch(() => undefined);
  }

  /** Says where frames to the agent go. */
  attach(port: AgentPort): void {
    this.#port = port;
    this.#flush();
  }

  /** For the port: somebody in the guest has opened it, or had it open when the machine was saved; or has closed it. */
  opened(isOpen: boolean): void {
    if (this.#isClosed) return;
    this.#drop(new AgentError('disconnected', 'The agent in the guest has ended.'));
    this.#failure = undefined;
    if (!isOpen) return;
    this.#search = new HelloSearch();
    // No frame is longer than these zeroes: any frame that the agent is in the midst of is over then.
    const silence = new Uint8Array(PROTOCOL.LARGEST_TO_AGENT + 2 * PROTOCOL.HEADER_BYTES);
    const hello = encodeFrame(0, FRAME.HELLO, helloPayload({ version: PROTOCOL.VERSION, pid: 0 }));
    this.#queue = [silence, hello];
    this.#queued = silence.length + hello.length;
    this.#flush();
  }

  /** For the port: takes the guest's bytes. */
  output(bytes: Uint8Array): undefined {
    try {
      const begun = this.#search === undefined ? bytes : this.#find(this.#search, bytes);
      if (begun !== undefined) this.#decoder?.take(begun);
    } catch (error) {
      // It is that of a handler otherwise.
      if (!(error instanceof AgentError)) throw error;
      this.#fail(error);
    }
  }

  /** For the port: there may be room for bytes that were not taken. */
  inputSpace(): void {
    this.#flush();
  }

  /** The machine has ended, or nobody wants the agent any more. */
  close(error: Error): void {
    this.#isClosed = true;
    this.#fail(error);
    this.#ready.reject(error);
  }

  /** Fulfilled when the agent is there for the first time. Keeps no program running. */
  get greeted(): Promise<unknown> {
    return this.#ready.promise;
  }

  /**
   * Waits until the agent is there: a guest that boots starts it by and by.
   *
   * @throws AgentError if it cannot be talked to; the reason of `signal`
   */
  async ready(signal?: AbortSignal): Promise<AgentHello> {
    signal?.throwIfAborted();
    while (this.#hello === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      const release = this.hold();
      await waitFor(this.#ready.promise, signal).finally(release);
    }
    // Whoever has just called may give up before anything is sent.
    await Promise.resolve();
    signal?.throwIfAborted();
    return this.#hello;
  }

  /**
   * Opens a stream. The agent is {@link ready}.
   *
   * @throws AgentError if it is not
   */
  open({ type, payload, windows = [] }: StreamRequest, handler: StreamHandler): AgentStream {
    if (this.#hello === undefined)
      throw this.#failure ?? new AgentError('disconnected', 'The agent in the guest is not there.');
    if (this.#nextStream >= LAST_STREAM)
      throw new AgentError('disconnected', 'The agent has served all streams that a connection can have.');
    const id = this.#nextStream++;
    const stream = new AgentStream(id, handler, (frame) => {
      if (this.#streams.get(id) === stream) this.#send(frame);
    });
    for (const { channel, bytes } of windows) stream.allow(channel, bytes);
    this.#streams.set(id, stream);
    stream.send(type, payload);
    return stream;
  }

  /**
   * Asks for something that is answered at once.
   *
   * @param what names the request, as the beginning of a sentence
   * @throws AgentError if it cannot be had; the reason of `signal`
   */
  async request(
    type: FrameType,
    payload: Uint8Array,
    what: string,
    signal?: AbortSignal,
  ): Promise<PayloadReader> {
    await this.ready(signal);
    const { promise, resolve, reject } = Promise.withResolvers<PayloadReader>();
    const stream = this.open(
      { type, payload },
      {
        done: (errno, reader) => (errno === 0 ? resolve(reader) : reject(guestError(errno, what))),
        failed: reject,
      },
    );
    const release = this.hold();
    return waitFor(promise, signal, () => stream.cancel()).finally(release);
  }

  /** Resolved when there is room for more data to the agent; undefined if there is now. */
  get room(): Promise<void> | undefined {
    if (this.#queued < FULL) return undefined;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  #find(search: HelloSearch, bytes: Uint8Array): Uint8Array | undefined {
    const begun = search.take(bytes);
    if (begun === undefined) return undefined;
    this.#search = undefined;
    this.#decoder = new FrameDecoder((frame) => this.#hear(frame));
    return begun;
  }

  #hear(frame: Frame): void {
    const { stream: id, type, channel, payload } = frame;
    // A handler may have closed the connection within the piece that is taken apart.
    if (this.#decoder === undefined) return;
    // Greetings may come in a row, for those of earlier hosts of a machine that was saved before it answered them. The
    // last one is the agent's beginning of this connection, and all of its answers are behind it.
    if (this.#hello === undefined || (type === FRAME.HELLO && !this.#answers)) {
      this.#greet(readHello(frame));
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined || type === FRAME.HELLO)
      throw broken(`a frame for stream ${id}, which is not open`);
    this.#answers = true;
    const { handler } = stream;
    switch (type) {
      case FRAME.DATA:
        stream.take(channel, payload.length);
        handler.data?.(channel, payload);
        break;
      case FRAME.END:
        handler.end?.(channel);
        break;
      case FRAME.CREDIT:
        handler.credit?.(channel, new PayloadReader(payload).u32());
        break;
      case FRAME.STARTED:
        handler.started?.(new PayloadReader(payload).u32());
        break;
      case FRAME.EXITED:
        handler.exited?.(readEnd(new PayloadReader(payload)));
        break;
      default: {
        const reader = new PayloadReader(payload);
        const errno = reader.u32();
        this.#streams.delete(id);
        handler.done(errno, reader);
      }
    }
  }

  #greet(hello: AgentHello): void {
    if (hello.version < PROTOCOL.OLDEST_AGENT || hello.version > PROTOCOL.VERSION) {
      throw new AgentError(
        'version',
        `The agent in the guest speaks version ${hello.version} of the protocol, and this hartvisor version ` +
          `${PROTOCOL.VERSION}. Put the agent of this hartvisor into the guest: docs/agent.md.`,
      );
    }
    this.#hello = hello;
    this.#ready.resolve();
  }

  #send(frame: Uint8Array): void {
    this.#queue.push(frame);
    this.#queued += frame.length;
    if (this.#queued > STUCK) {
      const message = `The agent in the guest does not take what it is sent: ${this.#queued} bytes wait for it.`;
      this.#fail(new AgentError('protocol', message));
      return;
    }
    if (this.#queue.length === 1) this.#flush();
  }

  #flush(): void {
    if (this.#port === undefined) return;
    let sent = 0;
    for (; sent < this.#queue.length; sent++) {
      const frame = this.#queue[sent];
      const taken = this.#port.input(frame);
      this.#queued -= taken;
      if (taken === frame.length) continue;
      this.#queue[sent] = frame.subarray(taken);
      break;
    }
    if (sent > 0) this.#queue.splice(0, sent);
    if (this.#queued < FULL) this.#drain();
  }

  #drain(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  /** The agent broke a rule, or cannot be talked to for another reason, until the guest opens the port anew. */
  #fail(error: Error): void {
    this.#failure = error;
    this.#drop(error);
    const { reject } = this.#ready;
    this.#ready = Promise.withResolvers();
    this.#ready.promise.catch(() => undefined);
    reject(error);
  }

  /** Ends all streams. */
  #drop(error: Error): void {
    this.#search = undefined;
    this.#decoder = undefined;
    if (this.#hello !== undefined) this.#ready = Promise.withResolvers();
    this.#ready.promise.catch(() => undefined);
    this.#hello = undefined;
    this.#answers = false;
    this.#queue = [];
    this.#queued = 0;
    this.#drain();
    this.#nextStream = 1;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { handler } of streams) handler.failed(error);
  }
}

function readEnd(reader: PayloadReader): ProgramEnd {
  const [status, signal, out, err] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
  const bytes = (count: number) => (count === ALL ? Number.POSITIVE_INFINITY : count);
  const left = new Map([
    [CHANNEL.OUT, bytes(out)],
    [CHANNEL.ERR, bytes(err)],
  ]);
  return { status, signal, left };
}
