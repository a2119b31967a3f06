/** Machines that are saved before something is changed, and what tells one machine from another one. */
import { crc32 } from 'node:zlib';
import { SAVED_HART } from '../../src/hart/saved-registers.ts';
import { memoryFor, planMachine } from '../../src/machine/plan.ts';
import type { SnapshotCodec } from '../../src/machine/snapshot/codec.ts';
import { Snapshot } from '../../src/machine/snapshot/read.ts';
import type { SavedMachine } from '../../src/machine/snapshot/saved-machine.ts';
import { stateParts } from '../../src/machine/snapshot/state-parts.ts';
import { writeSnapshot } from '../../src/machine/snapshot/write.ts';

const PAGE = 4096;

/** A machine that never ran, with something in all of its parts. */
export function machineOf(kind: 'domain' | 'bare'): SavedMachine {
  const plan = planMachine({ kind, cpus: kind === 'bare' ? 2 : 1, pcpus: 1, ramBytes: 16 * PAGE });
  const memory = memoryFor(plan);
  const bytes = new Uint8Array(memory.buffer);
  for (const { at, bytes: length } of stateParts(plan)) bytes.fill(3, at, at + length);
  for (const page of [0, 3, 4, 15])
    bytes.fill(page + 1, plan.ram.offset + page * PAGE, plan.ram.offset + page * PAGE + 99);
  const bare = { entry: 0x8000_0000, deviceTreeAddress: 0x8000_1000, dynamicInfo: 0 };
  return {
    ...{ plan, memory, xlen: 64, extensions: ['i', 'm'], milliseconds: 5 },
    own: kind === 'bare' ? { kind, bare } : { kind, protocol: 'take-mirror' },
    deviceTree: Uint8Array.of(1),
    registers: kind === 'bare' ? [5, 6].map((fill) => new Uint8Array(SAVED_HART.bytes).fill(fill)) : [],
    kept: [{ device: 1, part: 0, bytes: Uint8Array.of(2) }],
    hot: Uint32Array.of(2, 0x1001, 0xf00e),
  };
}

/** A text that is the same for the same machine only. */
export function identity(machine: SavedMachine): string {
  const { plan, memory, deviceTree, registers, kept, hot, own, xlen, extensions, milliseconds } = machine;
  const sum = (at: number, length: number) => crc32(new Uint8Array(memory.buffer, at, length));
  return JSON.stringify([
    ...[plan.kind, plan.cpus, plan.ram.size, sum(plan.ram.offset, plan.ram.size)],
    stateParts(plan).map(({ at, bytes }) => sum(at, bytes)),
    ...[registers.map((each) => [...each]), kept, [...hot], [...deviceTree]],
    ...[own, xlen, extensions, milliseconds],
  ]);
}

/** A file with the machine. */
export async function written(machine: SavedMachine, codec: SnapshotCodec): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const write = (bytes: Uint8Array) => Promise.resolve(void pieces.push(bytes.slice()));
  await writeSnapshot(machine, { version: '1' }, { write }, codec);
  return Uint8Array.from(Buffer.concat(pieces));
}

/** The machine in a file. @throws InputError for a file that is damaged */
export async function machineIn(file: Uint8Array, codec: SnapshotCodec): Promise<SavedMachine> {
  return (await Snapshot.open([file], { name: 'The file', codec, version: '1' })).machine();
}
