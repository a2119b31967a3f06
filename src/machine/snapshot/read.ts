import type { AttachedParts } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import { protocolByName } from '../../interrupts/protocols.ts';
import { type Extension, isExtension } from '../../isa/extensions.ts';
import { type MachinePlan, maximumMemory, planMachine } from '../plan.ts';
import { reattached } from './attached.ts';
import { type ByteChunks, ByteSource } from './byte-source.ts';
import { FactsError } from './check.ts';
import { PLAIN_CODEC, type SnapshotCodec } from './codec.ts';
import { crc32 } from './crc32.ts';
import { layoutsOf, readFacts, type SnapshotFacts } from './facts.ts';
import {
  HEAD,
  MOST_FACTS_BYTES,
  MOST_SECTION_BYTES,
  SECTION,
  SNAPSHOT_MAGIC,
  SNAPSHOT_VERSION,
  TAG,
} from './format.ts';
import { MachineReader } from './machine-reader.ts';
import type { SavedMachine } from './saved-machine.ts';

/** Sections that are unpacked at a time. */
const WIDTH = 6;

/** How a snapshot is read. */
export interface ReadOptions {
  /** For people: the file. */
  readonly name: string;
  readonly codec: SnapshotCodec;
  /** Other codecs that can be unpacked. */
  readonly others?: readonly SnapshotCodec[];
  /** Of this hartvisor. */
  readonly version: string;
}

/** Options of restoring a machine that was saved. */
export interface RestoreOptions {
  /** Threads of a domain; as many as before unless it is given. */
  readonly pcpus?: number | undefined;
  /** The parts that it has outside; as they were when it was saved, unless they are given. */
  readonly attached?: AttachedParts | undefined;
}

/** A section as it is in the file. */
interface Section {
  readonly tag: number;
  readonly number: number;
  /** Bytes before it was packed. */
  readonly plain: number;
  readonly stored: Uint8Array;
}

/** A snapshot of which the head was read. Its machine is read once. */
export class Snapshot {
  readonly facts: SnapshotFacts;
  readonly #options: ReadOptions;
  readonly #source: ByteSource;
  readonly #headSum: number;

  private constructor(facts: SnapshotFacts, options: ReadOptions, source: ByteSource, headSum: number) {
    this.facts = facts;
    this.#options = options;
    this.#source = source;
    this.#headSum = headSum;
  }

