import type { Color } from './bands.ts';

/** Computed colors are `rgb(r, g, b)`, or `color(srgb r g b)` with parts of 1. */
export function parseColor(text: string): Color {
  const numbers = (text.match(/[\d.]+(?:e-?\d+)?/g) ?? []).map(Number);
  const scale = text.startsWith('color(') ? 255 : 1;
  const part = (index: number) => Math.round((numbers[index] ?? 0) * scale);
  return [part(0), part(1), part(2)];
}
