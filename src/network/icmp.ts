import { checksum, fold, sumOf } from './checksum.ts';
import { IPV4_BYTES, MTU } from './ipv4.ts';

const ECHO = { REPLY: 0, REQUEST: 8 } as const;
const DESTINATION_UNREACHABLE = 3;
const HEADER_BYTES = 8;

/** Why a packet did not arrive: codes of "destination unreachable" (RFC 792, RFC 1122). */
export const UNREACHABLE = { NETWORK: 0, HOST: 1, PROTOCOL: 2, PORT: 3, PROHIBITED: 13 } as const;
export type Unreachable = (typeof UNREACHABLE)[keyof typeof UNREACHABLE];

/** The answer to an echo request; undefined if the message is none, or is damaged. */
export function echoReply(message: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (message.length < HEADER_BYTES || message[0] !== ECHO.REQUEST || message[1] !== 0) return undefined;
  if (fold(sumOf(message)) !== 0xffff) return undefined;
  const reply = new Uint8Array(message);
  reply[0] = ECHO.REPLY;
  return withChecksum(reply);
}

/** The message that a packet could not be delivered. @param packet from its header on, which is quoted */
export function unreachable(packet: Uint8Array, code: Unreachable): Uint8Array<ArrayBuffer> {
  // As much as fits into the smallest packet that everybody takes (RFC 1812, section 4.3.2.3).
  const quoted = packet.subarray(0, Math.min(MTU, 576) - IPV4_BYTES - HEADER_BYTES);
  const message = new Uint8Array(HEADER_BYTES + quoted.length);
  message[0] = DESTINATION_UNREACHABLE;
  message[1] = code;
  message.set(quoted, HEADER_BYTES);
  return withChecksum(message);
}

function withChecksum(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  message[2] = 0;
  message[3] = 0;
  const sum = checksum(sumOf(message));
  message[2] = sum >>> 8;
  message[3] = sum & 0xff;
  return message;
}
