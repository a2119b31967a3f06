import { instructionNamed, type Operands, type Xlen } from '../../src/isa/index.ts';
import { LAYOUT } from './layout.ts';

const NO_OPERANDS: Operands = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, csr: 0, rm: 0 };

/** The 32-bit encoding of an instruction. */
export function encode(name: string, operands: Partial<Operands>, xlen: Xlen = 64): number {
  const { match, format } = instructionNamed(name, xlen);
  return (match | format.encode({ ...NO_OPERANDS, ...operands })) >>> 0;
}

/** The body of a program as it grows. */
export class Code {
  readonly #xlen: Xlen;
  readonly #bytes = new DataView(new ArrayBuffer(LAYOUT.bodyEnd - LAYOUT.body));
  /** Bytes so far. */
  length = 0;

  constructor(xlen: Xlen) {
    this.#xlen = xlen;
  }

  /** Address of the next instruction. */
  get pc(): number {
    return LAYOUT.body + this.length;
  }

  emit(bits: number, bytes: 2 | 4): void {
    this.patch(this.length, bits, bytes);
    this.length += bytes;
  }

  /** A 32-bit instruction by name. */
  add(name: string, operands: Partial<Operands>): void {
    this.emit(encode(name, operands, this.#xlen), 4);
  }

  patch(offset: number, bits: number, bytes: 2 | 4): void {
    if (bytes === 2) this.#bytes.setUint16(offset, bits, true);
    else this.#bytes.setUint32(offset, bits, true);
  }

  /** The body so far. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.buffer, 0, this.length);
  }
}
