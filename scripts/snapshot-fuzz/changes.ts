/** Changes to the file of a snapshot: to its bytes, whatever they are, and to its parts. */
import { MOST_HOT } from '../../src/hart/hot-code.ts';
import { TAG } from '../../src/machine/snapshot/format.ts';
import { type Part, type Parts, putTogether, takeApart } from './parts.ts';
import type { Random } from './random.ts';

export type Change = (bytes: Uint8Array, random: Random) => Uint8Array;

/** Numbers at which a length, a count or an address may be mistaken for another one. */
const EDGES = [0, 1, 2, 255, 4095, 4096, 2 ** 16, 2 ** 26, 2 ** 26 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** Changes of bytes. */
export const BYTE_CHANGES: readonly Change[] = [
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => {
    const changed = bytes.slice();
    for (let count = 1 + random.below(3); count > 0; count--)
      changed[random.below(changed.length)] ^= 1 << random.below(8);
    return changed;
  },
  (bytes, random) => {
    const changed = bytes.slice();
    new DataView(changed.buffer).setUint32(random.below(changed.length - 4), random.oneOf(EDGES), true);
    return changed;
  },
  (bytes, random) => {
    const [from, length] = [random.below(bytes.length), random.below(200)];
    return Uint8Array.from([...bytes.subarray(0, from), ...bytes.subarray(from + length)]);
  },
  (bytes, random) => Uint8Array.from([...bytes, ...bytes.subarray(random.below(bytes.length))]),
];

/** Changes of parts: all sums of what comes of them are right. */
export const PART_CHANGES: readonly Change[] = [
  changeFacts,
  ofSections(changeOneField),
  ofSections(changeContent),
  ofSections(moveOne),
  ofSections(changeHotList),
  // As often as the others together: it is believed as it is.
  ofSections(changeHotList),
  ofSections(changeHotList),
  ofSections(changeHotList),
];

function ofSections(change: (sections: Part[], random: Random) => void): Change {
  return (bytes, random) => {
    const parts = takeApart(bytes);
    const sections = [...parts.sections];
    change(sections, random);
    return putTogether({ ...parts, sections });
  };
}

const FACT_VALUES: readonly unknown[] = [
  ...[-1, 0, 0.5, 1, 2, 3, 64, 65, 4096, 1 << 20, 2 ** 32, 2 ** 32 + 4096, 2 ** 53, 1e300],
  ...[null, true, '', 'bare', 'none', [], {}, [[]], { kind: 'bare' }],
];

/** Another value for something in the JSON, or something more or less in it. */
function changeFacts(bytes: Uint8Array, random: Random): Uint8Array {
  const parts: Parts = takeApart(bytes);
  const facts: unknown = JSON.parse(new TextDecoder().decode(parts.facts));
  let at = facts as Record<string, unknown>;
  for (;;) {
    const name = random.oneOf(Object.keys(at));
    const inner = at[name];
    if (typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 && random.below(4) > 0) {
      at = inner as Record<string, unknown>;
      continue;
    }
    if (random.below(8) === 0) delete at[name];
    else at[random.below(16) === 0 ? 'other' : name] = random.oneOf(FACT_VALUES);
    return putTogether({ ...parts, facts: new TextEncoder().encode(JSON.stringify(facts)) });
  }
}

function changeOneField(sections: Part[], random: Random): void {
  const index = random.below(sections.length);
  const field = random.oneOf(['tag', 'number', 'plain', 'stored'] as const);
  const old = sections[index][field];
  const value = random.oneOf([...EDGES, old + 1, old - 1, old + 4, random.below(9), MOST_HOT * 4 + 4]);
  sections[index] = { ...sections[index], [field]: value };
}

/** Words of a section; of one that was packed, some bytes of that. */
function changeContent(sections: Part[], random: Random): void {
  const index = random.below(sections.length);
  const bytes = sections[index].bytes.slice();
  if (bytes.length < 4) return;
  const view = new DataView(bytes.buffer);
  for (let count = 1 + random.below(3); count > 0; count--) {
    // Numbers come first in the sections that have any.
    const words = Math.min(bytes.length >> 2, random.below(2) === 0 ? 5 : bytes.length);
    view.setUint32(4 * random.below(words), random.oneOf([...EDGES, random.below(2 ** 32)]), true);
  }
  sections[index] = { ...sections[index], bytes };
}

/** One is left out, is there twice, or comes elsewhere; the numbers of the others, and the end's, stay. */
function moveOne(sections: Part[], random: Random): void {
  const from = random.below(sections.length);
  const [taken] = random.below(2) === 0 ? sections.splice(from, 1) : [sections[from]];
  if (random.below(3) > 0) sections.splice(random.below(sections.length + 1), 0, taken);
  const last = sections.at(-1);
  if (last !== undefined && random.below(2) === 0)
    sections[sections.length - 1] = { ...last, number: sections.length - 1 };
}

/** Another list of hot code, of any length, that names any places. */
function changeHotList(sections: Part[], random: Random): void {
  const index = sections.findIndex(({ tag }) => tag === TAG.hot);
  const length = random.oneOf([
    ...[0, 1, 2, random.below(200), random.below(200), random.below(MOST_HOT)],
    ...[MOST_HOT - 1, MOST_HOT, MOST_HOT + 1, 20 * MOST_HOT],
  ]);
  const words = Uint32Array.from({ length }, () => hotWord(random));
  if (random.below(2) === 0) words.sort();
  const spare = random.oneOf([0, 0, 0, 0, 1, 2, 3]);
  const bytes = new Uint8Array(words.byteLength + spare);
  bytes.set(new Uint8Array(words.buffer));
  const size = bytes.length;
  sections[index] = { ...sections[index], plain: size, stored: size, bytes };
}

function hotWord(random: Random): number {
  const near = () => random.below(0x40);
  const page = () => 4096 * random.below(2 ** 20) + random.oneOf([0, 1, 2, 4094, 4095]);
  return random.oneOf([near, page, () => random.below(2 ** 32), () => random.oneOf(EDGES)])();
}
