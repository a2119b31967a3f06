import { expect, test } from 'vitest';
import { keyAndValue, wordsOf } from './word-list.ts';

test.each([
  ['', ['']],
  ['a', ['a']],
  ['a=1,b,,c=2,d', ['a=1', 'b,c=2', 'd']],
  [',,,a', [',', 'a']],
])('the words of "%s"', (list, words) => {
  expect(wordsOf(list)).toEqual(words);
});

test.each([
  ['a=b=c', ['a', 'b=c']],
  ['a=', ['a', '']],
  ['a', ['a', undefined]],
])('the parts of "%s"', (word, parts) => {
  expect(keyAndValue(word)).toEqual(parts);
});
