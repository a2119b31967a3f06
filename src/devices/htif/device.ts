import type { GuestMemory } from '../../memory/guest-memory.ts';
import { decodeTohost, SYSCALL } from './registers.ts';

/** Guest memory, as the interface needs it. */
export type HtifMemory = Pick<GuestMemory, 'load32' | 'store32' | 'copyOut'>;

/** Where the program keeps the two words: the values of its symbols `tohost` and `fromhost`. */
export interface HtifAddresses {
  readonly tohost: number;
  /** Programs that only report an exit code may have none. */
  readonly fromhost?: number;
}

/** Services of the host for the program. */
export interface HtifHost {
  /** @param code - 0 if the program passed */
  onExit(code: number): void;
  onOutput(bytes: Uint8Array): void;
  /** A request that this host does not know; it was ignored. The message says which and where. */
  onUnknown?(message: string): void;
}

/** The longest write taken at once; a length above it is a mistake of the program. */
const LONGEST_WRITE = 2 ** 24;
/** Bytes that are copied at a time. */
const PIECE = 2 ** 14;

/** Results of failed system calls: minus the error numbers of Linux. */
const ERROR = { BAD_FILE: -9, BAD_ADDRESS: -14, NO_SUCH_CALL: -38 } as const;

const STDOUT = 1;
const STDERR = 2;

/**
 * The host's end of the host-target interface. `tohost` is plain memory, so that nobody is told of a store to it:
 * the machine calls {@link Htif.poll} whenever its harts return, and at their end.
 *
 * Only one thread polls. The interface has no state beyond the two words in guest memory.
 */
export class Htif {
  readonly #memory: HtifMemory;
  readonly #addresses: HtifAddresses;
  readonly #host: HtifHost;

  constructor(memory: HtifMemory, addresses: HtifAddresses, host: HtifHost) {
    this.#memory = memory;
    this.#addresses = addresses;
    this.#host = host;
  }

  /** Serves the request in `tohost`, if there is one. @returns whether something did. */
  poll(): boolean {
    const { tohost } = this.#addresses;
    const request = this.#takeRequest(tohost);
    switch (request.kind) {
      case 'none':
        return false;
      case 'exit':
        this.#host.onExit(request.code);
        return true;
      case 'putchar':
        this.#host.onOutput(Uint8Array.of(request.byte));
        return true;
      case 'syscall':
        this.#serve(request.block);
        return true;
      case 'unknown':
        this.#host.onUnknown?.(
          `tohost at 0x${tohost.toString(16)}: no device ${request.device} with command ${request.command}`,
        );
        return true;
    }
  }

  #takeRequest(tohost: number): ReturnType<typeof decodeTohost> {
    const early = this.#memory.load32(tohost) ?? 0;
    const hi = this.#memory.load32(tohost + 4) ?? 0;
    // If the program's 8-byte store came between the two loads, the low half is there by now.
    const lo = hi !== 0 ? (this.#memory.load32(tohost) ?? 0) : early;
    const request = decodeTohost(lo, hi);
    if (request.kind !== 'none') this.#store64(tohost, 0, 0);
    return request;
  }

  /** Programs wait for `fromhost` to leave zero, so the result is stored before it. */
  #serve(block: number): void {
    const result = this.#call(block);
    this.#store64(block, result >>> 0, result < 0 ? 0xffff_ffff : 0);
    const { fromhost } = this.#addresses;
    if (fromhost !== undefined) this.#store64(fromhost, 1, 0);
  }

  #call(block: number): number {
    const [number, file, address, length] = [0, 1, 2, 3].map((index) => this.#load64(block + 8 * index));
    if (number !== SYSCALL.WRITE) {
      this.#host.onUnknown?.(`system call ${number} of the block at 0x${block.toString(16)} is not served`);
      return ERROR.NO_SUCH_CALL;
    }
    if (file !== STDOUT && file !== STDERR) return ERROR.BAD_FILE;
    return length <= LONGEST_WRITE ? this.#write(address, length) : ERROR.BAD_ADDRESS;
  }

  /** In pieces: a program that writes without end does not make copies of all its memory. */
  #write(address: number, length: number): number {
    let written = 0;
    do {
      const bytes = this.#memory.copyOut(address + written, Math.min(length - written, PIECE));
      if (bytes === undefined) return written > 0 ? written : ERROR.BAD_ADDRESS;
      this.#host.onOutput(bytes);
      written += bytes.length;
    } while (written < length);
    return written;
  }

  /** Exact below 2^53; NaN where there is no memory. */
  #load64(address: number): number {
    const lo = this.#memory.load32(address);
    const hi = this.#memory.load32(address + 4);
    return lo === undefined || hi === undefined ? Number.NaN : hi * 2 ** 32 + lo;
  }

  #store64(address: number, lo: number, hi: number): void {
    this.#memory.store32(address + 4, hi);
    this.#memory.store32(address, lo);
  }
}
