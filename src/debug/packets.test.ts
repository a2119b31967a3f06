import fc from 'fast-check';
import { expect, test } from 'vitest';
import { framePacket, type Incoming, PACKET_SIZE, PacketReader } from './packets.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const read = (text: string): Incoming[] => [...new PacketReader().read(bytes(text))];

test('a packet has the sum of its bytes behind it', () => {
  expect(framePacket('OK')).toEqual(bytes('$OK#9a'));
  expect(read('$OK#9a')).toEqual([{ kind: 'packet', data: 'OK' }]);
  expect(read('$OK#9A')).toEqual([{ kind: 'packet', data: 'OK' }]);
  expect(read('$OK#9b')).toEqual([{ kind: 'broken' }]);
  expect(read('$OK#zz')).toEqual([{ kind: 'broken' }]);
});

test('whatever a packet has in it arrives, in whatever parts', () => {
  const data = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(fc.array(data), fc.nat(), (packets, cut) => {
      const reader = new PacketReader();
      const stream = packets.flatMap((packet) => [...framePacket(packet)]);
      const at = stream.length === 0 ? 0 : cut % stream.length;
      const found = [stream.slice(0, at), stream.slice(at)].flatMap((part) => [
        ...reader.read(Uint8Array.from(part)),
      ]);
      expect(found).toEqual(packets.map((packet) => ({ kind: 'packet', data: packet })));
    }),
  );
});

test('between packets there are acknowledgments, and Ctrl-C', () => {
  expect(read('+-\x03xyz+$?#3f-')).toEqual([
    { kind: 'again' },
    { kind: 'interrupt' },
    { kind: 'packet', data: '?' },
    { kind: 'again' },
  ]);
});

test('a packet that begins within another one takes its place', () => {
  expect(read('$m8000$?#3f')).toEqual([{ kind: 'packet', data: '?' }]);
});

test('a packet that is too long is dropped as a whole, and none of what follows', () => {
  const long = 'x'.repeat(PACKET_SIZE + 1);
  const text = String.fromCharCode(...framePacket(long));
  expect(read(`${text}$?#3f`)).toEqual([{ kind: 'broken' }, { kind: 'packet', data: '?' }]);
  const longest = 'x'.repeat(PACKET_SIZE);
  expect(read(String.fromCharCode(...framePacket(longest)))).toEqual([{ kind: 'packet', data: longest }]);
});
