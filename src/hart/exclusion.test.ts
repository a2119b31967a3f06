import { describe, expect, test } from 'vitest';
import { EXCLUSION, Exclusion } from './exclusion.ts';

const { word } = EXCLUSION;

/** An exclusion of a hart that is asked to leave once it has looked so many times whether it is. */
function exclusionOf(looks: number) {
  const words = new Int32Array(new SharedArrayBuffer(EXCLUSION.bytes));
  let left = looks;
  return { words, exclusion: new Exclusion(words, () => left-- <= 0) };
}

describe('an exclusion', () => {
  test('lets a hart work alone where it is the only one inside', () => {
    const { words, exclusion } = exclusionOf(0);
    expect(exclusion.enter()).toBe(true);
    const seen: number[] = [];
    expect(exclusion.alone(() => seen.push(...words))).toBe(true);
    // Owned, and nobody inside.
    expect(seen).toEqual([1, 0]);
    expect([...words]).toEqual([0, 1]);
    expect(exclusion.mayStay).toBe(true);
    exclusion.leave();
    exclusion.leave();
    expect([...words]).toEqual([0, 0]);
  });

  test('is given up while another hart stays inside and somebody wants this one out', () => {
    const { words, exclusion } = exclusionOf(2);
    expect(exclusion.enter()).toBe(true);
    words[word.inside] = 2;
    expect(exclusion.alone(() => expect.unreachable())).toBe(false);
    // The hart is not inside any more, and others may enter.
    expect([...words]).toEqual([0, 1]);
    expect(exclusion.mayStay).toBe(false);
  });

  test('keeps a hart out while another one works alone, but not from leaving', () => {
    const { words, exclusion } = exclusionOf(2);
    words[word.owned] = 1;
    expect(exclusion.enter()).toBe(false);
    expect([...words]).toEqual([1, 0]);
    expect(exclusion.alone(() => expect.unreachable())).toBe(false);
    expect([...words]).toEqual([1, 0]);
  });
});
