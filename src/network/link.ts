import {
  closeChecksum,
  type DropCounts,
  ETHERNET_BYTES,
  type Frame,
  type Network,
  type OpenChecksum,
} from './ethernet.ts';

/** Bytes in front of each frame on the wire: its length, big-endian, as QEMU's `-netdev socket` has it. */
const HEAD_BYTES = 4;
/** Bytes of a frame at most. Cards of links send none that stand for many. */
export const LONGEST_LINK_FRAME = 65_550;
/** Bytes of frames for the guest that wait; beyond, the other side has to. */
export const WAITING_BYTES = 1 << 20;

/** The stream to the other machine, as a link uses it. */
export interface LinkWire {
  /** Sends bytes. @returns false if they are lost: nobody is there, or too much waits already */
  write(bytes: Uint8Array): boolean;
  /** Takes nothing more from the other side until {@link resume}. */
  pause(): void;
  resume(): void;
}

/**
 * A cable between two machines over a stream: the guest's frames go to the other machine's card as they are. It loses
 * frames while nobody is at the other end, or that one is too slow, as cables do.
 */
export class LinkNetwork implements Network {
  readonly dropped: DropCounts = { malformed: 0, refused: 0, overflow: 0 };
  readonly #wire: LinkWire;
  readonly #ready: () => void;
  readonly #frames: Uint8Array[] = [];
  #waiting = 0;
  #isPaused = false;
  /** The beginning of a frame that is not whole yet. */
  #rest: Uint8Array = new Uint8Array();

  /** @param ready called when there may be a frame for the guest */
  constructor(wire: LinkWire, ready: () => void) {
    this.#wire = wire;
    this.#ready = ready;
  }

  send(frame: Uint8Array<ArrayBuffer>, open: OpenChecksum | undefined): void {
    if (open !== undefined) closeChecksum(frame, open);
    const bytes = new Uint8Array(HEAD_BYTES + frame.length);
    new DataView(bytes.buffer).setUint32(0, frame.length);
    bytes.set(frame, HEAD_BYTES);
    if (!this.#wire.write(bytes)) this.dropped.overflow++;
  }

  peek(): Frame | undefined {
    const [bytes] = this.#frames;
    return bytes === undefined ? undefined : { bytes };
  }

  shift(): void {
    this.#waiting -= this.#frames.shift()?.length ?? 0;
    if (!this.#isPaused || this.#waiting > WAITING_BYTES / 2) return;
    this.#isPaused = false;
    this.#wire.resume();
  }

  /**
   * Takes bytes of the other side.
   *
   * @returns false if they are no frames: later ones cannot be told apart, and the stream has to end
   */
  receive(bytes: Uint8Array): boolean {
    const all = this.#rest.length === 0 ? bytes : joined(this.#rest, bytes);
    let at = 0;
    while (all.length - at >= HEAD_BYTES) {
      const length = new DataView(all.buffer, all.byteOffset + at).getUint32(0);
      if (length > LONGEST_LINK_FRAME) {
        this.begin();
        return false;
      }
      if (all.length - at - HEAD_BYTES < length) break;
      at += HEAD_BYTES;
      this.#take(all.slice(at, at + length));
      at += length;
    }
    this.#rest = all.slice(at);
    this.#ready();
    return true;
  }

  /** Another machine is at the other end: a part of a frame of the one before is dropped. */
  begin(): void {
    this.#rest = new Uint8Array();
  }

  #take(frame: Uint8Array): void {
    if (frame.length < ETHERNET_BYTES) return;
    this.#frames.push(frame);
    this.#waiting += frame.length;
    if (this.#waiting <= WAITING_BYTES || this.#isPaused) return;
    this.#isPaused = true;
    this.#wire.pause();
  }
}

function joined(one: Uint8Array, two: Uint8Array): Uint8Array {
  const all = new Uint8Array(one.length + two.length);
  all.set(one);
  all.set(two, one.length);
  return all;
}
