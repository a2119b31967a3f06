/* Called by trap.S: tells interrupts apart and checks the state every trap must have. */
#include "tick.h"

void trap(void);

static void unexpected(struct hart *h, word cause, word pc)
{
	fail("hart %lu: unexpected trap: scause %lx, sepc %lx, stval %lx", h ? h->index : 0, cause, pc,
	     csr_read(stval));
}

void trap(void)
{
	struct hart *h = self();
	word cause = csr_read(scause);
	word pc = csr_read(sepc);
	word status = csr_read(sstatus);
	if ((long)cause >= 0 || !h)
		unexpected(h, cause, pc);
	park_if_failed();
	if (status & SSTATUS_SIE)
		fail("hart %lu: sstatus.SIE is still 1 after a trap", h->index);
	if (csr_read(stval))
		fail("hart %lu: stval is %lx after an interrupt", h->index, csr_read(stval));
	if (status & SSTATUS_SPP) {
		if (!(status & SSTATUS_SPIE))
			fail("hart %lu: an interrupt was taken with sstatus.SIE = 0 at %lx", h->index, pc);
	} else {
		if (pc != (word)user_loop + fence_user_alias())
			fail("hart %lu: interrupt out of U-mode at %lx", h->index, pc);
		h->user++;
		csr_write(sepc, user_done);
		csr_set(sstatus, SSTATUS_SPP);
	}
	if (pc == (word)wfi_open || pc == (word)wfi_open + 4 || pc == (word)wfi_open_wfi)
		csr_write(sepc, wfi_open_done);
	exact_seen(h, cause & 0xff, pc);
	switch (cause & 0xff) {
	case CAUSE_SOFT:
		return ipi_interrupt(h);
	case CAUSE_TIMER:
		return timer_interrupt(h);
	case CAUSE_EXTERNAL:
		return external_interrupt(h);
	default:
		if (!local_interrupt(h, cause & 0xff))
			unexpected(h, cause, pc);
	}
}
