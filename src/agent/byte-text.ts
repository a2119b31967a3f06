const encoder = new TextEncoder();
/** A byte order mark at the beginning of a name is a part of it. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** A byte that is no UTF-8 is half of a pair of UTF-16, which no text has by itself: 0x80 is U+DC80, 0xff U+DCFF. */
const ESCAPE = 0xdc00;
const ESCAPES = /([\udc80-\udcff])/u;

/**
 * Reads a name of Linux, which is any bytes, as text: UTF-8, and each byte that is none by a code unit of its own, so
 * that {@link encodeName} gives back what it was. Python does it in the same way (PEP 383).
 */
export function decodeName(bytes: Uint8Array): string {
  let text = '';
  let begin = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceAt(bytes, at);
    if (length === 0) {
      text += decoder.decode(bytes.subarray(begin, at)) + String.fromCharCode(ESCAPE + bytes[at]);
      begin = at + 1;
    }
    at += length || 1;
  }
  return text + decoder.decode(bytes.subarray(begin));
}

/** The bytes of a name, which {@link decodeName} may have given. */
export function encodeName(text: string): Uint8Array {
  const parts = text.split(ESCAPES).map((part, index) => {
    return index % 2 === 1 ? Uint8Array.of(part.charCodeAt(0) - ESCAPE) : encoder.encode(part);
  });
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Bytes of the character that begins there; 0 if none does (the Unicode Standard, table 3-7). */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  const length = lengthBy(lead);
  // No longer form than is needed, no half of a pair, and nothing above U+10FFFF.
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (length === 0 || !(bytes[at + 1] >= least && bytes[at + 1] <= most)) return 0;
  for (let next = at + 2; next < at + length; next++) if (!((bytes[next] & 0xc0) === 0x80)) return 0;
  return length;
}

function lengthBy(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}
