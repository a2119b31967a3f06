import type { KeptState } from './descriptor.ts';

/** What one part of a device keeps. @returns nothing where there is none */
export function keptOf(part: number, bytes: Uint8Array | undefined): readonly KeptState[] {
  return bytes === undefined ? [] : [{ part, bytes }];
}
