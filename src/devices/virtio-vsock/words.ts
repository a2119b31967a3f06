import { i32, struct } from '../../layout/struct.ts';

/** All shared words of its own. */
export const VSOCK = struct({
  /** How often a driver has reset the device: connections of before are gone. */
  RESETS: i32,
});

export const WORD = VSOCK.word;
export const VSOCK_WORDS = VSOCK.words;
