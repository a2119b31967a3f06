import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Plic } from './device.ts';
import { PLIC } from './facts.ts';
import { MAP } from './registers.ts';

const CONTEXTS = 4;
let told: number[] = [];

function makePlic(contexts = CONTEXTS): Plic {
  told = [];
  return new Plic(new Int32Array(new SharedArrayBuffer(4 * Plic.wordsFor(contexts))), {
    contexts,
    onContextChange: (context) => told.push(context),
  });
}

let plic = makePlic();
const setPriority = (source: number, value: number) => plic.write(MAP.PRIORITY + 4 * source, 4, value);
const enableOffset = (context: number, source: number) =>
  MAP.ENABLE + MAP.ENABLE_STRIDE * context + 4 * (source >> 5);
function enable(context: number, source: number, on = true): void {
  const offset = enableOffset(context, source);
  const mask = 1 << (source & 31);
  const old = plic.read(offset, 4);
  plic.write(offset, 4, (on ? old | mask : old & ~mask) >>> 0);
}
const page = (context: number) => MAP.CONTEXT + MAP.CONTEXT_STRIDE * context;
const setThreshold = (context: number, value: number) => plic.write(page(context) + MAP.THRESHOLD, 4, value);
const claim = (context: number) => plic.read(page(context) + MAP.CLAIM, 4);
const complete = (context: number, source: number) => plic.write(page(context) + MAP.CLAIM, 4, source);
const levels = () => Array.from({ length: CONTEXTS }, (_, context) => plic.contextPending(context));
const pendingBit = (source: number) => (plic.read(MAP.PENDING + 4 * (source >> 5), 4) >>> (source & 31)) & 1;

beforeEach(() => {
  plic = makePlic();
});

describe('registers', () => {
  test('priorities and thresholds keep three bits; source 0 has no priority', () => {
    setPriority(0, 7);
    setPriority(1, 0xffff_ffff);
    setPriority(PLIC.sources, 5);
    setPriority(PLIC.sources + 1, 5);
    setThreshold(2, 0xf9);
    expect([0, 1, PLIC.sources, PLIC.sources + 1].map((source) => plic.read(4 * source, 4))).toEqual([
      0, 7, 5, 0,
    ]);
    expect(plic.read(page(2), 4)).toBe(1);
  });

  test('enable words are kept for each context, without source 0 and without sources that do not exist', () => {
    for (let word = 0; word < 32; word++)
      plic.write(MAP.ENABLE + MAP.ENABLE_STRIDE + 4 * word, 4, 0xffff_ffff);
    const read = (context: number) =>
      Array.from({ length: 4 }, (_, word) => plic.read(enableOffset(context, 32 * word), 4));
    expect(read(1)).toEqual([0xffff_fffe, 0xffff_ffff, 0xffff_ffff, 0]);
    expect([read(0), read(2)].flat().every((word) => word === 0)).toBe(true);
  });

  test('holes and contexts that do not exist read 0 and ignore writes', () => {
    const holes = [0x1080, 0x1ffc, page(0) + 8, page(CONTEXTS), page(CONTEXTS) + MAP.CLAIM, PLIC.size - 4];
    for (const offset of [...holes, enableOffset(CONTEXTS, 1)]) {
      plic.write(offset, 4, 0xffff_ffff);
      expect(plic.read(offset, 4)).toBe(0);
    }
    expect(told).toEqual([]);
  });

  test('pending bits are read-only', () => {
    plic.write(MAP.PENDING, 4, 0xffff_ffff);
    expect(plic.read(MAP.PENDING, 4)).toBe(0);
  });

  test('only word accesses are declared', () => {
    expect(plic.widths).toBe(4);
  });

  test('a wrong source or number of contexts is refused', () => {
    for (const source of [0, -1, 96, 1.5, Number.NaN]) expect(() => plic.line(source)).toThrow(/1 to 95/);
    const make = (contexts: number) => new Plic(new Int32Array(10), { contexts, onContextChange() {} });
    for (const contexts of [0, 1025, 0.5]) expect(() => make(contexts)).toThrow(/1 to 1024/);
    expect(() => make(2)).toThrow(/shared words/);
  });
});

