import { crc32 as nodeCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DriveFacts } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import { SAVED_HART } from '../../hart/saved-registers.ts';
import { deflateCodec } from '../../node/snapshots/deflate-codec.ts';
import { zstdCodec } from '../../node/snapshots/zstd-codec.ts';
import { memoryFor, planMachine } from '../plan.ts';
import { withAttached } from './attached.ts';
import { PLAIN_CODEC, type SnapshotCodec } from './codec.ts';
import { copyMachine } from './copy.ts';
import { crc32 } from './crc32.ts';
import { HEAD } from './format.ts';
import { PAGE, pagesInUse } from './ram-pages.ts';
import { Snapshot } from './read.ts';
import type { SavedMachine } from './saved-machine.ts';
import { stateParts } from './state-parts.ts';
import { writeSnapshot } from './write.ts';

const RAM_BYTES = 128 * PAGE;
const VERSION = '1.2.3';
const NAME = 'The snapshot x';

/** A machine that never ran, with something in all of its parts. */
function machineOf(kind: 'domain' | 'bare', seed = 1): SavedMachine {
  const setting = { kind, cpus: 2, pcpus: 2, ramBytes: RAM_BYTES, drives: [disk] } as const;
  const plan = planMachine(setting);
  const memory = memoryFor(plan);
  const bytes = new Uint8Array(memory.buffer);
  let value = seed;
  const next = () => {
    value = (Math.imul(value, 1_103_515_245) + 12_345) >>> 0;
    return value >>> 16;
  };
  for (const { at, bytes: length } of stateParts(plan)) {
    for (let place = at; place < at + length; place++) bytes[place] = next();
  }
  for (const page of [0, 1, 2, 7, 100, 127]) {
    for (let place = 0; place < PAGE; place += 64)
      bytes[plan.ram.offset + page * PAGE + place + (seed & 7)] = next() | 1;
  }
  const bare = { entry: 0x8000_0000, deviceTreeAddress: 0x8001_0000, dynamicInfo: 0, tohost: 0x8000_1000 };
  return {
    ...{ plan, memory, xlen: 64, extensions: ['i', 'm', 'zba'], milliseconds: 1234.5678 },
    own: kind === 'domain' ? { kind, protocol: 'take-mirror' } : { kind, bare },
    deviceTree: Uint8Array.of(1, 2, 3),
    registers: kind === 'bare' ? [5, 6].map((fill) => new Uint8Array(SAVED_HART.bytes).fill(fill)) : [],
    kept: [{ device: 3, part: 1, bytes: Uint8Array.of(9, 8, 7) }],
    hot: Uint32Array.of(2, 0x1001, 0xffff_fffe),
  };
}

const disk: DriveFacts = { name: 'a.img', bytes: 1 << 20, readOnly: false, serial: 'abc' };

async function written(machine: SavedMachine, codec: SnapshotCodec = PLAIN_CODEC): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const write = (bytes: Uint8Array) => {
    pieces.push(bytes.slice());
    return Promise.resolve();
  };
  const { fileBytes } = await writeSnapshot(
    machine,
    { version: VERSION, notes: { a: 'b' } },
    { write },
    codec,
  );
  const whole = Uint8Array.from(Buffer.concat(pieces));
  expect(whole).toHaveLength(fileBytes);
  return whole;
}

function open(bytes: Uint8Array, codec: SnapshotCodec = PLAIN_CODEC, step = 1 << 16) {
  const chunks = function* () {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  };
  return Snapshot.open(chunks(), { name: NAME, codec, version: VERSION });
}

function expectSame(one: SavedMachine, other: SavedMachine): void {
  const content = ({ plan, memory, ...rest }: SavedMachine) => ({
    ...rest,
    state: stateParts(plan).map(({ name, at, bytes }) => [
      name,
      new Uint8Array(memory.buffer, at, bytes).slice(),
    ]),
    ram: crc32(new Uint8Array(memory.buffer, plan.ram.offset, plan.ram.size)),
  });
  expect(content(one)).toEqual(content(other));
}

