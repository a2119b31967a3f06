import { expect, test } from 'vitest';
import type { Finding } from '../../page/checker/questions.ts';
import { framesOf, sentenceOf } from '../../page/explain/frames.ts';
import { protocolByName } from '../../src/interrupts/protocols.ts';
import { jsonResult } from '../../src/verify/report-json.ts';
import { SCENARIOS } from '../../src/verify/scenarios/index.ts';
import { verify } from '../../src/verify/verify.ts';

function find(protocol: string, name: string): Finding {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const result = verify(protocolByName(protocol), scenario);
  return { ...jsonResult(result), threads: result.counterexample?.replay.names ?? [], explored: [] };
}

test('the lost IPI of the published protocol, step by step', () => {
  const finding = find('published', 'ipi-after-round');
  const frames = framesOf(finding);
  expect(frames).toHaveLength((finding.counterexample?.length ?? 0) + 1);
  const values = (number: number) =>
    Object.fromEntries(frames[number]?.values.map(({ name, value }) => [name, value]) ?? []);
  expect(values(0)).toMatchObject({
    irqs_pending: '1',
    irqs_pending_mask: '0',
    'cached hvip': '1',
    HVIP: '0',
  });
  const erasing = frames.find(({ verdict }) => verdict !== '');
  expect(erasing).toMatchObject({
    thread: 'vCPU',
    text: 'clear_bit(pend)',
    access: 'writes',
    word: 'irqs_pending',
  });
  expect(erasing?.verdict).toMatch(/^This step erases the interrupt, which step \d had set\.$/);
  expect(values(erasing?.number ?? 0)).toMatchObject({ irqs_pending: '0', irqs_pending_mask: '1' });
  // A note of one thread is never told with a step of another one.
  for (const { thread, notes } of frames) if (thread === 'S') expect(notes).toEqual([]);
  for (const frame of frames) expect(sentenceOf(frame, frames.length - 1)).toMatch(/^\S.*\.$/);
});

test('every protocol that goes wrong has frames whose values follow from each other', () => {
  for (const [protocol, scenario] of [
    ['published', 'two-ipis'],
    ['xen', 'ipi-after-round'],
    ['xchg', 'line'],
    ['direct', 'one-ipi'],
  ] as const) {
    const finding = find(
      protocol,
      SCENARIOS.some(({ name }) => name === scenario) ? scenario : 'ipi-after-round',
    );
    const frames = framesOf(finding);
    for (const [index, frame] of frames.entries()) {
      for (const [place, { name, value, isNew }] of frame.values.entries()) {
        const before = frames[index - 1]?.values[place]?.value ?? value;
        expect(isNew, `${protocol}: ${name} at ${index}`).toBe(index > 0 && before !== value);
      }
    }
  }
});

test('what is proven has no frames', () => {
  expect(framesOf(find('take-mirror', 'ipi-after-round'))).toEqual([]);
});
