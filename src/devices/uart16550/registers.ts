/**
 * Registers of the 16550A: National Semiconductor PC16550D data sheet, section 8.0 "Registers". Where two share an
 * offset, the direction of the access or the divisor latch access bit tells which is meant.
 */
export const REG = {
  /** Receiver buffer, read. */
  RBR: 0,
  /** Transmitter holding, write. */
  THR: 0,
  /** Divisor latch, low byte, with LCR.DLAB. */
  DLL: 0,
  /** Interrupt enable. */
  IER: 1,
  /** Divisor latch, high byte, with LCR.DLAB. */
  DLM: 1,
  /** Interrupt identification, read. */
  IIR: 2,
  /** FIFO control, write. */
  FCR: 2,
  /** Line control. */
  LCR: 3,
  /** Modem control. */
  MCR: 4,
  /** Line status. */
  LSR: 5,
  /** Modem status. */
  MSR: 6,
  /** Scratch. */
  SCR: 7,
} as const;

export const IER = { RECEIVED: 1, TRANSMITTER_EMPTY: 2, LINE_STATUS: 4, MODEM_STATUS: 8, ALL: 0x0f } as const;

/** Values of IIR, highest priority first (data sheet table IV), and its FIFO bits. */
export const IIR = {
  LINE_STATUS: 0x06,
  RECEIVED: 0x04,
  CHARACTER_TIMEOUT: 0x0c,
  TRANSMITTER_EMPTY: 0x02,
  MODEM_STATUS: 0x00,
  NONE: 0x01,
  FIFOS_ENABLED: 0xc0,
} as const;

export const FCR = {
  ENABLE: 1,
  CLEAR_RECEIVER: 2,
  CLEAR_TRANSMITTER: 4,
  KEPT: 0xc9,
  TRIGGER_SHIFT: 6,
} as const;

/** Bytes in the receiver FIFO that FCR bits 7:6 select. */
export const TRIGGER_LEVELS = [1, 4, 8, 14] as const;

export const LCR = { DLAB: 0x80 } as const;

export const MCR = { DTR: 1, RTS: 2, OUT1: 4, OUT2: 8, LOOPBACK: 0x10, ALL: 0x1f } as const;

export const LSR = { DATA_READY: 1, OVERRUN: 2, HOLDING_EMPTY: 0x20, TRANSMITTER_EMPTY: 0x40 } as const;

/** Bits 7:4 are the inputs, bits 3:0 say which of them changed since the register was last read. */
export const MSR = {
  CTS_CHANGED: 1,
  DSR_CHANGED: 2,
  RING_ENDED: 4,
  DCD_CHANGED: 8,
  CTS: 0x10,
  DSR: 0x20,
  RING: 0x40,
  DCD: 0x80,
} as const;

/** Bytes that receiver and transmitter FIFO hold each. */
export const FIFO_SIZE = 16;
