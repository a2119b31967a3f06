import { AgentError } from './agent-error.ts';
import { CHANNEL, FRAME, PROTOCOL } from './protocol.ts';

/** A frame that has come, or a part of one that carries data. */
export interface Frame {
  readonly stream: number;
  readonly type: number;
  readonly channel: number;
  /** Of `DATA`: some of its bytes, which may be a part of the chunk that was decoded. */
  readonly payload: Uint8Array;
}

const { HEADER_BYTES, ALIGNMENT, LARGEST_TO_HOST, LARGEST_DATA_TO_HOST } = PROTOCOL;
const EMPTY = new Uint8Array();
/** Types of frames that an agent may send, and the fewest and most bytes of their payloads. */
const SIZES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [FRAME.HELLO, [16, 1024]],
  [FRAME.DATA, [1, LARGEST_DATA_TO_HOST]],
  [FRAME.END, [0, 0]],
  [FRAME.CREDIT, [4, 4]],
  [FRAME.STARTED, [4, 4]],
  [FRAME.EXITED, [16, 16]],
  [FRAME.DONE, [4, LARGEST_TO_HOST]],
]);

/** Bytes behind a payload of so many bytes. */
function paddingOf(length: number): number {
  return -length & (ALIGNMENT - 1);
}

/** Makes a frame for the agent. */
export function encodeFrame(
  stream: number,
  type: number,
  payload: Uint8Array = EMPTY,
  channel = 0,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + payload.length + paddingOf(payload.length));
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, stream, true);
  view.setUint8(8, type);
  view.setUint8(9, channel);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/**
 * Takes an agent's bytes apart, in pieces of any size. It keeps no more than one payload that is not of `DATA`: these
 * are handed on as they come.
 */
export class FrameDecoder {
  readonly #onFrame: (frame: Frame) => void;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** Facts about the frame whose payload comes. */
  #stream = 0;
  #type = 0;
  #channel = 0;
  #length = 0;
  #left = 0;
  /** Bytes behind it that are still to come. */
  #padding = 0;
  /** The payload as far as it has come; unused for `DATA`. */
  #payload: Uint8Array = EMPTY;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /**
   * Takes the next bytes.
   *
   * @throws AgentError with the code `protocol` when they are no frames of an agent
   */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) at += this.#takePayload(bytes, at);
      else if (this.#padding > 0) at += this.#skipPadding(bytes.length - at);
      else at += this.#takeHeader(bytes, at);
    }
  }

  #skipPadding(most: number): number {
    const count = Math.min(this.#padding, most);
    this.#padding -= count;
    return count;
  }

  #takeHeader(bytes: Uint8Array, at: number): number {
    const count = Math.min(HEADER_BYTES - this.#headerBytes, bytes.length - at);
    this.#header.set(bytes.subarray(at, at + count), this.#headerBytes);
    this.#headerBytes += count;
    if (this.#headerBytes < HEADER_BYTES) return count;
    this.#headerBytes = 0;
    const view = new DataView(this.#header.buffer);
    this.#length = view.getUint32(0, true);
    this.#stream = view.getUint32(4, true);
    this.#type = view.getUint8(8);
    this.#channel = view.getUint8(9);
    this.#check(view.getUint16(10, true) | view.getUint32(12, true));
    this.#left = this.#length;
    this.#padding = paddingOf(this.#length);
    if (this.#type !== FRAME.DATA) this.#payload = new Uint8Array(this.#length);
    if (this.#length === 0) this.#emit(EMPTY);
    return count;
  }

  #check(reserved: number): void {
    const sizes = SIZES.get(this.#type);
    if (sizes === undefined) throw broken(`a frame of the type ${this.#type}`);
    const [least, most] = sizes;
    if (this.#length < least || this.#length > most)
      throw broken(`a frame of the type ${this.#type} with ${this.#length} bytes`);
    if (this.#channel > CHANNEL.ERR || reserved !== 0) throw broken('a header with bits that mean nothing');
  }

  #takePayload(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + this.#left);
    if (this.#type === FRAME.DATA) {
      this.#left -= part.length;
      this.#emit(part);
      return part.length;
    }
    this.#payload.set(part, this.#length - this.#left);
    this.#left -= part.length;
    if (this.#left === 0) this.#emit(this.#payload);
    return part.length;
  }

  #emit(payload: Uint8Array): void {
    this.#onFrame({ stream: this.#stream, type: this.#type, channel: this.#channel, payload });
  }
}

/** @param what names the agent's fault */
export function broken(what: string): AgentError {
  return new AgentError('protocol', `The agent in the guest does not keep to its protocol: it sent ${what}.`);
}
