import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { LinkNetwork, LONGEST_LINK_FRAME, WAITING_BYTES } from './link.ts';

function create() {
  const written: number[] = [];
  const wire = {
    write: vi.fn((bytes: Uint8Array) => {
      written.push(...bytes);
      return true;
    }),
    pause: vi.fn<() => void>(),
    resume: vi.fn<() => void>(),
  };
  const ready = vi.fn<() => void>();
  const link = new LinkNetwork(wire, ready);
  const received = () => {
    const frames: Uint8Array[] = [];
    for (let frame = link.peek(); frame !== undefined; frame = link.peek()) {
      frames.push(frame.bytes);
      link.shift();
    }
    return frames;
  };
  return { link, wire, ready, written, received };
}

function onWire(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + frame.length);
  new DataView(bytes.buffer).setUint32(0, frame.length);
  bytes.set(frame, 4);
  return bytes;
}

describe('a link', () => {
  test('sends a frame behind its length, with its checksum closed', () => {
    const { link, written } = create();
    const frame = new Uint8Array(20).fill(1);
    link.send(frame, { start: 16, at: 18 });
    // 0xffff - (0x0101 + 0x0101)
    expect(written).toEqual([0, 0, 0, 20, ...Array.from({ length: 18 }, () => 1), 0xfd, 0xfd]);
  });

  test('counts what is lost', () => {
    const { link, wire } = create();
    wire.write.mockReturnValue(false);
    link.send(new Uint8Array(20), undefined);
    expect(link.dropped.overflow).toBe(1);
  });

  test('has the frames that were sent, however they are cut', () => {
    const frames = fc.array(fc.uint8Array({ minLength: 14, maxLength: 80 }), { maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sent, cuts) => {
        const { link, received } = create();
        const all = sent.flatMap((frame) => [...onWire(frame)]);
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const piece = all.slice(at, at + cuts[turn % cuts.length]);
          expect(link.receive(Uint8Array.from(piece))).toBe(true);
          at += piece.length;
        }
        expect(received()).toEqual(sent);
      }),
    );
  });

  test('leaves out what is too short for a frame, and ends at what is too long', () => {
    const { link, received } = create();
    link.receive(onWire(new Uint8Array(13)));
    link.receive(onWire(new Uint8Array(14).fill(7)));
    expect(received()).toEqual([new Uint8Array(14).fill(7)]);
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, LONGEST_LINK_FRAME + 1);
    expect(link.receive(head)).toBe(false);
  });

  test('forgets half a frame of a machine that is gone', () => {
    const { link, received } = create();
    link.receive(onWire(new Uint8Array(20)).subarray(0, 9));
    link.begin();
    link.receive(onWire(new Uint8Array(15)));
    expect(received()).toEqual([new Uint8Array(15)]);
  });

  test('holds the other side back while the guest is slow', () => {
    const { link, wire, received } = create();
    const frame = onWire(new Uint8Array(1000));
    let count = 0;
    for (; wire.pause.mock.calls.length === 0; count++) link.receive(frame);
    expect(count).toBe(Math.floor(WAITING_BYTES / 1000) + 1);
    expect(wire.resume).not.toHaveBeenCalled();
    expect(received().length).toBe(count);
    expect(wire.resume).toHaveBeenCalledOnce();
  });
});
