import { expect, test } from 'vitest';
import { EntryNotes } from './entry-notes.ts';

test('a slot is remembered until its page has other code', () => {
  const notes = new EntryNotes();
  notes.change(100, 108).refused = true;
  notes.change(200, 208).ungroupedBases |= 4;
  expect(notes.of(100, 108)).toEqual({ ungroupedBases: 0, ungrouped: false, large: false, refused: true });
  expect(notes.of(100, 116)).toBeUndefined();
  notes.forget(100);
  expect(notes.of(100, 108)).toBeUndefined();
  expect(notes.of(200, 208)?.ungroupedBases).toBe(4);
  expect(notes.count).toBe(1);
});

test('a single slot is forgotten', () => {
  const notes = new EntryNotes();
  notes.change(100, 108);
  notes.change(100, 116);
  notes.forgetSlot(100, 108);
  notes.forgetSlot(100, 108);
  notes.forgetSlot(300, 308);
  expect(notes.count).toBe(1);
  expect(notes.of(100, 108)).toBeUndefined();
});

test('there is an end to what is remembered: the page that came first is forgotten', () => {
  const notes = new EntryNotes();
  for (let slot = 0; slot < 100_000; slot++) notes.change(Math.floor(slot / 64), slot).refused = true;
  expect(notes.count).toBeLessThanOrEqual(4096);
  expect(notes.of(0, 0)).toBeUndefined();
  expect(notes.of(Math.floor(99_999 / 64), 99_999)?.refused).toBe(true);
  // All in one page.
  for (let slot = 0; slot < 100_000; slot++) notes.change(1, slot);
  expect(notes.count).toBeLessThanOrEqual(4096);
});
