/** The same bytes in a buffer with nothing else in it: a message takes all of a buffer along. */
export function wholeBuffer(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}
