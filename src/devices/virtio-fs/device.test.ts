import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUFFERS, createRig, type Piece, VirtioDriver } from '../../../test/devices/virtio-driver.ts';
import { request } from '../../../test/shared-folders/fuse-client.ts';
import { NodeFolder, openRoot } from '../../node/shares/node-folder.ts';
import { ENTRY_OUT, FUSE, OPCODE, OUT_HEADER } from '../../shared-folders/fuse/facts.ts';
import type { HostFolder } from '../../shared-folders/host-folder.ts';
import { DEVICE_STATUS, FEATURE, REG } from '../virtio/registers.ts';
import { VirtioFs } from './device.ts';
import { VIRTIO_FS } from './facts.ts';

const REQUESTS = 1;
const ANSWER = BUFFERS + 0x1000;

let path: string;
let folder: NodeFolder;
beforeAll(() => {
  path = mkdtempSync(join(tmpdir(), 'hartvisor-fs-'));
  writeFileSync(join(path, 'file'), 'from the host');
  folder = new NodeFolder({ root: openRoot(path), mostDescriptors: 300 });
});
afterAll(() => {
  folder.closeAll();
  rmSync(path, { recursive: true });
});

function createFs(host: () => HostFolder = () => folder) {
  const troubles: string[] = [];
  const share = { name: '/srv/data', tag: 'data', readOnly: false };
  const rig = createRig(
    (memory) => new VirtioFs({ memory, share, open: host, onTrouble: (text) => troubles.push(text) }),
    VIRTIO_FS.queues,
  );
  const driver = new VirtioDriver(rig, { size: 64, queue: REQUESTS, features: FEATURE.INDIRECT_DESC });
  /** Sends a request in two pieces. @returns the bytes of its answer, and its error */
  const send = (opcode: number, node: number, given: Parameters<typeof request>[3] = {}, room = 512) => {
    const bytes = request(opcode, node, 77, given);
    rig.memory.copyIn(BUFFERS, bytes);
    rig.memory.copyIn(ANSWER, new Uint8Array(room).fill(0xee));
    const pieces: Piece[] = [
      { address: BUFFERS, length: 40 },
      ...(bytes.length > 40 ? [{ address: BUFFERS + 40, length: bytes.length - 40 }] : []),
      ...(room > 0 ? [{ address: ANSWER, length: room, write: true }] : []),
    ];
    driver.add(pieces);
    driver.notify();
    const [used] = driver.take();
    const answer = rig.memory.copyOut(ANSWER, room) ?? new Uint8Array();
    const errno = room > 0 ? new DataView(answer.buffer).getInt32(OUT_HEADER.ERROR, true) : 0;
    return { written: used?.written, errno, body: answer.subarray(OUT_HEADER.BYTES) };
  };
  const init = () => send(OPCODE.INIT, 0, { bytes: 64, words: [[0, FUSE.major]] });
  return { ...rig, driver, troubles, send, init };
}

test('has a tag, and one queue for requests', () => {
  const { device, driver } = createFs();
  const tag = Array.from({ length: 36 }, (_, at) => device.read(REG.CONFIG + at, 1));
  expect(Buffer.from(tag).toString()).toBe(`data${'\0'.repeat(32)}`);
  expect([device.read(REG.CONFIG + 36, 4), driver.get(REG.DEVICE_ID)]).toEqual([1, 26]);
});

test('answers requests in the room that is behind them', () => {
  const { send, init } = createFs();
  expect(init()).toMatchObject({ written: 80, errno: 0 });
  const { written, errno, body } = send(OPCODE.LOOKUP, FUSE.root, { names: ['file'] });
  expect([written, errno]).toEqual([OUT_HEADER.BYTES + ENTRY_OUT.BYTES, 0]);
  // Behind the answer nothing is touched.
  expect(body.subarray(ENTRY_OUT.BYTES).every((byte) => byte === 0xee)).toBe(true);
  const node = body[0];
  const { body: opened } = send(OPCODE.OPEN, node, { bytes: 8 });
  const words = [
    [0, opened[0]],
    [16, 100],
  ] as const;
  const read = send(OPCODE.READ, node, { bytes: 40, words });
  expect(Buffer.from(read.body.subarray(0, 13)).toString()).toBe(readFileSync(join(path, 'file'), 'latin1'));
  expect(read.written).toBe(OUT_HEADER.BYTES + 13);
  expect(send(OPCODE.FORGET, node, { bytes: 8, words: [[0, 1]] }, 0).written).toBe(0);
  expect(send(OPCODE.GETATTR, node, { bytes: 16 })).toMatchObject({ errno: -116, written: 16 });
  // A request without room for its answer is not carried out.
  expect(send(OPCODE.LOOKUP, FUSE.root, { names: ['file'] }, 100)).toMatchObject({ errno: -34, written: 16 });
  send(OPCODE.DESTROY, 0);
  expect(folder.openDescriptors).toBe(0);
});

test.each([
  ['too short for a header', 39, 39],
  ['shorter than it says', 41, 64],
])('stops at a request that is %s', (_, length, says) => {
  const { driver, memory, init } = createFs();
  init();
  memory.copyIn(BUFFERS, request(OPCODE.LOOKUP, 1, 1, {}));
  memory.write32(BUFFERS, says);
  driver.add([
    { address: BUFFERS, length },
    { address: ANSWER, length: 200, write: true },
  ]);
  driver.notify();
  expect(driver.status & DEVICE_STATUS.NEEDS_RESET).toBe(DEVICE_STATUS.NEEDS_RESET);
  driver.added = driver.taken = 0;
  driver.start();
  expect(init().errno).toBe(0);
});

test('tells people of an error that nobody expects, once', () => {
  let broken = false;
  const host = () =>
    new Proxy<HostFolder>(folder, {
      get: (target, name) => {
        if (broken && name === 'stat') throw new Error('the host is out of order');
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const { send, init, troubles } = createFs(host);
  init();
  broken = true;
  const ask = () => send(OPCODE.LOOKUP, FUSE.root, { names: ['file'] }).errno;
  expect([ask(), ask()]).toEqual([-5, -5]);
  expect(troubles).toEqual([
    'The shared folder /srv/data has an error, which the guest is told: the host is out of order',
  ]);
  broken = false;
  expect(ask()).toBe(0);
});
