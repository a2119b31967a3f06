import { expect, test } from 'vitest';
import { FrameCable, LONGEST_CABLE_FRAME } from './frame-cable.ts';

test('passes on what frames are, with their sums, and keeps a bounded number for the guest', () => {
  const sent: number[] = [];
  let readies = 0;
  const cable = new FrameCable(
    (frame) => sent.push(frame.length),
    () => readies++,
  );
  const frame = (length: number) => new Uint8Array(length);
  for (const length of [13, 14, LONGEST_CABLE_FRAME, LONGEST_CABLE_FRAME + 1]) {
    cable.send(frame(length), undefined);
    cable.receive(frame(length));
  }
  expect([sent, readies]).toEqual([[14, LONGEST_CABLE_FRAME], 2]);
  for (let count = 0; count < 1000; count++) cable.receive(frame(LONGEST_CABLE_FRAME));
  expect(cable.dropped).toEqual({ malformed: 2, refused: 0, overflow: 490 });
  expect(cable.peek()?.bytes.length).toBe(14);
  cable.shift();
  expect(cable.peek()?.bytes.length).toBe(LONGEST_CABLE_FRAME);
});
