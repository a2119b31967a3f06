import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { SiteFile } from './site.ts';

/** How a file is packed on its way, in the order in which they are chosen. */
const ENCODINGS = ['br', 'gzip'] as const;
export type Encoding = (typeof ENCODINGS)[number];

const packers: Readonly<Record<Encoding, (bytes: Uint8Array) => Promise<Uint8Array>>> = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 9,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 9 }),
};

/** A larger file is given as it is: a site of this kind has none that packs. */
const MOST_BYTES = 16 * 2 ** 20;

/**
 * Reads the header `Accept-Encoding` (RFC 9110, section 12.5.3).
 *
 * @returns undefined for a file as it is
 */
export function chooseEncoding(header: string | undefined): Encoding | undefined {
  const wanted = new Map<string, boolean>();
  for (const part of (header ?? '').toLowerCase().split(',')) {
    const [name, ...parameters] = part.split(';').map((word) => word.trim());
    wanted.set(name, !parameters.some((word) => /^q=0(\.0{0,3})?$/.test(word)));
  }
  return ENCODINGS.find((name) => wanted.get(name) ?? wanted.get('*') ?? false);
}

/** Files as they are packed, each once: there are as many as the site has. */
export class PackedFiles {
  readonly #packed = new Map<string, Promise<Uint8Array>>();

  /** @returns undefined for a file that is better given as it is */
  get(file: SiteFile, encoding: Encoding | undefined): Promise<Uint8Array> | undefined {
    if (encoding === undefined || !file.packs || file.size > MOST_BYTES) return undefined;
    const name = `${encoding} ${file.file}`;
    const known = this.#packed.get(name);
    if (known !== undefined) return known;
    const packing = readFile(file.file).then((bytes) => packers[encoding](bytes));
    packing.catch(() => this.#packed.delete(name));
    this.#packed.set(name, packing);
    return packing;
  }
}
