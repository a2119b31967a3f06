import { fold, pseudoHeaderSum, sumOf } from '../checksum.ts';
import { type Packet, PROTOCOL } from '../ipv4.ts';

export const TCP_BYTES = 20;
/** Where the checksum is in a header. */
export const TCP_CHECKSUM = 16;
export const FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;

const OPTION = { END: 0, NOTHING: 1, SEGMENT_SIZE: 2, WINDOW_SCALE: 3 } as const;
const LARGEST_SCALE = 14;

/** The options of a segment with SYN, as far as they matter here. */
export interface SynOptions {
  /** Bytes of the largest segment that the sender takes (MSS). */
  readonly segmentBytes: number;
  /** By how many bits its windows are to be shifted; undefined if it does not scale. */
  readonly scale: number | undefined;
}

/** The head that all segments have: RFC 9293, section 3.1. Numbers of bytes count modulo 2^32, as unsigned numbers. */
export interface SegmentHead {
  readonly sequence: number;
  readonly acknowledged: number;
  readonly flags: number;
  /** 16 bits, not scaled. */
  readonly window: number;
}

/** A segment from the guest. */
export interface Segment extends SegmentHead {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** In segments with SYN. */
  readonly options: SynOptions;
  readonly data: Uint8Array;
}

/** A segment for the guest: its data in parts. */
export interface OutSegment extends SegmentHead {
  readonly options?: SynOptions;
  readonly parts: readonly Uint8Array[];
  /** Bytes of all parts. */
  readonly length: number;
  /** Bytes of each of the segments that it stands for, if they are many. */
  readonly segmentBytes?: number;
}

const NO_OPTIONS: SynOptions = { segmentBytes: 536, scale: undefined };

/** Reads the segment in a packet; undefined if it is none. @param whole whether its checksum is there */
export function readSegment({ source, destination, payload }: Packet, whole: boolean): Segment | undefined {
  if (payload.length < TCP_BYTES) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const header = (view.getUint8(12) >>> 4) * 4;
  if (header < TCP_BYTES || header > payload.length) return undefined;
  if (whole) {
    const start = pseudoHeaderSum(source, destination, PROTOCOL.TCP, payload.length);
    if (fold(sumOf(payload, 0, payload.length, start)) !== 0xffff) return undefined;
  }
  const flags = view.getUint8(13);
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    sequence: view.getUint32(4),
    acknowledged: view.getUint32(8),
    flags,
    window: view.getUint16(14),
    options: (flags & FLAG.SYN) === 0 ? NO_OPTIONS : readOptions(payload.subarray(TCP_BYTES, header)),
    data: payload.subarray(header),
  };
}

/** Reads options; those behind one that makes no sense are as if they were not there. */
function readOptions(bytes: Uint8Array): SynOptions {
  let { segmentBytes, scale } = NO_OPTIONS;
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at];
    if (kind === OPTION.END) break;
    if (kind === OPTION.NOTHING) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) break;
    if (kind === OPTION.SEGMENT_SIZE && length === 4) segmentBytes = (bytes[at + 2] << 8) | bytes[at + 3];
    if (kind === OPTION.WINDOW_SCALE && length === 3) scale = Math.min(bytes[at + 2], LARGEST_SCALE);
    at += length;
  }
  return { segmentBytes, scale };
}

/** Bytes of the header that {@link writeHead} writes. */
export function headBytes({ options }: OutSegment): number {
  if (options === undefined) return TCP_BYTES;
  return TCP_BYTES + 4 + (options.scale === undefined ? 0 : 4);
}

/** Writes a header without its checksum. */
export function writeHead(
  bytes: Uint8Array,
  at: number,
  ports: readonly [number, number],
  segment: OutSegment,
): void {
  const header = headBytes(segment);
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, header);
  view.setUint16(0, ports[0]);
  view.setUint16(2, ports[1]);
  view.setUint32(4, segment.sequence);
  view.setUint32(8, segment.acknowledged);
  view.setUint8(12, (header / 4) << 4);
  view.setUint8(13, segment.flags);
  view.setUint16(14, segment.window);
  view.setUint32(TCP_CHECKSUM, 0);
  const { options } = segment;
  if (options === undefined) return;
  view.setUint32(20, (OPTION.SEGMENT_SIZE << 24) | (4 << 16) | options.segmentBytes);
  if (options.scale === undefined) return;
  view.setUint32(24, (OPTION.NOTHING << 24) | (OPTION.WINDOW_SCALE << 16) | (3 << 8) | options.scale);
}
