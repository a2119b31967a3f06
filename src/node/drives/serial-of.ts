import { basename } from 'node:path';

/** The room for a serial number (virtio 1.2, section 5.2.6.1). */
export const SERIAL_BYTES = 20;

/** As much of a file's name as a serial number takes. */
export function serialOf(file: string): string {
  let serial = basename(file);
  while (Buffer.byteLength(serial) > SERIAL_BYTES) serial = serial.slice(0, -1);
  return serial;
}
