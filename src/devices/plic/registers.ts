/**
 * Memory map of the PLIC: RISC-V Platform-Level Interrupt Controller Specification 1.0.0, chapter 3 "Memory Map".
 * Offsets and strides in bytes.
 */
export const MAP = {
  /** One word a source. */
  PRIORITY: 0x0000,
  /** One bit a source, read-only. */
  PENDING: 0x1000,
  PENDING_END: 0x1080,
  /** One bit a source, for each context. */
  ENABLE: 0x2000,
  ENABLE_STRIDE: 0x80,
  /** For each context a page: threshold first, then claim/complete. */
  CONTEXT: 0x20_0000,
  CONTEXT_STRIDE: 0x1000,
  THRESHOLD: 0,
  CLAIM: 4,
} as const;

/** Priorities and thresholds are 0 to 7; higher bits read as 0. */
export const PRIORITY_MASK = 7;