describe('a snapshot', () => {
  test.each(['domain', 'bare'] as const)('gives back all of a machine (%s)', async (kind) => {
    const machine = machineOf(kind);
    for (const [codec, step] of [
      [PLAIN_CODEC, 1 << 16],
      [zstdCodec, 999],
      [deflateCodec, 1 << 14],
    ] as const) {
      const snapshot = await open(await written(machine, codec), codec, step);
      expect(snapshot.facts).toMatchObject({
        version: VERSION,
        notes: { a: 'b' },
        pcpus: 2,
        codec: codec.name,
      });
      expectSame(await snapshot.machine(), machine);
    }
  });

  test('is that of the same machine on another number of threads', async () => {
    const machine = machineOf('domain');
    const one = await (await open(await written(machine))).machine({ pcpus: 1 });
    expect(one.plan.harts).toHaveLength(1);
    expectSame(one, machine);
    expectSame(copyMachine(machine, 1), machine);
    await expect((await open(await written(machine))).machine({ pcpus: 3 })).rejects.toThrow(
      `${NAME} has 2 vCPUs, which run on 1 to 2 threads, not on 3.`,
    );
    await expect((await open(await written(machine))).machine({ pcpus: 1.5 })).rejects.toThrow('not on 1.5.');
    expect(() => copyMachine(machine, 3)).toThrow(RangeError);
  });

  test.each(['from a file', 'in memory'])('wants the disks that the machine had: %s', async (way) => {
    const machine = machineOf('domain');
    const bytes = await written(machine);
    const restore = async (drives: readonly DriveFacts[]) =>
      way === 'in memory'
        ? withAttached(machine, { drives })
        : (await open(bytes)).machine({ attached: { drives } });
    const renamed = { ...disk, name: 'b.img', anyThread: true };
    expect((await restore([renamed])).plan.drives).toEqual([renamed]);
    await expect(restore([])).rejects.toThrow(
      'The machine was saved with a drive 1 (1048576 bytes, serial number abc), and none is given. Give it as it was.',
    );
    await expect(restore([disk, disk])).rejects.toThrow(
      'The machine was saved without a drive 2 (1048576 bytes',
    );
    await expect(restore([{ ...disk, bytes: 512 }])).rejects.toThrow('and now it is 512 bytes');
  });
});

describe('a file that is not one of this version', () => {
  test('is refused with a word about what it is', async () => {
    const bytes = await written(machineOf('domain'));
    const changed = (at: number, value: number) => Uint8Array.from(bytes).fill(value, at, at + 1);
    await expect(open(Uint8Array.of(1, 2, 3))).rejects.toThrow(`${NAME} is no snapshot of a machine.`);
    await expect(open(new Uint8Array())).rejects.toThrow('is no snapshot of a machine');
    await expect(open(changed(HEAD.at.version, 7))).rejects.toThrow(
      `${NAME} is a snapshot in format 7, and this hartvisor reads format 2.`,
    );
    await expect(open(changed(HEAD.bytes + 20, 0))).rejects.toThrow(
      `${NAME} is damaged: the sum over its head`,
    );
  });

  test('is refused where it keeps something in another layout', async () => {
    const facts = (await open(await written(machineOf('domain')))).facts;
    const layouts = facts.layouts.map((layout, index) => (index === 1 ? layout ^ 1 : layout) >>> 0);
    const head = await headOf({ ...facts, version: '0.0.7', layouts });
    await expect((await open(head)).machine()).rejects.toThrow(
      `${NAME} was saved by hartvisor 0.0.7, which has the device goldfish-rtc in another form than this one (1.2.3).`,
    );
    const fewer = await headOf({ ...facts, layouts: layouts.slice(2) });
    await expect((await open(fewer)).machine()).rejects.toThrow('in another form');
    const unknown = await headOf({ ...facts, codec: 'lzma' });
    await expect((await open(unknown)).machine()).rejects.toThrow('packed by lzma');
    const protocol = await headOf({ ...facts, own: { kind: 'domain', protocol: 'none' } });
    await expect((await open(protocol)).machine()).rejects.toThrow('the interrupt protocol none');
  });

  test('whatever is in its facts, it is refused in words', async () => {
    const { facts } = await open(await written(machineOf('domain')));
    const paths = [
      ['machine', 'cpus'],
      ['machine', 'drives'],
      ['own'],
      ['ramBytes'],
      ['xlen'],
      ['extensions'],
      ['pcpus'],
    ] as const;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.jsonValue(), async (path, value) => {
        const copy: Record<string, unknown> = structuredClone({ ...facts });
        const inner = path.length === 1 ? copy : (copy[path[0]] as Record<string, unknown>);
        inner[path.at(-1) ?? ''] = value;
        const error = await open(await headOf(copy))
          .then((snapshot) => snapshot.machine())
          .catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(InputError);
      }),
      { numRuns: 100 },
    );
  });
});

