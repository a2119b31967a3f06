import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Listener } from './listener.ts';

test('a function is done at once, without a promise', () => {
  const listen = vi.fn();
  const listener = new Listener<number>(listen);
  expect(listener.tell(1)).toBeUndefined();
  expect(listener.heard).toBeUndefined();
  expect(listen).toHaveBeenCalledExactlyOnceWith(1);
});

test('each thing is told in its turn, whatever of them takes its time, until one fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('at once', 'later', 'fails', 'fails later'), { maxLength: 12 }),
      async (kinds) => {
        const told: number[] = [];
        let underWay = 0;
        const listener = new Listener((index: number) => {
          expect(underWay).toBe(0);
          told.push(index);
          if (kinds[index] === 'fails') throw new Error(`${index}`);
          if (kinds[index] === 'at once') return undefined;
          underWay++;
          return new Promise<void>((resolve, reject) => {
            setImmediate(() => {
              underWay--;
              if (kinds[index] === 'later') resolve();
              else reject(new Error(`${index}`));
            });
          });
        });
        const answers = kinds.map((_, index) => listener.tell(index));
        const outcomes = await Promise.allSettled(answers);
        const first = kinds.findIndex((kind) => kind.startsWith('fails'));
        const all = kinds.map((_, index) => index);
        expect(told).toEqual(first < 0 ? all : all.slice(0, first + 1));
        for (const [index, outcome] of outcomes.entries()) {
          if (first < 0 || index < first) expect(outcome.status).toBe('fulfilled');
          else expect(outcome).toEqual({ status: 'rejected', reason: new Error(`${first}`) });
        }
        if (first < 0) expect(listener.heard).toBeUndefined();
        else await expect(listener.heard).rejects.toThrow(`${first}`);
      },
    ),
  );
});
