import { describe, expect, test } from 'vitest';
import { assemble, createDecoder, type Extension } from '../isa/index.ts';
import { type AccessPlan, planAccesses } from './access-plan.ts';
import { analyseFlow } from './flow.ts';
import { buildGraph, type Graph } from './graph.ts';

const decode = createDecoder({ extensions: new Set<Extension>(['i', 'm']), xlen: 64 });

/** Plans the accesses of a program, which ends with a system instruction. */
function plan(
  source: string,
  longest = 128,
  ungroupedBases = 0,
): { readonly graph: Graph; readonly accesses: AccessPlan } {
  const { bytes } = assemble(`${source}\necall`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const code = {
    at: (offset: number) => (offset < bytes.length ? decode(view.getUint32(offset, true)) : undefined),
    isWarm: () => true,
    targetsOf: () => [],
  };
  const graph = buildGraph(code, 0, { instructions: 100, most: 100, callDepth: 0 });
  if (graph === undefined) throw new Error('nothing to compile');
  const { flow, dominates } = analyseFlow(graph);
  return { graph, accesses: planAccesses(graph, flow, dominates, { longest, ungroupedBases }) };
}

/** The groups of all accesses, by the offsets of their instructions. */
function groups({ graph, accesses }: ReturnType<typeof plan>) {
  const all = graph.blocks.flatMap(({ index, code }) =>
    code.map(({ offset }, at) => [offset, accesses.groups[index][at]] as const),
  );
  return new Map(all.filter(([, group]) => group !== undefined));
}

describe('a check', () => {
  test('holds in the next block, for the addresses of both', () => {
    const found = groups(plan('ld a1, 0(a0)\nbeqz a1, 1f\nld a2, 16(a0)\n1: nop'));
    expect(found.get(8)).toBe(found.get(0));
    expect(found.get(0)).toMatchObject({ low: 0, span: 24, alignment: 8, stores: false });
  });

  test('does not hold once its register is written', () => {
    const found = groups(plan('ld a1, 0(a0)\nbeqz a1, 1f\naddi a0, a0, 8\nld a2, 16(a0)\n1: nop'));
    expect(found.get(12)).not.toBe(found.get(0));
  });

  test('does not hold where not all ways have passed it', () => {
    const found = groups(plan('beqz a1, 1f\nld a2, 0(a0)\n1: ld a3, 0(a0)'));
    expect(found.get(8)).not.toBe(found.get(4));
  });

  test('of a load does not allow a store', () => {
    const found = groups(plan('ld a1, 0(a0)\nbeqz a1, 1f\nsd a2, 0(a0)\n1: nop'));
    expect(found.get(8)).not.toBe(found.get(0));
  });

  test('is made before a loop that does not write its register', () => {
    const result = plan('1: ld a1, 0(a0)\naddi a2, a2, -1\nbnez a2, 1b');
    expect(result.accesses.before[0]).toEqual([groups(result).get(0)]);
  });

  test('stays in a loop that writes its register, or does not access it in every turn', () => {
    expect(
      plan('1: ld a1, 0(a0)\naddi a0, a0, 8\nbnez a1, 1b')
        .accesses.before.flat()
        .filter((group) => group !== undefined),
    ).toEqual([]);
    const sometimes = plan('1: beqz a3, 2f\nld a1, 0(a0)\n2: addi a2, a2, -1\nbnez a2, 1b');
    expect(sometimes.accesses.before.flat().filter((group) => group !== undefined)).toEqual([]);
  });

  test('is made once before nested loops', () => {
    const { accesses } = plan('1: ld a1, 0(a0)\n2: ld a3, 8(a0)\naddi a2, a2, -1\nbnez a2, 2b\nbnez a1, 1b');
    expect(accesses.before.flat().filter((group) => group !== undefined)).toHaveLength(1);
  });

  test('is made for each access where these are not to be grouped', () => {
    const result = plan('ld a1, 0(a0)\nld a2, 8(a0)', 0);
    expect(groups(result).get(4)).not.toBe(groups(result).get(0));
  });

  test('is made for each aligned unit where a register has too much in different pages', () => {
    const A0 = 1 << 10;
    const found = groups(
      plan('ld a1, 0(a0)\nlw a2, 4(a0)\nld a2, 8(a0)\nld a3, 0(a4)\nld a3, 8(a4)', 128, A0),
    );
    expect(found.get(4)).toBe(found.get(0));
    expect(found.get(8)).not.toBe(found.get(0));
    expect(found.get(16)).toBe(found.get(12));
  });

  test('through x0 holds behind HINTs, which write nothing', () => {
    const found = groups(plan('ld a1, 0(zero)\naddi zero, zero, 8\nlui zero, 1\nld a2, 16(zero)'));
    expect(found.get(12)).toBe(found.get(0));
    expect(found.get(0)).toMatchObject({ base: 0, low: 0, span: 24, stride: 0 });
  });

  test('through x0 is made before a loop, not for its turns', () => {
    const result = plan('1: ld a1, 0(zero)\naddi zero, zero, 8\nbnez a1, 1b');
    expect(result.accesses.strided).toEqual([]);
    expect(result.accesses.before[0]).toEqual([groups(result).get(0)]);
  });
});
