/**
 * Reads snapshots of which something is changed: bits, bytes, lengths, whole pieces; also with sums that are right
 * again. Each must be refused in words, or be the machine that was saved.
 *
 *     node scripts/snapshot-fuzz.ts [--files 100000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { InputError } from '../src/errors/input-error.ts';
import { memoryFor, planMachine } from '../src/machine/plan.ts';
import { PLAIN_CODEC } from '../src/machine/snapshot/codec.ts';
import { crc32 } from '../src/machine/snapshot/crc32.ts';
import { HEAD, SECTION } from '../src/machine/snapshot/format.ts';
import { Snapshot } from '../src/machine/snapshot/read.ts';
import type { SavedMachine } from '../src/machine/snapshot/saved-machine.ts';
import { stateParts } from '../src/machine/snapshot/state-parts.ts';
import { writeSnapshot } from '../src/machine/snapshot/write.ts';
import { zstdCodec } from '../src/node/snapshots/zstd-codec.ts';

const PAGE = 4096;
const { values } = parseArgs({
  options: { files: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
let seed = Number(values.seed);

function random(end: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * end);
}

function machine(): SavedMachine {
  const plan = planMachine({ kind: 'domain', cpus: 1, pcpus: 1, ramBytes: 16 * PAGE });
  const memory = memoryFor(plan);
  const bytes = new Uint8Array(memory.buffer);
  for (const { at, bytes: length } of stateParts(plan)) bytes.fill(3, at, at + length);
  for (const page of [0, 3, 4, 15])
    bytes.fill(page + 1, plan.ram.offset + page * PAGE, plan.ram.offset + page * PAGE + 99);
  return {
    ...{
      plan,
      memory,
      xlen: 64,
      extensions: ['i', 'm'],
      own: { kind: 'domain', protocol: 'take-mirror' },
      milliseconds: 5,
    },
    ...{
      deviceTree: Uint8Array.of(1),
      registers: [],
      kept: [{ device: 1, part: 0, bytes: Uint8Array.of(2) }],
      hot: Uint32Array.of(2, 0x1001),
    },
  };
}

/** A sum over all that a machine is. */
function identity({ plan, memory, kept, deviceTree, milliseconds }: SavedMachine): string {
  const of = (at: number, length: number) => crc32(new Uint8Array(memory.buffer, at, length));
  const state = stateParts(plan).map(({ at, bytes }) => of(at, bytes));
  return JSON.stringify([
    state,
    of(plan.ram.offset, plan.ram.size),
    kept,
    deviceTree,
    milliseconds,
    plan.cpus,
  ]);
}

async function written(codec: typeof zstdCodec): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const write = (bytes: Uint8Array) => Promise.resolve(void pieces.push(bytes.slice()));
  await writeSnapshot(machine(), { version: '1' }, { write }, codec);
  return Uint8Array.from(Buffer.concat(pieces));
}

const CHANGES: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
  (bytes) => bytes.subarray(0, random(bytes.length)),
  (bytes) => {
    const changed = bytes.slice();
    for (let count = 1 + random(3); count > 0; count--) changed[random(changed.length)] ^= 1 << random(8);
    return changed;
  },
  (bytes) => {
    const changed = bytes.slice();
    new DataView(changed.buffer).setUint32(
      random(changed.length - 4),
      [0, 1, 2 ** 31, 2 ** 32 - 1, 4096][random(5)],
      true,
    );
    return changed;
  },
  (bytes) => {
    const [from, length] = [random(bytes.length), random(200)];
    return Uint8Array.from([...bytes.subarray(0, from), ...bytes.subarray(from + length)]);
  },
  (bytes) => Uint8Array.from([...bytes, ...bytes.subarray(random(bytes.length))]),
];

/** Makes all sums right, as far as sections can be told apart: what is believed then must be harmless. */
function withSums(bytes: Uint8Array): Uint8Array {
  const fixed = bytes.slice();
  const view = new DataView(fixed.buffer);
  if (fixed.length < HEAD.bytes) return fixed;
  let at = HEAD.bytes + view.getUint32(HEAD.at.factsBytes, true);
  if (at > fixed.length) return fixed;
  const head = crc32(fixed.subarray(HEAD.bytes, at), crc32(fixed.subarray(0, HEAD.at.sum)));
  view.setUint32(HEAD.at.sum, head, true);
  const before = crc32(Uint8Array.from([0, 8, 16, 24], (bits) => head >>> bits));
  while (at + SECTION.bytes <= fixed.length) {
    const end = at + SECTION.bytes + view.getUint32(at + SECTION.at.stored, true);
    if (end > fixed.length) break;
    const fields = crc32(fixed.subarray(at, at + SECTION.at.sum), before);
    view.setUint32(at + SECTION.at.sum, crc32(fixed.subarray(at + SECTION.bytes, end), fields), true);
    at = end;
  }
  return fixed;
}

const outcomes = { refused: 0, same: 0, other: 0 };
const originals = [
  { codec: PLAIN_CODEC, bytes: await written(PLAIN_CODEC) },
  { codec: zstdCodec, bytes: await written(zstdCodec) },
];
const right = identity(machine());
const files = Number(values.files);
for (let file = 0; file < files; file++) {
  const { codec, bytes } = originals[file & 1];
  const change = CHANGES[random(CHANGES.length)];
  const mends = (file & 2) !== 0;
  const changed = mends ? withSums(change(bytes)) : change(bytes);
  try {
    const snapshot = await Snapshot.open([changed], { name: 'The file', codec, version: '1' });
    const isRight = identity(await snapshot.machine()) === right;
    // Whoever makes the sums right has made another machine.
    if (!isRight && !mends) throw new Error(`file ${file} is another machine`);
    outcomes[isRight ? 'same' : 'other']++;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    outcomes.refused++;
  }
}
console.log(
  `${files} files: ${outcomes.refused} refused in words, ${outcomes.same} as they were, ${outcomes.other} mended`,
);
