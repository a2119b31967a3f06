import { either, listOf, type Rule, whole, word } from '../../errors/arguments.ts';

/** An interrupt as hvip counts them. */
export const IRQ = whole(0, 63);
/** Those that extensions add. */
export const LOCAL_IRQS = listOf(whole(13, 63), 'a list of interrupt numbers');
/** An identity of messages (AIA specification, section 3.1). */
export const IDENTITY = whole(1, 2047);
export const IDENTITIES = listOf(IDENTITY, 'a list of identities');
/** How often something is done. */
export const COUNT = whole(0, 0xffff);
/** Which of several devices on one line: each has a bit of a word. */
export const INDEX = whole(0, 31);
export const SENDS = either(COUNT, word('any', 'forever'));
/** Levels of a line in turn. */
export const SCRIPT: Rule = {
  wanted: 'a text of + and -',
  fits: (value) => typeof value === 'string' && /^[+-]+$/.test(value),
};
