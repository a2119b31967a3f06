/* Registers in memory, for assembly of both widths. */
#if __riscv_xlen == 64
#define LX ld
#define SX sd
#define WORD 8
#else
#define LX lw
#define SX sw
#define WORD 4
#endif
