import { GuestMemory } from '../../memory/guest-memory.ts';
import type { SnapshotCodec, SnapshotSink } from './codec.ts';
import { crc32 } from './crc32.ts';
import { factsOf, type HostFacts } from './facts.ts';
import { HEAD, SECTION, SECTION_PAGES, SNAPSHOT_MAGIC, SNAPSHOT_VERSION, TAG, type Tag } from './format.ts';
import { PAGE, type PageRun, pagesInUse } from './ram-pages.ts';
import type { SavedMachine } from './saved-machine.ts';
import { stateParts } from './state-parts.ts';

/** Sections that are packed at a time. */
const WIDTH = 6;
const WORD = Int32Array.BYTES_PER_ELEMENT;

/** The size of a snapshot. */
export interface SnapshotSize {
  /** Of the whole file, and of the pages of RAM that are not all zeroes. */
  readonly fileBytes: number;
  readonly ramBytes: number;
}

/** A section before it is packed. */
interface Plain {
  readonly tag: Tag;
  readonly number: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Writes a paused machine, which must stay paused until this is done.
 *
 * @param host facts for the program that restores it
 */
export async function writeSnapshot(
  saved: SavedMachine,
  host: HostFacts,
  sink: SnapshotSink,
  codec: SnapshotCodec,
): Promise<SnapshotSize> {
  const writer = new SectionWriter(sink, codec);
  await writer.writeHead(new TextEncoder().encode(JSON.stringify(factsOf(saved, host, codec.name))));
  let ramBytes = 0;
  for (const section of sectionsOf(saved)) {
    if (section.tag === TAG.ram) ramBytes += section.bytes.length;
    await writer.add(section);
  }
  await writer.end();
  return { fileBytes: writer.written, ramBytes };
}

function* sectionsOf(saved: SavedMachine): Generator<Plain> {
  const { plan, memory, deviceTree, registers, hot, kept } = saved;
  yield { tag: TAG.tree, number: 0, bytes: deviceTree };
  for (const [number, { at, bytes }] of stateParts(plan).entries()) {
    yield { tag: TAG.state, number, bytes: new Uint8Array(memory.buffer, at, bytes).slice() };
  }
  for (const [number, bytes] of registers.entries()) yield { tag: TAG.registers, number, bytes };
  for (const [number, { device, part, bytes }] of kept.entries()) {
    yield { tag: TAG.kept, number, bytes: joined(Int32Array.of(device, part), [bytes]) };
  }
  let number = 0;
  const ram = new GuestMemory(memory, plan.ram).asWords();
  for (const runs of grouped(pagesInUse(ram, SECTION_PAGES))) {
    yield { tag: TAG.ram, number: number++, bytes: packRuns(ram, runs) };
  }
  yield { tag: TAG.hot, number: 0, bytes: new Uint8Array(hot.buffer, hot.byteOffset, hot.byteLength) };
}

/** Runs that together have as many pages as a section. */
function* grouped(runs: Iterable<PageRun>): Generator<readonly PageRun[]> {
  let group: PageRun[] = [];
  let pages = 0;
  for (const run of runs) {
    if (pages + run.count > SECTION_PAGES) {
      yield group;
      group = [];
      pages = 0;
    }
    group.push(run);
    pages += run.count;
  }
  if (group.length > 0) yield group;
}

function packRuns(ram: Int32Array, runs: readonly PageRun[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ram.buffer, ram.byteOffset, ram.byteLength);
  const head = [runs.length, ...runs.flatMap(({ first, count }) => [first, count])];
  const pages = runs.map(({ first, count }) => bytes.subarray(first * PAGE, (first + count) * PAGE));
  return joined(Int32Array.from(head), pages);
}

function joined(head: Int32Array<ArrayBuffer>, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, head.byteLength);
  const whole = new Uint8Array(length);
  whole.set(new Uint8Array(head.buffer));
  let at = head.byteLength;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Packs several sections side by side, and writes them in their order. */
class SectionWriter {
  /** Bytes so far. */
  written = 0;
  readonly #sink: SnapshotSink;
  readonly #codec: SnapshotCodec;
  readonly #sum: (bytes: Uint8Array, before: number) => number;
  readonly #packing: Promise<readonly Uint8Array[]>[] = [];
  #sections = 0;
  #headSum = 0;

  constructor(sink: SnapshotSink, codec: SnapshotCodec) {
    this.#sink = sink;
    this.#codec = codec;
    this.#sum = codec.crc32 ?? crc32;
  }

  async writeHead(facts: Uint8Array): Promise<void> {
    const bytes = new Uint8Array(HEAD.bytes + facts.length);
    bytes.set(new TextEncoder().encode(SNAPSHOT_MAGIC));
    bytes.set(facts, HEAD.bytes);
    const view = new DataView(bytes.buffer);
    view.setInt32(HEAD.at.version, SNAPSHOT_VERSION, true);
    view.setInt32(HEAD.at.factsBytes, facts.length, true);
    this.#headSum = this.#sum(facts, this.#sum(bytes.subarray(0, HEAD.at.sum), 0));
    view.setUint32(HEAD.at.sum, this.#headSum, true);
    await this.#write(bytes);
  }

  /** Begins to pack a section, and writes the one that has waited longest if there are enough. */
  async add(section: Plain): Promise<void> {
    this.#sections++;
    const packing = this.#pack(section);
    // A failure is met where it is awaited.
    packing.catch(() => undefined);
    this.#packing.push(packing);
    if (this.#packing.length >= WIDTH) await this.#writeNext();
  }

  async end(): Promise<void> {
    while (this.#packing.length > 0) await this.#writeNext();
    const bytes = new Uint8Array();
    for (const each of await this.#pack({ tag: TAG.end, number: this.#sections, bytes }))
      await this.#write(each);
  }

  async #writeNext(): Promise<void> {
    for (const each of (await this.#packing.shift()) ?? []) await this.#write(each);
  }

  async #pack({ tag, number, bytes }: Plain): Promise<readonly Uint8Array[]> {
    const packed = bytes.length < PAGE ? bytes : await this.#codec.pack(bytes);
    // Bytes that do not become smaller stay as they are.
    const stored = packed.length < bytes.length ? packed : bytes;
    const head = new DataView(new ArrayBuffer(SECTION.bytes));
    head.setUint32(0, this.#headSum, true);
    const before = this.#sum(new Uint8Array(head.buffer, 0, WORD), 0);
    head.setInt32(SECTION.at.tag, tag, true);
    head.setInt32(SECTION.at.number, number, true);
    head.setInt32(SECTION.at.plain, bytes.length, true);
    head.setInt32(SECTION.at.stored, stored.length, true);
    const fields = this.#sum(new Uint8Array(head.buffer, 0, SECTION.at.sum), before);
    head.setUint32(SECTION.at.sum, this.#sum(stored, fields), true);
    return [new Uint8Array(head.buffer), stored];
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.written += bytes.length;
    await this.#sink.write(bytes);
  }
}
