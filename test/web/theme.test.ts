import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const sheet = readFileSync(new URL('../../page/theme.css', import.meta.url), 'utf8');
const colors = new Map(
  [...sheet.matchAll(/--hv-([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, ...pair]) => [
    name,
    pair,
  ]),
);

/** WCAG 2.2, "relative luminance" and "contrast ratio". */
function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const texts = ['text', 'muted', 'accent', 'good', 'warn', 'bad'];
const grounds = ['bg', 'panel', 'raised'];

test.each([
  ...texts.flatMap((text) => grounds.map((ground) => [text, ground, 4.5] as const)),
  ['accent-text', 'accent', 4.5] as const,
  // Borders of what can be used, and the ring around what has the focus: 3 to 1 (1.4.11).
  ...['edge', 'focus'].flatMap((line) => grounds.map((ground) => [line, ground, 3] as const)),
])('%s can be seen on %s', (one, other, least) => {
  for (const theme of [0, 1]) {
    const [color, ground] = [one, other].map((name) => colors.get(name)?.[theme] ?? 'none');
    expect(contrast(color, ground), `${color} on ${ground}`).toBeGreaterThanOrEqual(least);
  }
});
