import {
  closeChecksum,
  type DropCounts,
  ETHERNET_BYTES,
  type Frame,
  type Network,
  type OpenChecksum,
} from './ethernet.ts';

/** Bytes of a frame at most: a usual one, with room for a tag or two. */
export const LONGEST_CABLE_FRAME = 2048;
/** Bytes of frames for the guest that wait; more are lost, as on a cable. */
const WAITING_BYTES = 1 << 20;

/**
 * A cable on which frames come one by one, to any number of others: anything that carries messages can be one. It loses
 * frames when the guest, or the other end, is too slow.
 */
export class FrameCable implements Network {
  readonly dropped: DropCounts = { malformed: 0, refused: 0, overflow: 0 };
  readonly #write: (frame: Uint8Array<ArrayBuffer>) => void;
  readonly #ready: () => void;
  readonly #frames: Uint8Array[] = [];
  #waiting = 0;

  /**
   * @param write sends a frame to the others, or loses it
   * @param ready called when there may be a frame for the guest
   */
  constructor(write: (frame: Uint8Array<ArrayBuffer>) => void, ready: () => void) {
    this.#write = write;
    this.#ready = ready;
  }

  send(frame: Uint8Array<ArrayBuffer>, open: OpenChecksum | undefined): void {
    if (open !== undefined) closeChecksum(frame, open);
    if (isFrame(frame)) this.#write(frame);
    else this.dropped.malformed++;
  }

  peek(): Frame | undefined {
    const [bytes] = this.#frames;
    return bytes === undefined ? undefined : { bytes };
  }

  shift(): void {
    this.#waiting -= this.#frames.shift()?.length ?? 0;
  }

  /** Takes a frame of the others, and keeps it; anything else is left out. */
  receive(frame: Uint8Array): void {
    if (!isFrame(frame)) return;
    if (this.#waiting + frame.length > WAITING_BYTES) {
      this.dropped.overflow++;
      return;
    }
    this.#frames.push(frame);
    this.#waiting += frame.length;
    this.#ready();
  }
}

function isFrame({ length }: Uint8Array): boolean {
  return length >= ETHERNET_BYTES && length <= LONGEST_CABLE_FRAME;
}
