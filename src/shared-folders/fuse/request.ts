import { refuse } from '../errno.ts';
import type { Name } from '../host-folder.ts';
import { IN_HEADER, LONGEST_NAME, LONGEST_TARGET } from './facts.ts';

const DOT = 0x2e;
const SLASH = 0x2f;

/** A request: a copy of its header and arguments, and its data in place. */
export class FuseRequest {
  readonly opcode: number;
  readonly node: number;
  readonly uid: number;
  readonly gid: number;
  /** Low and high half of the number that its answer bears. */
  readonly unique: readonly [number, number];
  /** Bytes of the arguments. */
  readonly bytes: number;
  /** Data to be written, or the rest of anything else: in the guest's memory, which may change. */
  readonly data: readonly Uint8Array[];
  readonly #view: DataView;

  /**
   * @param head the header and the bytes behind it, a copy: 40 bytes at least
   * @param data the bytes behind the head
   */
  constructor(head: Uint8Array, data: readonly Uint8Array[]) {
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    this.#view = view;
    this.opcode = view.getUint32(IN_HEADER.OPCODE, true);
    this.unique = [view.getUint32(IN_HEADER.UNIQUE, true), view.getUint32(IN_HEADER.UNIQUE + 4, true)];
    this.uid = view.getUint32(IN_HEADER.UID, true);
    this.gid = view.getUint32(IN_HEADER.GID, true);
    this.bytes = head.length - IN_HEADER.BYTES;
    this.data = data;
    this.node = this.#word64(IN_HEADER.NODE);
  }

  /** Refuses a request whose arguments are cut off. */
  atLeast(bytes: number): void {
    if (this.bytes < bytes) refuse('EINVAL');
  }

  /** A field of the arguments, unsigned. */
  word(offset: number): number {
    return this.#view.getUint32(IN_HEADER.BYTES + offset, true);
  }

  /** A field of 64 bits, unsigned; not exact from 2^53 on, where nothing is. */
  wide(offset: number): number {
    return this.#word64(IN_HEADER.BYTES + offset);
  }

  /** A field of 64 bits, signed, as times are. */
  signed(offset: number): number {
    const at = IN_HEADER.BYTES + offset;
    return this.#view.getInt32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
  }

  /** A file's name that begins at an offset in the arguments. */
  name(offset: number): Name {
    const name = this.text(offset);
    if (name.length > LONGEST_NAME) refuse('ENAMETOOLONG');
    // Linux resolves these itself; a guest that sends them wants to get out of the folder.
    const isDots = name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
    if (name.length === 0 || isDots || name.includes(SLASH)) refuse('EINVAL');
    return name;
  }

  /** Bytes up to the zero behind them. */
  text(offset: number): Uint8Array {
    const start = this.#view.byteOffset + IN_HEADER.BYTES + offset;
    const rest = new Uint8Array(this.#view.buffer, start, Math.max(0, this.bytes - offset));
    const end = rest.indexOf(0);
    if (end < 0) refuse(rest.length > LONGEST_TARGET ? 'ENAMETOOLONG' : 'EINVAL');
    return rest.subarray(0, end);
  }

  #word64(at: number): number {
    return this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
  }
}
