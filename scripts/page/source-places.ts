import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';
import { type Anchor, OTHER_PLACES, STEP_PLACES } from '../../page/source-places/places.ts';

const NAME = 'virtual:source-places';
const RESOLVED = `\0${NAME}`;

/** Line of an anchor in the sources, from 1. @throws Error if the text is not there, or more than once */
export function lineOf({ file, text }: Anchor): number {
  const lines = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split('\n');
  const found = lines.flatMap((line, index) => (line.includes(text) ? [index + 1] : []));
  const [line] = found;
  if (line === undefined || found.length > 1)
    throw new Error(
      `page/source-places/places.ts: "${text}" is in ${found.length} lines of ${file}, not in one`,
    );
  return line;
}

/** Each place by its name, as `file:line`. */
export function allPlaces(): Record<string, string> {
  const anchors: readonly (readonly [string, Anchor])[] = Object.entries({ ...STEP_PLACES, ...OTHER_PLACES });
  return Object.fromEntries(anchors.map(([name, anchor]) => [name, `${anchor.file}:${lineOf(anchor)}`]));
}

/** Gives the page the lines of the places that it names, as the sources are when it is built. */
export function sourcePlaces(): Plugin {
  return {
    name: 'hartvisor-source-places',
    resolveId: (id) => (id === NAME ? RESOLVED : undefined),
    load: (id) => (id === RESOLVED ? `export default ${JSON.stringify(allPlaces())};` : undefined),
  };
}
