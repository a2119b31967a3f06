import { encodeFrame, type Frame } from './frame.ts';
import { PayloadReader, PayloadWriter } from './payload.ts';
import { FRAME, PROTOCOL } from './protocol.ts';

/** The agent's introduction of itself. */
export interface AgentHello {
  readonly version: number;
  /** Its process in the guest. */
  readonly pid: number;
}

/** Bytes of `HELLO` behind its header. */
const HELLO_BYTES = 16;
/** How `HELLO` begins: bytes before it are left over from an agent that is gone. */
const PREAMBLE = encodeFrame(0, FRAME.HELLO, helloPayload({ version: 0, pid: 0 })).subarray(
  0,
  PROTOCOL.HEADER_BYTES + 8,
);

/** The payload of `HELLO`. */
export function helloPayload({ version, pid }: AgentHello): Uint8Array {
  const { MAGIC_LOW, MAGIC_HIGH } = PROTOCOL;
  return new PayloadWriter().u32(MAGIC_LOW).u32(MAGIC_HIGH).u32(version).u32(pid).payload;
}

/** Reads `HELLO`. @throws AgentError if it is not one */
export function readHello({ payload }: Frame): AgentHello {
  const reader = new PayloadReader(payload);
  reader.u32();
  reader.u32();
  return { version: reader.u32(), pid: reader.u32() };
}

/** Looks for the beginning of a connection in a guest's bytes. */
export class HelloSearch {
  /** The last bytes of before, fewer than the preamble has. */
  #tail = new Uint8Array();

  /** @returns the bytes from `HELLO` on; undefined as long as it is not there */
  take(bytes: Uint8Array): Uint8Array | undefined {
    const all = new Uint8Array(this.#tail.length + bytes.length);
    all.set(this.#tail);
    all.set(bytes, this.#tail.length);
    for (let at = all.indexOf(HELLO_BYTES); at >= 0; at = all.indexOf(HELLO_BYTES, at + 1)) {
      if (at + PREAMBLE.length > all.length) break;
      if (PREAMBLE.every((byte, index) => all[at + index] === byte)) return all.subarray(at);
    }
    this.#tail = all.slice(-(PREAMBLE.length - 1));
    return undefined;
  }
}
