import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SendQueue } from './send-queue.ts';

type Step =
  | { readonly push: number }
  | { readonly drop: number }
  | { readonly look: readonly [number, number] };

const step = fc.oneof<fc.Arbitrary<Step>[]>(
  fc.record({ push: fc.nat(20) }),
  fc.record({ drop: fc.nat(30) }),
  fc.record({ look: fc.tuple(fc.nat(40), fc.nat(40)) }),
);

test('is as an array of bytes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new SendQueue();
      let model: number[] = [];
      let next = 0;
      for (const each of steps) {
        if ('push' in each) {
          const bytes = Uint8Array.from({ length: each.push }, () => next++ & 0xff);
          model.push(...bytes);
          queue.push(bytes);
        } else if ('drop' in each) {
          model = model.slice(each.drop);
          queue.drop(each.drop);
        } else {
          const offset = Math.min(each.look[0], model.length);
          const count = Math.min(each.look[1], model.length - offset);
          const seen = queue.slice(offset, count).flatMap((part) => [...part]);
          expect(seen).toEqual(model.slice(offset, offset + count));
        }
        expect(queue.length).toBe(model.length);
      }
    }),
  );
});
