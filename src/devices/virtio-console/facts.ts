/** The console device of virtio 1.2, section 5.3, with many ports. */
export const VIRTIO_CONSOLE = {
  id: 3,
  /** Entries of a port's queues, and of those for control messages. */
  queueSize: 128,
  controlSize: 32,
} as const;

/** Feature bits. */
export const CONSOLE_FEATURE = { SIZE: 1 << 0, MULTIPORT: 1 << 1 } as const;

/** Events of control messages (section 5.3.6.2). */
export const CONTROL = {
  DEVICE_READY: 0,
  DEVICE_ADD: 1,
  DEVICE_REMOVE: 2,
  PORT_READY: 3,
  CONSOLE_PORT: 4,
  RESIZE: 5,
  PORT_OPEN: 6,
  PORT_NAME: 7,
} as const;

/** Bytes of a control message before the bytes that its event adds: port, event, value. */
export const CONTROL_BYTES = 8;

/** The queues for control messages: to the driver, and from it. */
export const CONTROL_IN = 2;
export const CONTROL_OUT = 3;

/** The queue with the driver's buffers for bytes that go to the guest through a port. */
export function inputQueue(port: number): number {
  return port === 0 ? 0 : 2 + 2 * port;
}

/** The queue with the guest's bytes. */
export function outputQueue(port: number): number {
  return inputQueue(port) + 1;
}
