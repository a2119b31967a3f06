/*
 * Exactness: what sip holds, and that an interrupt is taken at the very instruction that makes it takeable.
 * Privileged specification, "Supervisor Interrupt (sip and sie) Registers" and "Wait for Interrupt".
 */
#include "sbi.h"

/* The bits of sip that no write may change: all standard ones but SSIP. */
#define READ_ONLY 0x1ffdUL

/* The next interrupt has to be taken with this address as its return address. */
void exact_expect(struct hart *h, const void *pc)
{
	h->expect_hits = 0;
	h->log_length = 0;
	h->expect_pc = (word)pc;
}

/* From the trap handler: counts interrupts at the expected place, and logs the causes in the order they came. */
void exact_seen(struct hart *h, word cause, word pc)
{
	if (pc != h->expect_pc)
		return;
	h->expect_hits++;
	for (word i = 0; i < h->log_length; i++)
		if (h->log[i] == cause)
			return;
	if (h->log_length < 8)
		h->log[h->log_length++] = cause;
}

void exact_check(struct hart *h, int holds, const char *what)
{
	if (!holds)
		fail("hart %lu: broken rule: %s", h->index, what);
	h->checks++;
}

static void wfi(struct hart *h)
{
	h->sleeps++;
	__asm__ volatile("wfi" : : : "memory");
}

/* Interrupts off, an IPI to itself, WFI: it must wake; then the interrupt is taken where SIE is set. */
static void ipi_to_self(struct hart *h)
{
	irq_off();
	word ssis = h->ssis;
	ipi_self(h);
	doing(h, "WFI to end with its own IPI pending", 0);
	wfi(h);
	await_pending(h, SOFT);
	wfi(h); /* pending already: must not sleep */
	exact_expect(h, irq_open_next);
	exact_check(h, h->ssis == ssis, "a software interrupt is not taken with sstatus.SIE = 0");
	irq_open();
	exact_check(h, h->expect_hits > 0 && h->ssis > ssis, "a pending IPI is taken where sstatus.SIE is set");
}

/* The same with the bit that the hart sets itself, taken where SRET sets SIE. */
static void self_set_masked(struct hart *h)
{
	irq_off();
	word ssis = h->ssis;
	h->self_sets++;
	self_set();
	exact_check(h, (csr_read(sip) & SOFT) != 0, "sip.SSIP reads 1 after the hart set it");
	doing(h, "WFI to end with sip.SSIP set by itself", 0);
	wfi(h);
	exact_check(h, (csr_read(sip) & SOFT) != 0, "sip.SSIP stays 1 across WFI");
	exact_expect(h, sret_open_next);
	sret_open();
	exact_check(h, h->expect_hits > 0 && h->ssis > ssis, "a pending interrupt is taken where SRET sets SIE");
}

static void self_set_open(struct hart *h)
{
	word ssis = h->ssis;
	exact_expect(h, self_set_next);
	h->self_sets++;
	self_set();
	exact_check(h, h->expect_hits > 0 && h->ssis > ssis, "setting sip.SSIP interrupts at the next instruction");
}

static void enable_open(struct hart *h)
{
	irq_off();
	csr_clear(sie, SOFT);
	word ssis = h->ssis;
	h->self_sets++;
	self_set();
	irq_on();
	sbi_probe(SBI_BASE); /* through the firmware and back with the bit pending and disabled */
	exact_check(h, h->ssis == ssis, "a software interrupt disabled in sie is not taken");
	exact_expect(h, sie_open_next);
	sie_open(SOFT);
	exact_check(h, h->expect_hits > 0 && h->ssis > ssis, "a pending interrupt is taken where sie enables it");
}

/* No timer is armed and no device interrupts this hart: writes of ones must leave these bits 0. Messages may come. */
static void read_only(struct hart *h)
{
	irq_off();
	timer_cancel(h);
	csr_set(sip, READ_ONLY);
	exact_check(h, (csr_read(sip) & READ_ONLY & ~(machine.imsic ? EXTERNAL : 0)) == 0, "only sip.SSIP can be set by the guest");
	irq_on();
}

/* While other harts send. */
void exact_round(struct hart *h)
{
	doing(h, "an exactness round", 0);
	irq_off();
	ipi_check_lost(h);
	irq_on();
	switch (random(h, 5)) {
	case 0:
		return ipi_to_self(h);
	case 1:
		return self_set_masked(h);
	case 2:
		return self_set_open(h);
	case 3:
		return enable_open(h);
	default:
		return read_only(h);
	}
}

/* Set, then clear: nothing is left, also after a way through the firmware; and WFI sleeps until the timer. */
static void set_and_clear(struct hart *h)
{
	irq_off();
	word ssis = h->ssis;
	self_set();
	sbi_probe(SBI_TIME);
	exact_check(h, (csr_read(sip) & SOFT) != 0, "sip.SSIP stays 1 across an SBI call");
	csr_clear(sip, SOFT);
	exact_check(h, (csr_read(sip) & SOFT) == 0, "sip.SSIP reads 0 after the hart cleared it");
	sbi_probe(SBI_TIME);
	exact_check(h, (csr_read(sip) & SOFT) == 0, "sip.SSIP stays 0 across an SBI call");
	timer_arm(h, now() + microseconds(100));
	while (!(csr_read(sip) & TIMER)) {
		wfi(h);
		if (!(csr_read(sip) & csr_read(sie)))
			h->idle++;
	}
	irq_on();
	exact_check(h, h->ssis == ssis, "sip.SSIP set and cleared leaves no interrupt behind");
}

/* A write of 0 to sip clears SSIP and nothing else. */
static void write_zero(struct hart *h)
{
	irq_off();
	word ssis = h->ssis;
	timer_arm(h, now());
	await_pending(h, TIMER);
	self_set();
	csr_write(sip, 0);
	exact_check(h, (csr_read(sip) & (SOFT | TIMER)) == TIMER, "writing 0 to sip clears SSIP only");
	irq_on();
	exact_check(h, h->ssis == ssis, "writing 0 to sip leaves no software interrupt behind");
}

/* SSIP pending but disabled does not keep WFI from waiting for the timer, and survives it. */
static void disabled(struct hart *h)
{
	irq_off();
	csr_clear(sie, SOFT);
	self_set();
	timer_arm(h, now() + microseconds(100));
	while (!(csr_read(sip) & TIMER)) {
		wfi(h);
		if (!(csr_read(sip) & csr_read(sie)))
			h->idle++;
	}
	exact_check(h, (csr_read(sip) & SOFT) != 0, "a disabled sip.SSIP stays pending");
	csr_clear(sip, SOFT);
	csr_set(sie, SOFT);
	irq_on();
}

/* While nobody sends to this hart. */
void exact_quiet(struct hart *h)
{
	doing(h, "exactness at rest", 0);
	switch (random(h, 3)) {
	case 0:
		return set_and_clear(h);
	case 1:
		return write_zero(h);
	default:
		return disabled(h);
	}
}
