/** Registers, of which all but the data are big-endian. */
export const REG = {
  /** Eight bytes: each read, of any width, gives the next bytes of the selected item. */
  DATA: 0x00,
  /** Two bytes: which item is to be read, from its start. */
  SELECTOR: 0x08,
  /** Eight bytes: address of a request; writing the lower half, at 0x14, starts it. */
  DMA: 0x10,
} as const;

/** Bytes that DMA shows when it is read. */
export const DMA_SIGNATURE = 'QEMU CFG';

/** Numbers of items; those of files begin at FIRST_FILE. */
export const ITEM = {
  SIGNATURE: 0x00,
  ID: 0x01,
  RAM_SIZE: 0x03,
  CPUS: 0x05,
  MAX_CPUS: 0x0f,
  DIRECTORY: 0x19,
  FIRST_FILE: 0x20,
} as const;

/** A bit of a selector that says no more than that the item shall be written. */
export const WRITE_CHANNEL = 0x4000;

/** Bits of ITEM.ID: the registers, and requests in memory. */
export const ID = { TRADITIONAL: 1, DMA: 2 } as const;

/** A request: control, length (32 bits each) and address (64 bits). */
export const REQUEST = { CONTROL: 0, LENGTH: 4, ADDRESS: 8, BYTES: 16 } as const;

/** Bits of a request's control; in bits 31:16 the item to be selected. */
export const CONTROL = { ERROR: 1, READ: 2, SKIP: 4, SELECT: 8, WRITE: 16 } as const;

/** A file of the directory: size (32 bits), item (16 bits), two bytes of nothing, name with its zero. */
export const FILE = { SIZE: 0, ITEM: 4, NAME: 8, BYTES: 64 } as const;
