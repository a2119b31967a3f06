/**
 * Reads snapshots of which something is changed: bits, bytes, lengths, whole pieces; also with sums that are right
 * again; fields of sections, facts, the list of hot code. Each must be refused in words, or be the machine that was
 * saved. Where sums are right it may be another machine: then it can be saved and read again, and its list of hot code
 * changes nothing that a program computes.
 *
 *     node scripts/snapshot-fuzz.ts [--files 100000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { InputError } from '../src/errors/input-error.ts';
import { PLAIN_CODEC, type SnapshotCodec } from '../src/machine/snapshot/codec.ts';
import type { SavedMachine } from '../src/machine/snapshot/saved-machine.ts';
import { deflateCodec } from '../src/node/snapshots/deflate-codec.ts';
import { zstdCodec } from '../src/node/snapshots/zstd-codec.ts';
import { BYTE_CHANGES, PART_CHANGES } from './snapshot-fuzz/changes.ts';
import { identity, machineIn, machineOf, written } from './snapshot-fuzz/originals.ts';
import { withSums } from './snapshot-fuzz/parts.ts';
import { Random } from './snapshot-fuzz/random.ts';
import { hasPlaces, runsRight } from './snapshot-fuzz/use-list.ts';

/** RAM of a machine that is saved again: the others would take long. */
const MOST_RAM = 1 << 24;

const { values } = parseArgs({
  options: { files: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const random = new Random(Number(values.seed));

interface Original {
  readonly codec: SnapshotCodec;
  readonly bytes: Uint8Array;
  readonly right: string;
}

const originals: Original[] = [];
for (const kind of ['domain', 'bare'] as const)
  for (const codec of [PLAIN_CODEC, zstdCodec, deflateCodec])
    originals.push({
      codec,
      bytes: await written(machineOf(kind), codec),
      right: identity(machineOf(kind)),
    });

/** A changed file, and whether its sums are right. */
function changedFile(bytes: Uint8Array): { readonly changed: Uint8Array; readonly mended: boolean } {
  const kind = random.below(4);
  if (kind === 0) return { changed: random.oneOf(BYTE_CHANGES)(bytes, random), mended: false };
  if (kind === 1) return { changed: withSums(random.oneOf(BYTE_CHANGES)(bytes, random)), mended: true };
  return { changed: random.oneOf(PART_CHANGES)(bytes, random), mended: true };
}

async function checkOther(machine: SavedMachine, codec: SnapshotCodec): Promise<void> {
  if (!hasPlaces(machine.hot)) throw new Error('its list of hot code has what is no place');
  if (!runsRight(machine.hot)) throw new Error('its list of hot code changes what a program computes');
  if (machine.plan.ram.size > MOST_RAM) return;
  const again = await machineIn(await written(machine, codec), codec);
  if (identity(again) !== identity(machine)) throw new Error('it is not itself when it is saved again');
}

const outcomes = { refused: 0, same: 0, other: 0 };

async function checkFile({ codec, bytes, right }: Original): Promise<void> {
  const { changed, mended } = changedFile(bytes);
  let machine: SavedMachine;
  try {
    machine = await machineIn(changed, codec);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    outcomes.refused++;
    return;
  }
  if (machine.plan.ram.size <= MOST_RAM && identity(machine) === right) {
    outcomes.same++;
    return;
  }
  // Whoever makes the sums right has made another machine.
  if (!mended) throw new Error('it is another machine');
  await checkOther(machine, codec);
  outcomes.other++;
}

/** Files after which a line says how far it is. */
const ROUND = 10_000;
const files = Number(values.files);
const sentence = (count: number) =>
  `${count} files: ${outcomes.refused} refused in words, ${outcomes.same} as they were, ` +
  `${outcomes.other} other machines that are whole`;
for (let file = 0; file < files; file++) {
  try {
    await checkFile(random.oneOf(originals));
  } catch (error) {
    throw new Error(`file ${file} of seed ${values.seed}`, { cause: error });
  }
  if ((file + 1) % ROUND === 0 && file + 1 < files) console.log(sentence(file + 1));
}
console.log(sentence(files));