describe('one source', () => {
  test('raise, claim, complete', () => {
    setPriority(10, 1);
    enable(1, 10);
    const line = plic.line(10);
    line.set(true);
    expect(levels()).toEqual([false, true, false, false]);
    expect(claim(1)).toBe(10);
    expect(levels()).toEqual([false, false, false, false]);
    expect(claim(1)).toBe(0);
    line.set(false);
    complete(1, 10);
    expect(levels()).toEqual([false, false, false, false]);
    expect(told).toEqual([1, 1]);
  });

  test('a line that is still high after completion is pending again, and not before', () => {
    setPriority(10, 1);
    enable(1, 10);
    plic.line(10).set(true);
    claim(1);
    expect(pendingBit(10)).toBe(0);
    complete(1, 10);
    expect(pendingBit(10)).toBe(1);
    expect(plic.contextPending(1)).toBe(true);
    expect(told).toEqual([1, 1, 1]);
  });

  test('a line that falls and rises while claimed makes one new request, on completion', () => {
    setPriority(10, 1);
    enable(1, 10);
    const line = plic.line(10);
    line.set(true);
    claim(1);
    line.set(false);
    line.set(true);
    expect(pendingBit(10)).toBe(0);
    complete(1, 10);
    expect(claim(1)).toBe(10);
  });

  test('a forwarded request outlives its line', () => {
    setPriority(10, 1);
    enable(1, 10);
    plic.line(10).set(true);
    plic.line(10).set(false);
    expect(claim(1)).toBe(10);
    complete(1, 10);
    expect(claim(1)).toBe(0);
  });

  test('completion counts only where the source is enabled and claimed', () => {
    setPriority(10, 1);
    enable(1, 10);
    plic.line(10).set(true);
    complete(1, 10);
    expect(claim(1)).toBe(10);
    complete(2, 10);
    for (const wrong of [0, 96, 0xffff_ffff, 9]) complete(1, wrong);
    expect(claim(1)).toBe(0);
    enable(1, 10, false);
    complete(1, 10);
    enable(1, 10);
    expect(claim(1)).toBe(0);
    complete(1, 10);
    expect(claim(1)).toBe(10);
  });

  test('priority 0 is never signalled and never claimed', () => {
    enable(1, 10);
    plic.line(10).set(true);
    expect([plic.contextPending(1), claim(1)]).toEqual([false, 0]);
    setPriority(10, 1);
    expect(told).toEqual([1]);
    expect([plic.contextPending(1), claim(1)]).toEqual([true, 10]);
  });

  test('the threshold masks the signal and not the claim', () => {
    setPriority(10, 3);
    enable(1, 10);
    plic.line(10).set(true);
    setThreshold(1, 3);
    expect(plic.contextPending(1)).toBe(false);
    setThreshold(1, 2);
    expect(plic.contextPending(1)).toBe(true);
    expect(told).toEqual([1, 1, 1]);
    setThreshold(1, 7);
    expect(claim(1)).toBe(10);
  });

  test('enabling and disabling a pending source moves the level', () => {
    setPriority(33, 1);
    plic.line(33).set(true);
    expect(told).toEqual([]);
    enable(3, 33);
    expect(plic.contextPending(3)).toBe(true);
    enable(3, 33, false);
    expect(plic.contextPending(3)).toBe(false);
    expect(told).toEqual([3, 3]);
  });
});

describe('several sources and contexts', () => {
  test('the highest priority comes first, the lowest number among equals', () => {
    for (const [source, priority] of [
      [3, 2],
      [40, 7],
      [95, 7],
      [31, 2],
    ] as const) {
      setPriority(source, priority);
      enable(0, source);
      plic.line(source).set(true);
    }
    expect([claim(0), claim(0), claim(0), claim(0), claim(0)]).toEqual([40, 95, 3, 31, 0]);
  });

  test('of two contexts that listen one gets the source and the level of both falls', () => {
    setPriority(10, 1);
    enable(1, 10);
    enable(3, 10);
    plic.line(10).set(true);
    expect(levels()).toEqual([false, true, false, true]);
    expect([claim(3), claim(1)]).toEqual([10, 0]);
    expect(levels()).toEqual([false, false, false, false]);
    expect(told).toEqual([1, 3, 1, 3]);
  });

  test('lowering one line leaves the level that another source holds up', () => {
    for (const source of [5, 6]) {
      setPriority(source, 1);
      enable(1, source);
      plic.line(source).set(true);
    }
    expect(claim(1)).toBe(5);
    plic.line(5).set(false);
    complete(1, 5);
    expect(plic.contextPending(1)).toBe(true);
    expect(told).toEqual([1]);
  });
});

