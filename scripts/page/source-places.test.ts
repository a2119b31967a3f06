import { expect, test } from 'vitest';
import { allPlaces } from './source-places.ts';

test('each place that the page names is in one line of the sources', () => {
  const places = Object.entries(allPlaces());
  expect(places.length).toBeGreaterThan(15);
  for (const [name, place] of places) expect(place, name).toMatch(/^src\/[\w/-]+\.ts:[1-9]\d*$/);
});
