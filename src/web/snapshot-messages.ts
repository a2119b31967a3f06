/** The messages between a page and the thread that reads, writes and copies machines for it. */
import type { AttachedParts } from '../devices/descriptor.ts';
import type { SnapshotFacts } from '../machine/snapshot/facts.ts';
import type { SavedMachine } from '../machine/snapshot/saved-machine.ts';

/** Where the bytes of a snapshot are. */
export type SnapshotSource =
  /** `base` is the address that the other one is relative to. */
  | { readonly kind: 'address'; readonly url: string; readonly base: string }
  | { readonly kind: 'blob'; readonly blob: Blob }
  /** In the page's memory, which sends them one by one. */
  | { readonly kind: 'pieces' };

/** To the thread. */
export type ToSnapshotThread =
  /** @see Snapshot.open */
  | { readonly kind: 'open'; readonly source: SnapshotSource; readonly name: string }
  /** The next one of the pieces, or their end. */
  | { readonly kind: 'piece'; readonly bytes: Uint8Array | undefined }
  /** @see Snapshot.machine */
  | { readonly kind: 'read'; readonly pcpus: number; readonly attached: AttachedParts }
  /** @see writeSnapshot */
  | {
      readonly kind: 'write';
      readonly saved: SavedMachine;
      readonly notes: Readonly<Record<string, string>>;
    }
  /** @see copyMachine */
  | { readonly kind: 'copy'; readonly saved: SavedMachine; readonly pcpus: number | undefined };

/** From the thread. */
export type FromSnapshotThread =
  | { readonly kind: 'progress'; readonly bytes: number; readonly totalBytes: number | undefined }
  | { readonly kind: 'facts'; readonly facts: SnapshotFacts }
  | { readonly kind: 'machine'; readonly saved: SavedMachine }
  /** Of a snapshot that is written, in their order; then its end. */
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }
  | { readonly kind: 'written' }
  /** @param isInput something given cannot be used, and the message is for people */
  | { readonly kind: 'failed'; readonly message: string; readonly isInput: boolean };
