/* Calls to the supervisor's firmware: the RISC-V SBI specification 2.0, chapters 3 to 11. */
#ifndef SBI_H
#define SBI_H

#include "tick.h"

#define SBI_BASE 0x10UL
#define SBI_TIME 0x54494d45UL
#define SBI_IPI 0x735049UL
#define SBI_RFENCE 0x52464e43UL
#define SBI_HSM 0x48534dUL
#define SBI_SRST 0x53525354UL

#define SBI_NOT_SUPPORTED (-2L)
#define SBI_ALREADY_AVAILABLE (-6L)

#define HSM_STARTED 0
#define HSM_STOPPED 1

struct sbi_result {
	long error;
	long value;
};

static inline struct sbi_result sbi_call(word extension, word function, word x0, word x1, word x2, word x3)
{
	register word a0 __asm__("a0") = x0;
	register word a1 __asm__("a1") = x1;
	register word a2 __asm__("a2") = x2;
	register word a3 __asm__("a3") = x3;
	register word a6 __asm__("a6") = function;
	register word a7 __asm__("a7") = extension;
	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
	return (struct sbi_result){ (long)a0, (long)a1 };
}

static inline long sbi_probe(word extension) { return sbi_call(SBI_BASE, 3, extension, 0, 0, 0).value; }
/* Numbers of 64 bits take two registers on RV32. */
static inline long sbi_set_timer(u64 deadline)
{
	return sbi_call(SBI_TIME, 0, (word)deadline, __riscv_xlen == 64 ? 0 : (word)(deadline >> 32), 0, 0).error;
}
static inline long sbi_send_ipi(word mask, word base) { return sbi_call(SBI_IPI, 0, mask, base, 0, 0).error; }
static inline long sbi_fence_i(word mask, word base) { return sbi_call(SBI_RFENCE, 0, mask, base, 0, 0).error; }
static inline long sbi_sfence_vma(word mask, word base, word start, word size)
{
	return sbi_call(SBI_RFENCE, 1, mask, base, start, size).error;
}
static inline long sbi_hart_start(word hartid, word address, word opaque)
{
	return sbi_call(SBI_HSM, 0, hartid, address, opaque, 0).error;
}
static inline long sbi_hart_stop(void) { return sbi_call(SBI_HSM, 1, 0, 0, 0, 0).error; }
static inline struct sbi_result sbi_hart_status(word hartid) { return sbi_call(SBI_HSM, 2, hartid, 0, 0, 0); }
/* Shuts down; reason 0 is "no reason", 1 is "system failure". */
static inline void sbi_shutdown(word reason) { sbi_call(SBI_SRST, 0, 0, reason, 0, 0); }

#endif
