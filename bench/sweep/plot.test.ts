import { expect, test } from 'vitest';
import { plot } from './plot.ts';

const point = (series: string, size: number, speed: number, label = 'hartvisor') => ({
  ...{ name: `${series}-${size}`, series, label, speed, seconds: 1 },
});

test('a line a series, from its first point to its last, within the picture', () => {
  const svg = plot('hartvisor', [
    ...[point('a', 1, 1), point('a', 2, 100), point('a', 3, 0.001), point('b', 1, 2)],
    point('a', 1, 5, 'another'),
  ]);
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect([...svg.matchAll(/<title>([^<]*)/g)].slice(1).map(([, title]) => title)).toEqual([
    ...['a-1: 1.00', 'a-2: 100.00', 'a-3: 0.00', 'b-1: 2.00'],
  ]);
  const [, points = ''] = /points="([^"]*)"/.exec(svg) ?? [];
  const heights = points.split(' ').map((place) => Number(place.split(',')[1]));
  expect(heights).toEqual([195, 30, 360]);
});
