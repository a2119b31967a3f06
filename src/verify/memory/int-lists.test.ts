import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntLists } from './int-lists.ts';

test('equal lists have the same number, different ones have not', () => {
  const list = fc.array(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer()), { maxLength: 6 });
  fc.assert(
    fc.property(fc.array(list, { maxLength: 2000, size: 'max' }), (all) => {
      const lists = new IntLists();
      const numbers = new Map<string, number>();
      for (const each of all) {
        const number = lists.intern(each);
        expect(number).toBe(numbers.get(each.join()) ?? numbers.size);
        numbers.set(each.join(), number);
        expect(each.map((_, index) => lists.at(number, index))).toEqual(each);
      }
      expect(lists.count).toBe(numbers.size);
    }),
    { numRuns: 20 },
  );
});
