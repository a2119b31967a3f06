/** The file of a snapshot taken apart and put together again, with sums that are right. */
import { crc32 } from 'node:zlib';
import { HEAD, SECTION } from '../../src/machine/snapshot/format.ts';

/** A section, whose fields need not be true. */
export interface Part {
  readonly tag: number;
  readonly number: number;
  readonly plain: number;
  /** The length in the field, and the one that is there. */
  readonly stored: number;
  readonly bytes: Uint8Array;
}

/** A whole file. */
export interface Parts {
  /** The bytes before the JSON. */
  readonly head: Uint8Array;
  readonly facts: Uint8Array;
  readonly sections: readonly Part[];
}

/** Takes a file apart that is whole. */
export function takeApart(file: Uint8Array): Parts {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const field = (at: number) => view.getUint32(at, true);
  let at = HEAD.bytes + field(HEAD.at.factsBytes);
  const [head, facts] = [file.subarray(0, HEAD.bytes), file.subarray(HEAD.bytes, at)];
  const sections: Part[] = [];
  while (at < file.length) {
    const stored = field(at + SECTION.at.stored);
    const bytes = file.subarray(at + SECTION.bytes, at + SECTION.bytes + stored);
    const [tag, number] = [field(at + SECTION.at.tag), field(at + SECTION.at.number)];
    sections.push({ tag, number, plain: field(at + SECTION.at.plain), stored, bytes });
    at += SECTION.bytes + stored;
  }
  return { head, facts, sections };
}

/** Puts a file together: sums are right, and so is the length of the JSON. */
export function putTogether({ head, facts, sections }: Parts): Uint8Array {
  const start = new Uint8Array(HEAD.bytes);
  start.set(head);
  new DataView(start.buffer).setUint32(HEAD.at.factsBytes, facts.length, true);
  const pieces = [start, facts];
  for (const { tag, number, plain, stored, bytes } of sections) {
    const fields = new DataView(new ArrayBuffer(SECTION.bytes));
    for (const [name, value] of Object.entries({ tag, number, plain, stored }))
      fields.setUint32(SECTION.at[name as keyof typeof SECTION.at], value, true);
    pieces.push(new Uint8Array(fields.buffer), bytes);
  }
  return withSums(Uint8Array.from(Buffer.concat(pieces)));
}

/** Makes all sums right, as far as sections can be told apart: what is believed then must be harmless. */
export function withSums(bytes: Uint8Array): Uint8Array {
  const fixed = bytes.slice();
  const view = new DataView(fixed.buffer);
  if (fixed.length < HEAD.bytes) return fixed;
  let at = HEAD.bytes + view.getUint32(HEAD.at.factsBytes, true);
  if (at > fixed.length) return fixed;
  const head = crc32(fixed.subarray(HEAD.bytes, at), crc32(fixed.subarray(0, HEAD.at.sum)));
  view.setUint32(HEAD.at.sum, head, true);
  const before = crc32(Uint8Array.from([0, 8, 16, 24], (bits) => head >>> bits));
  while (at + SECTION.bytes <= fixed.length) {
    const end = at + SECTION.bytes + view.getUint32(at + SECTION.at.stored, true);
    if (end > fixed.length) break;
    const fields = crc32(fixed.subarray(at, at + SECTION.at.sum), before);
    view.setUint32(at + SECTION.at.sum, crc32(fixed.subarray(at + SECTION.bytes, end), fields), true);
    at = end;
  }
  return fixed;
}
