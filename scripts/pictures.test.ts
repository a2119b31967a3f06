import { expect, test } from 'vitest';
import { terminal } from './pictures.ts';

test('a picture holds its lines as text, and marks those that matter', () => {
  const svg = terminal('command', ['a <b> & c', '  matters'], /matters/);
  expect(svg).toContain('>$ command</text>');
  expect(svg).toContain('a &lt;b&gt; &amp; c</text>');
  expect(svg.match(/fill="#ffa657"[^>]*> {2}matters/)).not.toBeNull();
  expect(svg.startsWith('<svg ') && svg.endsWith('</svg>\n')).toBe(true);
});
