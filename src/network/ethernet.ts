import { checksum, sumOf } from './checksum.ts';

/** An Ethernet address: its six bytes as a number. */
export type Mac = number;

export const BROADCAST_MAC: Mac = 0xffff_ffff_ffff;
export const ETHERNET_BYTES = 14;
export const ETHERTYPE = { IPV4: 0x0800, ARP: 0x0806 } as const;

/** A sum that a frame's receiver has still to complete: all from `start` on, into the two bytes at `at`. */
export interface OpenChecksum {
  readonly start: number;
  readonly at: number;
}

/** A frame on its way to the guest. It is valid until the next one is asked for. */
export interface Frame {
  /** From the destination's address on, without a frame check sequence. */
  readonly bytes: Uint8Array;
  /** Only the sum of the pseudo-header is there. Not in frames for drivers that want whole ones. */
  readonly open?: OpenChecksum | undefined;
  /** Bytes of TCP's payload in each segment that the frame stands for, and bytes of its headers. */
  readonly segments?: { readonly bytes: number; readonly headers: number } | undefined;
}

/** The abilities of the taker of frames for the guest. */
export interface Taker {
  /** Completes checksums. */
  readonly openChecksums: boolean;
  /** Takes frames that stand for many segments of TCP. Those have open checksums. */
  readonly longFrames: boolean;
}

/** Frames that were dropped, by why. */
export interface DropCounts {
  /** Something that no protocol allows, or that is none of those spoken here. */
  malformed: number;
  /** Where it should go, the guest may not. */
  refused: number;
  /** Dropped because the receiver takes frames too slowly, or is not there. */
  overflow: number;
}

/** The other end of a network card's cable. */
export interface Network {
  /** Frames that it has not carried so far, both ways. */
  readonly dropped: Readonly<DropCounts>;
  /**
   * Takes a frame from the guest, and keeps it.
   *
   * @param open the checksum that the guest has left open, within the frame; undefined if it has left none
   */
  send(frame: Uint8Array<ArrayBuffer>, open: OpenChecksum | undefined): void;
  /** The next frame for the guest, the same until it is taken; undefined if there is none. */
  peek(taker: Taker): Frame | undefined;
  /** The frame that was last shown is with the guest, or lost. */
  shift(): void;
  /** State that another network of this kind needs to go on with the guest of this one. */
  save?(): Uint8Array;
  /** Goes on with the guest of another network, whose connections to others have ended. Before anything else. */
  restore?(saved: Uint8Array): void;
}

export function readMac(bytes: Uint8Array, at: number): Mac {
  let mac = 0;
  for (let index = 0; index < 6; index++) mac = mac * 256 + bytes[at + index];
  return mac;
}

export function writeMac(bytes: Uint8Array, at: number, mac: Mac): void {
  let rest = mac;
  for (let index = 5; index >= 0; index--) {
    bytes[at + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Reads `52:54:00:12:34:56`; undefined for anything else, and for addresses of groups. */
export function parseMac(text: string): Mac | undefined {
  if (!/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(text)) return undefined;
  const mac = Number.parseInt(text.replaceAll(':', ''), 16);
  return (Number.parseInt(text.slice(0, 2), 16) & 1) === 0 && mac !== 0 ? mac : undefined;
}

export function writeEthernet(frame: Uint8Array, destination: Mac, source: Mac, type: number): void {
  writeMac(frame, 0, destination);
  writeMac(frame, 6, source);
  frame[12] = type >>> 8;
  frame[13] = type & 0xff;
}

/** Completes the checksum of a frame in place. */
export function closeChecksum(bytes: Uint8Array, { start, at }: OpenChecksum): void {
  const sum = checksum(sumOf(bytes, start));
  bytes[at] = sum >>> 8;
  bytes[at + 1] = sum & 0xff;
}
