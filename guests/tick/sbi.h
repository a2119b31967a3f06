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

static inline struct sbi_result sbi_call(u64 extension, u64 function, u64 x0, u64 x1, u64 x2, u64 x3)
{
	register u64 a0 __asm__("a0") = x0;
	register u64 a1 __asm__("a1") = x1;
	register u64 a2 __asm__("a2") = x2;
	register u64 a3 __asm__("a3") = x3;
	register u64 a6 __asm__("a6") = function;
	register u64 a7 __asm__("a7") = extension;
	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
	return (struct sbi_result){ (long)a0, (long)a1 };
}

static inline long sbi_probe(u64 extension) { return sbi_call(SBI_BASE, 3, extension, 0, 0, 0).value; }
static inline long sbi_set_timer(u64 deadline) { return sbi_call(SBI_TIME, 0, deadline, 0, 0, 0).error; }
static inline long sbi_send_ipi(u64 mask, u64 base) { return sbi_call(SBI_IPI, 0, mask, base, 0, 0).error; }
static inline long sbi_fence_i(u64 mask, u64 base) { return sbi_call(SBI_RFENCE, 0, mask, base, 0, 0).error; }
static inline long sbi_sfence_vma(u64 mask, u64 base, u64 start, u64 size)
{
	return sbi_call(SBI_RFENCE, 1, mask, base, start, size).error;
}
static inline long sbi_hart_start(u64 hartid, u64 address, u64 opaque)
{
	return sbi_call(SBI_HSM, 0, hartid, address, opaque, 0).error;
}
static inline long sbi_hart_stop(void) { return sbi_call(SBI_HSM, 1, 0, 0, 0, 0).error; }
static inline struct sbi_result sbi_hart_status(u64 hartid) { return sbi_call(SBI_HSM, 2, hartid, 0, 0, 0); }
/* Shuts down; reason 0 is "no reason", 1 is "system failure". */
static inline void sbi_shutdown(u64 reason) { sbi_call(SBI_SRST, 0, 0, reason, 0, 0); }

#endif