/** The head alone of a snapshot with such facts. */
async function headOf(facts: object): Promise<Uint8Array> {
  const json = new TextEncoder().encode(JSON.stringify(facts));
  const bytes = new Uint8Array(HEAD.bytes + json.length);
  bytes.set((await written(machineOf('domain'))).subarray(0, HEAD.bytes));
  bytes.set(json, HEAD.bytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(HEAD.at.factsBytes, json.length, true);
  view.setUint32(HEAD.at.sum, crc32(json, crc32(bytes.subarray(0, HEAD.at.sum))), true);
  return bytes;
}

describe('a damaged file is refused, and never becomes another machine', () => {
  const refused = async (bytes: Uint8Array, codec = PLAIN_CODEC) => {
    const result = await open(bytes, codec)
      .then((snapshot) => snapshot.machine())
      .catch((error: unknown) => error);
    expect(result).toBeInstanceOf(InputError);
    return (result as InputError).message;
  };

  test('cut off anywhere, or longer', async () => {
    const bytes = await written(machineOf('bare'), zstdCodec);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        expect(await refused(bytes.subarray(0, length), zstdCodec)).toMatch(/is cut off|is no snapshot/);
      }),
      { numRuns: 60, examples: [[bytes.length - 1], [0], [HEAD.bytes - 1], [HEAD.bytes]] },
    );
    expect(await refused(Uint8Array.from([...bytes, 0]), zstdCodec)).toContain(
      'there is more behind its end',
    );
  });

  test('with bits that have changed, anywhere', async () => {
    const bytes = await written(machineOf('domain'), zstdCodec);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = bytes.slice();
        changed[at] ^= flip;
        await refused(changed, zstdCodec);
      }),
      { numRuns: 100 },
    );
  });

  test('with parts of another machine’s file in it', async () => {
    const [one, other] = [await written(machineOf('domain', 1)), await written(machineOf('domain', 2))];
    // Both have the same sections in the same places, behind heads that are equal but for the time.
    expect(one).toHaveLength(other.length);
    const later = await written({ ...machineOf('domain', 2), milliseconds: 1234.5679 });
    expect(later).toHaveLength(one.length);
    const mixed = one.slice();
    mixed.set(later.subarray(one.length / 2), one.length / 2);
    expect(await refused(mixed)).toContain('is damaged');
  });
});

test('the sum is CRC-32', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf4_3926);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
      expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(nodeCrc32(bytes));
    }),
  );
});

test('the pages in use are all that are not zero', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ page: fc.nat(63), word: fc.nat(1023) }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      (places, most) => {
        const ram = new Int32Array(64 * 1024);
        for (const { page, word } of places) ram[page * 1024 + word] = 1;
        const runs = [...pagesInUse(ram, most)];
        const found = runs.flatMap(({ first, count }) =>
          Array.from({ length: count }, (_, index) => first + index),
        );
        expect(found).toEqual([...new Set(places.map(({ page }) => page))].sort((a, b) => a - b));
        expect(Math.max(0, ...runs.map(({ count }) => count))).toBeLessThanOrEqual(most);
      },
    ),
  );
});
