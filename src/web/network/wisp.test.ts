import { expect, test } from 'vitest';
import { ManualClock } from '../../../test/network/manual-clock.ts';
import type { StreamListener } from '../../network/host.ts';
import { WispClient } from './wisp.ts';

/** A packet as a server sends it. */
function packet(kind: number, id: number, ...data: readonly number[]): Uint8Array {
  return Uint8Array.of(kind, id, 0, 0, 0, ...data);
}

function listener(heard: string[]): StreamListener {
  return {
    connected: () => heard.push('connected'),
    data: (bytes) => heard.push(new TextDecoder().decode(bytes)),
    drained: () => heard.push('drained'),
    ended: () => heard.push('ended'),
    failed: (failure) => heard.push(failure),
    closed: () => heard.push('closed'),
  };
}

function rig(most = Number.POSITIVE_INFINITY) {
  const clock = new ManualClock();
  const client = new WispClient(clock);
  const sent: number[][] = [];
  const open = () => {
    client.opened({
      send: (bytes) => {
        if (sent.length < most) sent.push([...bytes]);
        return sent.length < most;
      },
    });
    client.receive(packet(3, 0, 2, 0, 0, 0));
  };
  return { clock, client, sent, open };
}

test('asks for a connection, and sends no more packets than the server takes', async () => {
  const { client, sent, open } = rig();
  const heard: string[] = [];
  const stream = client.connect('ab', 0x1234, listener(heard));
  for (const letter of 'xyz') stream?.write(new TextEncoder().encode(letter));
  expect([sent, heard]).toEqual([[], []]);
  open();
  await Promise.resolve();
  expect(sent).toEqual([
    [1, 1, 0, 0, 0, 1, 0x34, 0x12, 97, 98],
    [2, 1, 0, 0, 0, 120],
    [2, 1, 0, 0, 0, 121],
  ]);
  expect(stream?.pending).toBe(1);
  client.receive(packet(3, 1, 9, 0, 0, 0));
  expect([sent.at(-1), stream?.pending]).toEqual([[2, 1, 0, 0, 0, 122], 0]);
  client.receive(packet(2, 1, 104, 105));
  client.receive(packet(4, 1, 2));
  client.receive(packet(2, 1, 33));
  await Promise.resolve();
  expect(heard).toEqual(['connected', 'drained', 'hi', 'ended', 'drained']);
});

test('holds what comes for a guest that does not take it, and gives up where that is too much', () => {
  const { client, sent, open } = rig();
  open();
  const heard: string[] = [];
  const stream = client.connect('x', 1, listener(heard));
  stream?.pause();
  client.receive(packet(2, 1, 97));
  client.receive(packet(4, 1, 2));
  expect(heard).toEqual(['connected']);
  stream?.resume();
  expect(heard).toEqual(['connected', 'a', 'ended']);
  const other = client.connect('x', 1, listener(heard));
  other?.pause();
  const much = new Uint8Array(2 ** 20);
  much.set(packet(2, 2));
  for (let count = 0; count < 17; count++) client.receive(much);
  expect(heard.at(-1)).toBe('reset');
  expect(sent.at(-1)).toEqual([4, 2, 0, 0, 0, 2]);
});

test('ends a stream whose guest sends no more, some seconds after the last byte', () => {
  const { clock, client, sent, open } = rig();
  open();
  const heard: string[] = [];
  client.connect('x', 1, listener(heard))?.end();
  clock.pass(4000);
  client.receive(packet(2, 1, 97));
  clock.pass(4000);
  expect(heard).toEqual(['connected', 'a']);
  clock.pass(1000);
  expect(heard).toEqual(['connected', 'a', 'ended', 'closed']);
  expect(sent.at(-1)).toEqual([4, 1, 0, 0, 0, 2]);
});

test('tells why there is no connection, and that the server is gone', () => {
  const { client, open } = rig();
  open();
  const heard: string[] = [];
  for (const reason of [0x44, 0x43, 0x42, 0x48, 3]) {
    client.connect('x', 1, listener(heard));
    client.receive(packet(4, heard.length + 1, reason));
  }
  expect(heard).toEqual(['refused', 'timeout', 'unreachable', 'refused', 'reset']);
  client.connect('x', 1, listener(heard));
  client.datagrams('x', 1, { data: () => undefined, failed: (failure) => heard.push(failure) });
  client.lost('reset');
  expect(heard.slice(5)).toEqual(['reset', 'reset']);
});

test('keeps nothing but questions for a server that is not there, and no stream of which a part is lost', () => {
  const { client, sent, open } = rig(4);
  const heard: string[] = [];
  const datagrams = client.datagrams('x', 1, { data: () => undefined, failed: () => undefined });
  datagrams?.send(Uint8Array.of(1));
  client.connect('gone', 1, listener([]))?.reset();
  const stream = client.connect('y', 2, listener(heard));
  open();
  expect(sent).toEqual([
    [1, 1, 0, 0, 0, 2, 1, 0, 120],
    [1, 3, 0, 0, 0, 1, 2, 0, 121],
  ]);
  stream?.write(new Uint8Array(2 ** 15));
  expect(heard).toEqual(['connected', 'reset']);
});
