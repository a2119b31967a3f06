import { expect, test } from 'vitest';
import { createDecoder, type Extension } from '../isa/index.ts';
import type { CodeSource } from './code-source.ts';
import { buildGraph } from './graph.ts';

const decode = createDecoder({ extensions: new Set<Extension>(['i']), xlen: 64 });
const JR_A0 = 0x0005_0067;

test.each([2 ** 30 - 4, -(2 ** 30), 2 ** 29 + 64, -(2 ** 21)])(
  'jumps by %d bytes, one after the other, do not lead farther than offsets can be',
  (distance) => {
    const source: CodeSource = {
      at: () => decode(JR_A0),
      isWarm: () => true,
      targetsOf: (offset) => [offset + distance],
    };
    const graph = buildGraph(source, 0, { instructions: 3000, most: 3000, callDepth: 3 });
    const offsets = graph?.blocks.map(({ code }) => code[0].offset) ?? [];
    expect(offsets.length).toBe(Math.floor(2 ** 30 / Math.abs(distance)) + 1);
    expect(Math.max(...offsets.map(Math.abs))).toBeLessThanOrEqual(2 ** 30);
    // The last one ends with a jump to anywhere.
    expect(graph?.blocks.at(-1)?.end).toEqual({ kind: 'indirect', expected: [] });
  },
);
