/** Where a program and its results lie in guest-physical memory. Calls reach from the body to the frame. */
export const LAYOUT = {
  ram: 0x8000_0000,
  ramBytes: 8 << 20,
  frame: 0x8000_0000,
  /** Page tables: the root, then two levels for the window. */
  tables: 0x8000_4000,
  body: 0x8000_8000,
  bodyEnd: 0x800e_0000,
  /** Random values for registers. */
  pool: 0x800e_0000,
  poolBytes: 0x8000,
  /** Small offsets for indexed accesses: a part of {@link indexBytes} for each width. */
  indices: 0x800e_8000,
  indexBytes: 0x1000,
  imageEnd: 0x800f_0000,
  /** A hash of all state for each time that the program is looked at. */
  log: 0x8010_0000,
  logEnd: 0x8048_0000,
  /** Registers as they were when the program was last looked at. */
  state: 0x804f_0000,
  stateBytes: 0x2000,
  /** Behind them: cause, address, value and vstart of the last trap. */
  stateTrap: 0x1800,
  /** Memory for loads and stores. QEMU has its device tree 2 MiB before the end of RAM. */
  data: 0x8054_0000,
  dataMiddle: 0x8056_0000,
  dataEnd: 0x8058_0000,
  finisher: 0x10_0000,
} as const;

/** Virtual addresses of pages of data, of which every fourth is missing, and every fourth cannot be written. */
export const WINDOW = { base: 0x4000_0000, pages: 32 } as const;
