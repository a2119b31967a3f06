import { IN, type RawEvent } from './inotify.ts';

/** Something that has happened to a file, or in a folder. */
export interface FileEvent {
  /** `lost`: there were more than the guest keeps, and some are missing. */
  readonly kind: 'created' | 'changed' | 'removed' | 'lost';
  /** In a folder, and with those below it its path from there; empty for the watched file itself. */
  readonly name: string;
}

/** The kinds of events, in the order in which they are looked for. */
const MEANINGS: readonly (readonly [number, FileEvent['kind']])[] = [
  [IN.overflow, 'lost'],
  [IN.created | IN.movedTo, 'created'],
  [IN.deleted | IN.movedFrom | IN.deletedItself | IN.movedItself, 'removed'],
  [IN.modified | IN.attributes, 'changed'],
];

/** @returns the meaning of an event of inotify; undefined if people are not told of it */
export function kindOf({ mask }: RawEvent): FileEvent['kind'] | undefined {
  return MEANINGS.find(([bits]) => (mask & bits) !== 0)?.[1];
}
