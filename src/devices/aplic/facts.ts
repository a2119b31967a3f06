/**
 * The advanced platform-level interrupt controller that QEMU's `virt` machine has with `aia=aplic` and
 * `aia=aplic-imsic`.
 */
export const APLIC = {
  compatible: 'riscv,aplic',
  /** Interrupt sources, 1 to 96: the device tree's `riscv,num-sources`. Source 0 means "none". */
  sources: 96,
  /** Bytes of the control region of one interrupt domain. */
  domainSize: 0x8000,
  /** The supervisor-level domain lies so many bytes behind the machine-level one. */
  supervisorAt: 0x100_0000,
  /** Harts whose structures for direct delivery fit into a control region. */
  maxHarts: 512,
} as const;