  /**
   * Reads the head of a snapshot.
   *
   * @throws InputError for a file that is no snapshot, or none that this version can read
   */
  static async open(chunks: ByteChunks, options: ReadOptions): Promise<Snapshot> {
    const source = new ByteSource(chunks);
    try {
      const { facts, sum } = await readHead(source, options);
      return new Snapshot(facts, options, source, sum);
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  /**
   * Reads the machine.
   *
   * @throws InputError when the file is damaged, or the machine cannot be restored like this
   */
  async machine({ pcpus = this.facts.pcpus, attached }: RestoreOptions = {}): Promise<SavedMachine> {
    const { facts } = this;
    try {
      const plan = planFor(facts, pcpus, attached, this.#options);
      checkLayouts(plan, facts, this.#options);
      const machine = new MachineReader(plan, (why) => damaged(this.#options.name, why));
      await this.#readSections(machine);
      const { own, xlen, milliseconds } = facts;
      const extensions = extensionsOf(facts, this.#options);
      return { plan, own, xlen, extensions, milliseconds, ...machine.finished() };
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.#source.close();
  }

  async #readSections(machine: MachineReader): Promise<void> {
    const codec = this.#codec();
    const unpacking: Promise<void>[] = [];
    for (let count = 0; ; count++) {
      const { tag, number, plain, stored } = await this.#section();
      if (tag === TAG.end) {
        if (number !== count) throw damaged(this.#options.name, `${count} of its ${number} parts are there`);
        break;
      }
      machine.expect(tag, number, plain);
      const job = this.#place(machine, codec, { tag, number, plain, stored });
      // A failure is met where it is awaited.
      job.catch(() => undefined);
      unpacking.push(job);
      if (unpacking.length >= WIDTH) await unpacking.shift();
    }
    await Promise.all(unpacking);
    if ((await this.#source.take(1)).length > 0)
      throw damaged(this.#options.name, 'there is more behind its end');
  }

  async #place(machine: MachineReader, codec: SnapshotCodec, section: Section): Promise<void> {
    const { tag, number, plain, stored } = section;
    if (stored.length === plain) return machine.take(tag, number, stored);
    if (tag === TAG.ram && codec.unpackPages !== undefined)
      return machine.checkPlaced(await this.#unpacked(codec.unpackPages(stored, plain, machine.ram)));
    const bytes = await this.#unpacked(codec.unpack(stored, plain));
    if (bytes.length !== plain) throw this.#notUnpacked();
    machine.take(tag, number, bytes);
  }

  #codec(): SnapshotCodec {
    const { codec } = this.facts;
    const { codec: usual, others = [] } = this.#options;
    const all = [usual, ...others, PLAIN_CODEC];
    const known = all.find(({ name }) => name === codec);
    if (known !== undefined) return known;
    throw new InputError(
      `${this.#options.name} is packed by ${codec}, which cannot be unpacked here; ${all.map(({ name }) => name).join(', ')} can be.`,
    );
  }

  async #unpacked<Result>(job: Promise<Result>): Promise<Result> {
    try {
      return await job;
    } catch {
      // The sum is right, so that it was written like this.
      throw this.#notUnpacked();
    }
  }

  #notUnpacked(): InputError {
    return damaged(this.#options.name, 'a part of it cannot be unpacked');
  }

  async #section(): Promise<Section> {
    const { name, codec } = this.#options;
    const sum = codec.crc32 ?? crc32;
    const head = await this.#source.take(SECTION.bytes);
    if (head.length < SECTION.bytes) throw cutOff(name);
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const field = (at: number) => view.getUint32(at, true);
    const [plain, size] = [field(SECTION.at.plain), field(SECTION.at.stored)];
    if (plain > MOST_SECTION_BYTES || size > plain)
      throw damaged(name, 'a part of it has an impossible length');
    const stored = await this.#source.take(size);
    if (stored.length < size) throw cutOff(name);
    const before = sum(
      Uint8Array.from([0, 8, 16, 24], (bits) => this.#headSum >>> bits),
      0,
    );
    const found = sum(stored, sum(head.subarray(0, SECTION.at.sum), before));
    if (found !== field(SECTION.at.sum)) throw damaged(name, 'a sum over a part of it is wrong');
    return { tag: field(SECTION.at.tag), number: field(SECTION.at.number), plain, stored };
  }
}

async function readHead(
  source: ByteSource,
  { name, codec }: ReadOptions,
): Promise<{ readonly facts: SnapshotFacts; readonly sum: number }> {
  const head = await source.take(HEAD.bytes);
  const magic = new TextEncoder().encode(SNAPSHOT_MAGIC);
  if (!magic.every((byte, index) => head[index] === byte))
    throw new InputError(`${name} is no snapshot of a machine. Give a file that hartvisor has saved one to.`);
  if (head.length < HEAD.bytes) throw cutOff(name);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const version = view.getUint32(HEAD.at.version, true);
  if (version !== SNAPSHOT_VERSION) {
    throw new InputError(
      `${name} is a snapshot in format ${version}, and this hartvisor reads format ${SNAPSHOT_VERSION}. ` +
        'Restore it with the version that has saved it, or boot and save the machine anew.',
    );
  }
  const length = view.getUint32(HEAD.at.factsBytes, true);
  if (length > MOST_FACTS_BYTES) throw damaged(name, 'its head has an impossible length');
  const facts = await source.take(length);
  if (facts.length < length) throw cutOff(name);
  const sumOf = codec.crc32 ?? crc32;
  const sum = sumOf(facts, sumOf(head.subarray(0, HEAD.at.sum), 0));
  if (sum !== view.getUint32(HEAD.at.sum, true)) throw damaged(name, 'the sum over its head is wrong');
  try {
    return { facts: readFacts(new TextDecoder().decode(facts)), sum };
  } catch (error) {
    if (error instanceof FactsError) throw damaged(name, error.message);
    throw error;
  }
}

/** How the machine is laid out here. */
function planFor(
  { machine, ramBytes, own }: SnapshotFacts,
  pcpus: number,
  attached: AttachedParts | undefined,
  { name }: ReadOptions,
): MachinePlan {
  const setting = attached === undefined ? machine : reattached(machine, attached);
  const { kind, cpus } = setting;
  const threads = kind === 'bare' ? cpus : pcpus;
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= cpus))
    throw new InputError(`${name} has ${cpus} vCPUs, which run on 1 to ${cpus} threads, not on ${pcpus}.`);
  const most = maximumMemory({ ...setting, pcpus: threads });
  if (ramBytes > most)
    throw new InputError(
      `${name} has ${ramBytes / 2 ** 20} MiB of memory, of which ${most / 2 ** 20} MiB fit beside ${threads} threads. ` +
        'Restore it on fewer threads.',
    );
  if (own.kind === 'domain') checkProtocol(own.protocol, name);
  return planMachine({ ...setting, pcpus: threads, ramBytes });
}

function checkProtocol(protocol: string, name: string): void {
  try {
    protocolByName(protocol);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(`${name} was saved with the interrupt protocol ${protocol}: ${error.message}.`);
  }
}

/** Code of the guest may count on any of them. */
function extensionsOf(facts: SnapshotFacts, { name, version }: ReadOptions): readonly Extension[] {
  return facts.extensions.map((each) => {
    if (isExtension(each)) return each;
    throw new InputError(
      `${name} was saved by hartvisor ${facts.version}, whose harts have ${each}, and those of this one (${version}) ` +
        'have not. Restore it with that version, or boot and save the machine anew.',
    );
  });
}

/** Another version may keep things in other places, and then its memory means something else here. */
function checkLayouts(plan: MachinePlan, facts: SnapshotFacts, { name, version }: ReadOptions): void {
  const own = layoutsOf(plan);
  const differs = own.find(({ layout }, index) => layout !== facts.layouts[index]);
  if (differs === undefined && own.length === facts.layouts.length) return;
  const what = differs === undefined ? 'other parts' : `${differs.name} in another form`;
  throw new InputError(
    `${name} was saved by hartvisor ${facts.version}, which has ${what} than this one (${version}). ` +
      'Restore it with that version, or boot and save the machine anew.',
  );
}

function damaged(name: string, why: string): InputError {
  return new InputError(
    `${name} is damaged: ${why}. Copy it again from where it came, or save the machine anew.`,
  );
}

function cutOff(name: string): InputError {
  return new InputError(
    `${name} is cut off: its end is missing. Copy it again from where it came, or save the machine anew.`,
  );
}
