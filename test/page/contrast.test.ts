import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseColor } from '../../page/timeline/model/colors.ts';

type Rgb = readonly [number, number, number];

/** Custom properties of style sheets: in the light, and in the dark. */
function colorsOf(...files: readonly string[]): Map<string, readonly [light: Rgb, dark: Rgb]> {
  const text = files
    .map((file) => readFileSync(new URL(`../../page/${file}`, import.meta.url), 'utf8'))
    .join('\n');
  const found = text.matchAll(/(--hv-[\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g);
  return new Map(
    [...found].map(([, name, light, dark]) => [name ?? '', [hex(light ?? ''), hex(dark ?? '')]]),
  );
}

function hex(text: string): Rgb {
  const part = (at: number) => Number.parseInt(text.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}

/** Contrast ratio, WCAG 2.2. */
function contrast(one: Rgb, other: Rgb): number {
  const luminance = (color: Rgb) => {
    const [red, green, blue] = color.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

test('marks stand out from the ground, and words more so, in the light and in the dark', () => {
  const colors = colorsOf('theme.css', 'timeline/timeline.css');
  const panel = colors.get('--hv-panel');
  const marks = [...colors.keys()].filter((name) => name.startsWith('--hv-moment-'));
  expect(marks).toHaveLength(8);
  const least = new Map([
    ...marks.map((name) => [name, 3] as const),
    ['--hv-text', 4.5],
    ['--hv-muted', 4.5],
    ['--hv-bad', 4.5],
  ]);
  for (const [name, ratio] of least) {
    for (const theme of [0, 1] as const) {
      const its = colors.get(name)?.[theme];
      const ground = panel?.[theme];
      expect(its && ground ? contrast(its, ground) : 0, `${name} ${theme}`).toBeGreaterThanOrEqual(ratio);
    }
  }
});

test('computed colors are read in both of their forms', () => {
  expect(parseColor('rgb(10, 20, 30)')).toEqual([10, 20, 30]);
  expect(parseColor('color(srgb 1 0.5 0)')).toEqual([255, 128, 0]);
});
