import { checksum, fold, pseudoHeaderSum, sumOf } from '../checksum.ts';
import { ETHERNET_BYTES, ETHERTYPE, type Frame, type Mac, type Taker, writeEthernet } from '../ethernet.ts';
import { IPV4_BYTES, PROTOCOL, writePacketHead } from '../ipv4.ts';
import { headBytes, type OutSegment, TCP_BYTES, TCP_CHECKSUM, writeHead } from './segment.ts';
import type { Ends } from './tcp.ts';

/** Makes frames of segments, one after the other in the same bytes. */
export class SegmentFrames {
  /** Bytes of data in the longest frame: as many as the length of a packet has room for. */
  static readonly LONGEST = 0xffff - IPV4_BYTES - TCP_BYTES;
  readonly #router: Mac;
  readonly #bytes = new Uint8Array(ETHERNET_BYTES + 0xffff);

  constructor(router: Mac) {
    this.#router = router;
  }

  /** @returns a frame that is valid until the next one is made */
  write({ guest, guestPort, remote, remotePort }: Ends, segment: OutSegment, mac: Mac, taker: Taker): Frame {
    const header = headBytes(segment);
    const length = header + segment.length;
    const at = ETHERNET_BYTES + IPV4_BYTES;
    const bytes = this.#bytes.subarray(0, at + length);
    writeEthernet(bytes, mac, this.#router, ETHERTYPE.IPV4);
    const head = { source: remote, destination: guest, protocol: PROTOCOL.TCP };
    writePacketHead(bytes, ETHERNET_BYTES, head, IPV4_BYTES + length);
    writeHead(bytes, at, [remotePort, guestPort], segment);
    let to = at + header;
    for (const part of segment.parts) {
      bytes.set(part, to);
      to += part.length;
    }
    const pseudo = pseudoHeaderSum(remote, guest, PROTOCOL.TCP, length);
    const sum = taker.openChecksums ? fold(pseudo) : checksum(sumOf(bytes, at, bytes.length, pseudo));
    bytes[at + TCP_CHECKSUM] = sum >>> 8;
    bytes[at + TCP_CHECKSUM + 1] = sum & 0xff;
    return {
      bytes,
      open: taker.openChecksums ? { start: at, at: at + TCP_CHECKSUM } : undefined,
      segments:
        segment.segmentBytes === undefined
          ? undefined
          : { bytes: segment.segmentBytes, headers: at + header },
    };
  }
}