describe('reset, save and restore', () => {
  test('a reset forgets everything but the lines', () => {
    setPriority(10, 1);
    enable(1, 10);
    plic.line(10).set(true);
    claim(1);
    plic.reset();
    expect([plic.read(40, 4), plic.read(enableOffset(1, 10), 4), plic.contextPending(1)]).toEqual([
      0,
      0,
      false,
    ]);
    setPriority(10, 1);
    enable(1, 10);
    expect(claim(1)).toBe(10);
  });

  test('a restored controller continues where the saved one was, and tells every context', () => {
    setPriority(10, 1);
    enable(1, 10);
    plic.line(10).set(true);
    const saved = structuredClone(plic.save());
    plic = makePlic();
    plic.restore(saved);
    expect(told).toEqual([0, 1, 2, 3]);
    expect([plic.contextPending(1), claim(1)]).toEqual([true, 10]);
    expect(() => makePlic(2).restore(saved)).toThrow(/same configuration/);
  });
});

/** The specification's words again, in the plainest data structures. */
class ReferencePlic {
  readonly high = new Set<number>();
  readonly pending = new Set<number>();
  readonly claimed = new Set<number>();
  readonly priority = new Map<number, number>();
  readonly enabled = Array.from({ length: CONTEXTS }, () => new Set<number>());
  readonly threshold = new Array<number>(CONTEXTS).fill(0);

  forward(source: number): void {
    if (this.high.has(source) && !this.claimed.has(source)) this.pending.add(source);
  }

  candidates(context: number): number[] {
    return [...this.pending].filter((source) => this.enabled[context].has(source));
  }

  level(context: number): boolean {
    return this.candidates(context).some(
      (source) => (this.priority.get(source) ?? 0) > this.threshold[context],
    );
  }

  claim(context: number): number {
    const [best] = this.candidates(context)
      .map((source) => ({ source, priority: this.priority.get(source) ?? 0 }))
      .filter(({ priority }) => priority > 0)
      .sort((a, b) => b.priority - a.priority || a.source - b.source);
    if (best === undefined) return 0;
    this.pending.delete(best.source);
    this.claimed.add(best.source);
    return best.source;
  }

  complete(context: number, source: number): void {
    if (!this.enabled[context].has(source) || !this.claimed.delete(source)) return;
    this.forward(source);
  }
}

const sources = fc.constantFrom(1, 2, 31, 32, 33, 63, 64, 95);
const contexts = fc.nat(CONTEXTS - 1);
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('line' as const), source: sources, level: fc.boolean() }),
    fc.record({ kind: fc.constant('priority' as const), source: sources, value: fc.nat(7) }),
    fc.record({
      kind: fc.constant('enable' as const),
      context: contexts,
      source: sources,
      level: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('threshold' as const), context: contexts, value: fc.nat(7) }),
    fc.record({ kind: fc.constant('claim' as const), context: contexts }),
    fc.record({ kind: fc.constant('complete' as const), context: contexts, source: sources }),
  ),
  { minLength: 10, maxLength: 80 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

function apply(step: Step, model: ReferencePlic): void {
  switch (step.kind) {
    case 'line':
      plic.line(step.source).set(step.level);
      if (step.level) model.high.add(step.source);
      else model.high.delete(step.source);
      model.forward(step.source);
      break;
    case 'priority':
      setPriority(step.source, step.value);
      model.priority.set(step.source, step.value);
      break;
    case 'enable':
      enable(step.context, step.source, step.level);
      if (step.level) model.enabled[step.context].add(step.source);
      else model.enabled[step.context].delete(step.source);
      break;
    case 'threshold':
      setThreshold(step.context, step.value);
      model.threshold[step.context] = step.value;
      break;
    case 'claim':
      expect(claim(step.context)).toBe(model.claim(step.context));
      break;
    case 'complete':
      complete(step.context, step.source);
      model.complete(step.context, step.source);
      break;
  }
}

test('agrees with a plain reading of the specification, and tells exactly the contexts that change', () => {
  fc.assert(
    fc.property(steps, (list) => {
      plic = makePlic();
      const model = new ReferencePlic();
      for (const step of list) {
        const before = levels();
        told = [];
        apply(step, model);
        const after = levels();
        expect(after).toEqual(after.map((_, context) => model.level(context)));
        expect(told).toEqual(after.flatMap((level, context) => (level === before[context] ? [] : [context])));
      }
    }),
    { numRuns: 300 },
  );
});
