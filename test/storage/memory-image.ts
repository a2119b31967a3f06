import { GrowingImage } from '../../src/storage/growing-image.ts';

/** Something done to a file. */
export type FileEvent = { readonly offset: number; readonly bytes: Uint8Array } | 'flush';

/** A file in memory, which remembers what was done to it. */
export class MemoryImage extends GrowingImage {
  readonly events: FileEvent[] = [];

  override write(offset: number, from: Uint8Array): void {
    this.events.push({ offset, bytes: from.slice() });
    super.write(offset, from);
  }

  override flush(): void {
    this.events.push('flush');
  }
}
