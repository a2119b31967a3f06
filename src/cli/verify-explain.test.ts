import { expect, test } from 'vitest';
import { explainCommand } from './verify-explain.ts';

test.each([{ memory: 'rvwmo' }, { memory: 'sc', without: 'set .rl' }])(
  'no Promela with %j',
  async (memory) => {
    const asked = explainCommand('take-mirror', 'mail', { ...memory, promela: true });
    await expect(asked).rejects.toThrow('--promela is for --memory sc only');
  },
);

test('an unknown memory model', async () => {
  const asked = explainCommand('take-mirror', 'mail', { memory: 'tso' });
  await expect(asked).rejects.toThrow('--memory tso: the memory models are sc and rvwmo.');
});
