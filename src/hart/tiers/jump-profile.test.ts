import { expect, test } from 'vitest';
import { JumpProfile } from './jump-profile.ts';

test('targets are known by how often they were met, the most frequent first', () => {
  const profile = new JumpProfile();
  for (const [distance, times] of [
    [16, 2],
    [-8, 5],
    [400, 1],
  ]) {
    for (let time = 0; time < times; time++) profile.note(64, distance);
  }
  expect(profile.targets(64)).toEqual([-8, 16, 400]);
  expect(profile.targets(72)).toEqual([]);
  expect(profile.kept).toBe(3);
});

test.each([
  ['of one jump', () => 64],
  ['of as many jumps', (count: number) => count * 8],
  ['of a few thousand jumps', (count: number) => (count % 4000) * 8],
])('there is an end to targets that are remembered: %s', (_name, slot) => {
  const profile = new JumpProfile();
  let most = 0;
  for (let count = 0; count < 200_000; count++) {
    profile.note(slot(count), count * 2);
    most = Math.max(most, profile.kept);
  }
  expect(most).toBeLessThanOrEqual(32_768);
});
