import {
  BYTES,
  either,
  type OptionRules,
  type Rule,
  SIGNAL,
  TEXT,
  WEB_STREAM,
  whole,
} from '../errors/arguments.ts';

/** The longest time of a command, in milliseconds: timers wait for 2^31 - 1, and a late command has some more steps. */
export const LONGEST_MS = 2_147_000_000;

/** Options of calls that can be given up. */
export interface Abortable {
  readonly signal?: AbortSignal;
}

export const ABORTABLE: OptionRules<Abortable> = { signal: SIGNAL };
/** Paths, words of commands, variables: in Linux a zero byte is the end of each. */
export const WORD: Rule = {
  wanted: 'a text without zero bytes',
  fits: (value) => typeof value === 'string' && !value.includes('\0'),
};
export const PATH: Rule = {
  wanted: 'a path, without zero bytes',
  fits: (value) => WORD.fits(value) && value !== '',
};
/** A TCP port of the guest. */
export const PORT = whole(1, 0xffff);
/** Data for the guest. */
export const SOURCE = either(TEXT, BYTES, WEB_STREAM);
