/** Registers of a function's configuration space (PCI 3.0, section 6.1, header type 0), in bytes. */
export const CONFIG = {
  VENDOR_ID: 0x00,
  DEVICE_ID: 0x02,
  COMMAND: 0x04,
  STATUS: 0x06,
  REVISION: 0x08,
  /** Three bytes: programming interface, subclass, class. */
  CLASS: 0x09,
  CACHE_LINE_SIZE: 0x0c,
  BAR: 0x10,
  SUBSYSTEM_VENDOR_ID: 0x2c,
  SUBSYSTEM_ID: 0x2e,
  CAPABILITIES: 0x34,
  INTERRUPT_LINE: 0x3c,
  INTERRUPT_PIN: 0x3d,
  /** Here the capabilities may begin. */
  FREE: 0x40,
} as const;

/** Bytes of a configuration space that have a meaning here. */
export const CONFIG_BYTES = 0x100;

/** Bits of COMMAND. */
export const COMMAND = {
  /** The function answers in its window of memory. */
  MEMORY: 1 << 1,
  /** The function may read and write memory, and send messages. */
  BUS_MASTER: 1 << 2,
  INTX_DISABLE: 1 << 10,
} as const;

/** Bits of PCI_STATUS. */
export const PCI_STATUS = {
  /** The function asks for an interrupt by its pin, whether or not that is disabled. */
  INTERRUPT: 1 << 3,
  CAPABILITIES: 1 << 4,
} as const;

/** Numbers of capabilities. */
export const CAPABILITY = { VENDOR: 0x09, MSI_X: 0x11 } as const;

/** Bits of the message control of MSI-X (PCI 3.0, section 6.8.2). */
export const MSI_X = { ENABLE: 1 << 15, FUNCTION_MASK: 1 << 14 } as const;
