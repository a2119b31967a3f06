import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { Guest } from '../../test/network/guest.ts';
import { DumpedNetwork } from './pcap.ts';

const TAKER = { openChecksums: true, longFrames: true } as const;

/** The file of a guest that asks for the router, and of the answer. */
function dumped(): Buffer {
  const guest = new Guest();
  const parts: Uint8Array[] = [];
  const card = new DumpedNetwork(guest.network, (bytes) => parts.push(bytes));
  const [request] = Guest.samples();
  card.send(new Uint8Array(request), undefined);
  while (card.peek(TAKER) !== undefined) card.shift();
  return Buffer.concat(parts);
}

test('a dump has a head, and a record for each frame', () => {
  const file = dumped();
  expect([file.readUInt32BE(0), file.readUInt16BE(4), file.readUInt32BE(20)]).toEqual([0xa1b2c3d4, 2, 1]);
  expect([file.readUInt32BE(32), file.readUInt32BE(36)]).toEqual([42, 42]);
  expect(file.length).toBe(24 + 2 * (16 + 42));
  expect(Math.abs(file.readUInt32BE(24) - Date.now() / 1000)).toBeLessThan(60);
});

test.skipIf(spawnSync('tcpdump', ['--version']).error !== undefined)('tcpdump reads it', () => {
  const { stdout } = spawnSync('tcpdump', ['-n', '-r', '-'], { input: dumped(), encoding: 'utf8' });
  expect(stdout).toContain('Request who-has 10.0.2.2 tell 10.0.2.15');
  expect(stdout).toContain('Reply 10.0.2.2 is-at 52:55:0a:00:02:02');
});
