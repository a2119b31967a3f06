import { CONTROL, CONTROL_BYTES } from './facts.ts';

/** A control message (virtio 1.2, section 5.3.6.2). */
export interface ControlMessage {
  readonly port: number;
  readonly event: number;
  readonly value: number;
}

/** Reads the first bytes of a chain as a message. */
export function readControl(bytes: Uint8Array<ArrayBuffer>): ControlMessage {
  const view = new DataView(bytes.buffer);
  return { port: view.getUint32(0, true), event: view.getUint16(4, true), value: view.getUint16(6, true) };
}

/** @param more bytes behind the head: the size of RESIZE, the name of PORT_NAME */
export function writeControl({ port, event, value }: ControlMessage, more = new Uint8Array()): Uint8Array {
  const bytes = new Uint8Array(CONTROL_BYTES + more.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, port, true);
  view.setUint16(4, event, true);
  view.setUint16(6, value, true);
  bytes.set(more, CONTROL_BYTES);
  return bytes;
}

/** The size of a port's terminal, for the driver. */
export function resizeMessage(port: number, columns: number, rows: number): Uint8Array {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint16(0, columns, true);
  new DataView(size.buffer).setUint16(2, rows, true);
  return writeControl({ port, event: CONTROL.RESIZE, value: 0 }, size);
}
