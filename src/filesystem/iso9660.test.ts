import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discFiles } from '../../test/filesystem/disc-reader.ts';
import { DISC_SECTOR, type DiscFile, discHeader, discHeaderBytes, nextPlace } from './iso9660.ts';

function disc(contents: readonly Uint8Array[]): Uint8Array {
  const files: DiscFile[] = [];
  let end = discHeaderBytes(contents.length);
  for (const [index, { length: bytes }] of contents.entries()) {
    const place = nextPlace(end);
    files.push({ name: `F${String(index).padStart(7, '0')}.DEB`, place, bytes });
    end = place + bytes;
  }
  const all = new Uint8Array(nextPlace(end));
  all.set(discHeader(files, all.length));
  for (const [index, { place }] of files.entries()) all.set(contents[index], place);
  return all;
}

describe('discHeader', () => {
  it('leads to all files', () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 150 });
    fc.assert(
      fc.property(contents, (written) => {
        const read = [...discFiles(disc(written)).values()];
        expect(read.length).toBe(written.length);
        for (const [index, content] of read.entries())
          expect(Buffer.compare(content, written[index])).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, Partial<DiscFile>]>([
    ['a long name', { name: 'NINELETTE.DEB' }],
    ['small letters', { name: 'a.deb' }],
    ['4 GiB', { bytes: 2 ** 32 }],
    ['a place within a sector', { place: 100 }],
  ])('refuses a file with %s', (_, wrong) => {
    const file = { name: 'A.DEB', place: 64 * DISC_SECTOR, bytes: 1, ...wrong };
    expect(() => discHeader([file], 128 * DISC_SECTOR)).toThrow(RangeError);
  });
});
