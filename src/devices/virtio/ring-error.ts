/**
 * The guest has made a queue that breaks the rules of virtio, or that is not in RAM. The device stops until it is
 * reset; the machine goes on.
 */
export class RingError extends Error {
  override readonly name = 'RingError';
}
