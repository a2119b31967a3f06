/** QEMU's firmware configuration device (docs/specs/fw_cfg.rst of QEMU), with the window of its `virt` machine. */
export const FW_CFG = { compatible: 'qemu,fw-cfg-mmio', size: 0x18 } as const;
