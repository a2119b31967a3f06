import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeLeftovers, UnfinishedImage } from './unfinished-image.ts';

let scratch: string;
let file: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hartvisor-unfinished-'));
  file = join(scratch, 'image.qcow2');
});

afterEach(() => rmSync(scratch, { recursive: true }));

/** A call that works on the image, and ends at some time. */
async function call<T>(
  work: (image: UnfinishedImage) => Promise<T>,
  inputs = ['packages', 'size'],
): Promise<T> {
  const image = await UnfinishedImage.open(file, inputs);
  try {
    await image.rewind();
    return await work(image);
  } finally {
    image.close();
  }
}

/** Two stages, in the second of which it ends. */
const interrupted = (image: UnfinishedImage) => {
  writeFileSync(image.disk, 'one');
  return image.keep(1).then(async () => {
    writeFileSync(image.disk, 'one, two');
    await image.keep(2);
    writeFileSync(image.disk, 'one, two, a half');
    writeFileSync(image.disc, 'packages');
    return image.uuid;
  });
};

describe('UnfinishedImage', () => {
  it('goes on behind the last stage that is whole', async () => {
    const uuid = await call(interrupted);
    await call(async (image) => {
      expect(image.uuid).toBe(uuid);
      expect(image.done).toBe(2);
      expect(readFileSync(image.disk, 'utf8')).toBe('one, two');
      expect(readFileSync(image.disc, 'utf8')).toBe('packages');
    });
  });

  it('has one copy of the disk beside it', async () => {
    await call(interrupted);
    const names = readdirSync(`${file}.unfinished`).sort();
    expect(names).toEqual(['after-2.qcow2', 'disk.qcow2', 'packages.iso', 'state.json']);
  });

  it.each([
    ['other inputs', () => undefined, ['packages', 'another size']],
    ['the same inputs cut otherwise', () => undefined, ['packagessize']],
    ['notes in part', () => writeFileSync(`${file}.unfinished/state.json`, '{"format":1,"ke'), undefined],
    [
      'notes with another word than a UUID',
      () => {
        const path = `${file}.unfinished/state.json`;
        writeFileSync(
          path,
          JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), uuid: "'; reboot #" }),
        );
      },
      undefined,
    ],
  ])('begins anew with %s', async (_, damage, inputs) => {
    const uuid = await call(interrupted);
    damage();
    await call(async (image) => {
      expect(image.done).toBe(0);
      expect(image.uuid).not.toBe(uuid);
      expect(readdirSync(image.folder)).toEqual(['state.json']);
    }, inputs);
  });

  it('does not take a copy in part for one, nor the disk of a killed process', async () => {
    await call(interrupted);
    writeFileSync(`${file}.unfinished/copy.qcow2`, 'one, two, th');
    rmSync(`${file}.unfinished/after-2.qcow2`);
    await call(async (image) => {
      expect(image.done).toBe(0);
      expect(existsSync(image.disk)).toBe(false);
    });
  });

  it('keeps the copy that was there when another one cannot be made', async () => {
    await call(async (image) => {
      writeFileSync(image.disk, 'one');
      await image.keep(1);
      rmSync(image.disk);
      await expect(image.keep(2)).rejects.toThrow(/ENOENT/);
      await image.rewind();
      expect(image.done).toBe(0);
    });
    await call(async (image) => {
      expect(image.done).toBe(1);
      expect(readFileSync(image.disk, 'utf8')).toBe('one');
    });
  });

  it('gives the complete image its name, and leaves nothing else', async () => {
    await call(async (image) => {
      writeFileSync(image.disk, 'whole');
      await image.finish();
    });
    expect(readdirSync(scratch)).toEqual(['image.qcow2']);
    expect(readFileSync(file, 'utf8')).toBe('whole');
  });

  it('is made by one process at a time', async () => {
    await call(async () => {
      // Locks are those of processes, and of this one another call has it as well.
      await expect(UnfinishedImage.open(file, ['packages', 'size'])).rejects.toThrow(
        /is in use by process \d+/,
      );
    });
  });

  it('is removed where a process was killed before it did so', async () => {
    await call(interrupted);
    writeFileSync(`${file}.unfinished.hartvisor-lock`, '{}');
    writeFileSync(file, 'whole');
    await removeLeftovers(file);
    expect(readdirSync(scratch)).toEqual(['image.qcow2']);
  });
});
