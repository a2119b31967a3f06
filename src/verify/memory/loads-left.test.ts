import { expect, test } from 'vitest';
import { protocolByName } from '../../interrupts/protocols.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { orderingBy, TRANSCRIPTIONS } from './transcription.ts';
import { verifyWeakly } from './weak-verify.ts';

test('a vCPU that goes on while a sender stands still has finitely many states', () => {
  const scenario = SCENARIOS.find(({ name }) => name === 'one-ipi');
  if (scenario === undefined) throw new Error('no such scenario');
  const orderingOf = orderingBy(TRANSCRIPTIONS.published);
  const bounds = { maxStates: 20_000, maxTime: 600_000 };
  expect(verifyWeakly(protocolByName('published'), scenario, orderingOf, bounds).verdict).toBe('PROVEN');
});
