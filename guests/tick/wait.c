/* Waiting: sleeps in WFI with and without interrupts enabled, barriers, and the watchdog over all of them. */
#include "tick.h"

/* xorshift64*: below a bound, or 0 for a bound of 0. */
word random(struct hart *h, word below)
{
	u64 x = h->random;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	h->random = x;
	return below ? (word)(x * 0x2545f4914f6cdd1dULL >> 32) % below : 0;
}

/* Says what the hart is about to do or wait for, and restarts its watchdog. */
void doing(struct hart *h, const char *what, word about)
{
	h->doing = what;
	h->doing_about = about;
	h->doing_since = now();
}

void check_watchdog(struct hart *h)
{
	u64 time = now();
	if (time > h->doing_since && time - h->doing_since > (u64)options.watchdog * machine.timebase)
		fail("hart %lu made no progress for %lu s", h->index, options.watchdog);
}

/*
 * One sleep, unless the counter (which an interrupt handler of this hart moves) has left the value already.
 * Half of the sleeps have interrupts off around the test and the WFI, which then must wake by an interrupt that is
 * pending and masked; the other half have them on. May return early.
 */
void sleep_while(struct hart *h, volatile word *counter, word value)
{
	check_watchdog(h);
	if (random(h, 2)) {
		h->sleeps++;
		wfi_open(counter, value);
		return;
	}
	irq_off();
	ipi_check_lost(h);
	msi_check_lost(h);
	if (*counter == value) {
		h->sleeps++;
		__asm__ volatile("wfi" : : : "memory");
		if (!(csr_read(sip) & csr_read(sie)))
			h->idle++;
	}
	irq_on();
}

/*
 * Sleeps until the counter leaves the value. Nothing but the event itself and a timer at the watchdog's end wakes the
 * hart, so an interrupt that is lost, or that does not end a WFI, is not covered up by the next tick.
 */
void await(struct hart *h, const char *what, word about, volatile word *counter, word value)
{
	doing(h, what, about);
	irq_off();
	if (*counter == value) {
		timer_arm(h, now() + (options.watchdog + 1ULL) * machine.timebase);
		irq_on();
		while (*counter == value)
			sleep_while(h, counter, value);
		irq_off();
		timer_cancel(h);
	}
	irq_on();
}

/* With interrupts off: until sip shows the bit, which it must soon. */
void await_pending(struct hart *h, word bit)
{
	doing(h, "a bit of sip", bit);
	while (!(csr_read(sip) & bit))
		check_watchdog(h);
}

static volatile word arrived, phase;

/* Returns when every hart has come here. The harts nap meanwhile: no IPI wakes them, so that none is covered up. */
void barrier(struct hart *h)
{
	word mine = __atomic_load_n(&phase, __ATOMIC_ACQUIRE);
	doing(h, "the other harts, at barrier", mine);
	if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == machine.harts) {
		__atomic_store_n(&arrived, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&phase, mine + 1, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&phase, __ATOMIC_ACQUIRE) == mine)
		nap(h, microseconds(50 + random(h, 300)));
}
