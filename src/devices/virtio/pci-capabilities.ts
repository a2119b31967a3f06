import type { Capability } from '../pci/config-space.ts';
import { CAPABILITY, MSI_X } from '../pci/registers.ts';
import { CFG_TYPE, COMMON_BYTES, NOTIFY_STEP, PART } from './pci-registers.ts';

/**
 * Bytes of a virtio capability before the bytes that its kind adds: head, length, kind, bar, id, padding, offset,
 * length.
 */
const CAPABILITY_BYTES = 16;
/** Places of fields in a capability's body, which begins behind its number and the link. */
const BODY = { LENGTH: 0, TYPE: 1, BAR: 2, OFFSET: 6, PART_LENGTH: 10, MORE: 14 } as const;

/** Places of the fields of the capability that gives access without the window, from its start. */
export const ACCESS = { BAR: 4, OFFSET: 8, LENGTH: 12, DATA: 16 } as const;

/**
 * The capabilities of a virtio device: where the parts of its window are, and MSI-X where messages reach anybody. The
 * first one is for access by the configuration space (virtio 1.2, section 4.1.4.9).
 */
export function virtioCapabilities(options: {
  readonly queues: number;
  readonly configBytes: number;
  readonly messages: boolean;
}): readonly Capability[] {
  const { queues, configBytes, messages } = options;
  const notifyBytes = NOTIFY_STEP * queues;
  return [
    access(),
    part(CFG_TYPE.COMMON, PART.COMMON, COMMON_BYTES),
    part(CFG_TYPE.ISR, PART.ISR, 1),
    ...(configBytes > 0 ? [part(CFG_TYPE.DEVICE, PART.DEVICE, configBytes)] : []),
    part(CFG_TYPE.NOTIFY, PART.NOTIFY, notifyBytes, NOTIFY_STEP),
    ...(messages ? [msix(queues + 1)] : []),
  ];
}

function part(type: number, offset: number, length: number, more?: number): Capability {
  const bytes = CAPABILITY_BYTES + (more === undefined ? 0 : 4);
  const body = new DataView(new ArrayBuffer(bytes - 2));
  body.setUint8(BODY.LENGTH, bytes);
  body.setUint8(BODY.TYPE, type);
  body.setUint32(BODY.OFFSET, offset, true);
  body.setUint32(BODY.PART_LENGTH, length, true);
  if (more !== undefined) body.setUint32(BODY.MORE, more, true);
  return { id: CAPABILITY.VENDOR, body: new Uint8Array(body.buffer) };
}

/** Bar, offset and length of an access are software's; the data behind them is no memory. */
function access(): Capability {
  const { id, body } = part(CFG_TYPE.PCI, 0, 0, 0);
  const writable = new Uint8Array(body.length);
  writable[BODY.BAR] = 0xff;
  writable.fill(0xff, BODY.OFFSET, BODY.MORE);
  return { id, body, writable };
}

function msix(vectors: number): Capability {
  const body = new DataView(new ArrayBuffer(10));
  body.setUint16(0, vectors - 1, true);
  body.setUint32(2, PART.MSIX_TABLE, true);
  body.setUint32(6, PART.MSIX_PENDING, true);
  const writable = new DataView(new ArrayBuffer(10));
  writable.setUint16(0, MSI_X.ENABLE | MSI_X.FUNCTION_MASK, true);
  return {
    id: CAPABILITY.MSI_X,
    body: new Uint8Array(body.buffer),
    writable: new Uint8Array(writable.buffer),
  };
}
