import type { DriveFacts } from '../descriptor.ts';
import { fieldsOf } from '../virtio/fields.ts';
import type { ConfigSpace } from '../virtio/function.ts';
import { VIRTIO_BLK } from './facts.ts';

/** Places of the fields that drivers find, in bytes; the others are 0. */
const FIELD = {
  CAPACITY: 0,
  SEG_MAX: 12,
  BLK_SIZE: 20,
  NUM_QUEUES: 34,
  MAX_DISCARD_SECTORS: 36,
  MAX_DISCARD_SEG: 40,
  DISCARD_ALIGNMENT: 44,
  MAX_WRITE_ZEROES_SECTORS: 48,
  MAX_WRITE_ZEROES_SEG: 52,
  WRITE_ZEROES_MAY_UNMAP: 56,
} as const;
const BYTES = 60;

/** Ranges in one request to discard or to zero. */
export const MOST_RANGES = 16;
/** Sectors of such a range: no request keeps the host for long. */
export const MOST_RANGE_SECTORS = 2 ** 21;
/** A page of the guest. */
const BLOCK_SECTORS = 8;

/** The configuration space of a drive with so many queues, which never changes. */
export function blkConfig({ bytes }: DriveFacts, queues: number): ConfigSpace {
  const view = new DataView(new ArrayBuffer(BYTES));
  const sectors = Math.floor(bytes / VIRTIO_BLK.sector);
  view.setUint32(FIELD.CAPACITY, sectors, true);
  view.setUint32(FIELD.CAPACITY + 4, Math.floor(sectors / 2 ** 32), true);
  // Beside the data, a request has a header and a status.
  view.setUint32(FIELD.SEG_MAX, VIRTIO_BLK.queueSize - 2, true);
  view.setUint32(FIELD.BLK_SIZE, VIRTIO_BLK.sector, true);
  view.setUint16(FIELD.NUM_QUEUES, queues, true);
  view.setUint32(FIELD.MAX_DISCARD_SECTORS, MOST_RANGE_SECTORS, true);
  view.setUint32(FIELD.MAX_DISCARD_SEG, MOST_RANGES, true);
  view.setUint32(FIELD.DISCARD_ALIGNMENT, BLOCK_SECTORS, true);
  view.setUint32(FIELD.MAX_WRITE_ZEROES_SECTORS, MOST_RANGE_SECTORS, true);
  view.setUint32(FIELD.MAX_WRITE_ZEROES_SEG, MOST_RANGES, true);
  view.setUint8(FIELD.WRITE_ZEROES_MAY_UNMAP, 1);
  return fieldsOf(view);
}
