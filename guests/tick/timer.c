/*
 * Timers. Every deadline that is armed ends in exactly one way: it fires, it is armed anew before it fired, or it is
 * cancelled. A timer interrupt while the deadline lies ahead, or while there is none, came from nowhere.
 */
#include "sbi.h"

#define CSR_STIMECMP 0x14d
#define CSR_STIMECMPH 0x15d

/* On RV32 two writes, in between which no deadline may show that is earlier than both. */
static void write_stimecmp(u64 deadline)
{
#if __riscv_xlen == 32
	__asm__ volatile("csrw %0, %1" : : "i"(CSR_STIMECMPH), "r"(NONE) : "memory");
	__asm__ volatile("csrw %0, %1" : : "i"(CSR_STIMECMP), "r"((word)deadline) : "memory");
	__asm__ volatile("csrw %0, %1" : : "i"(CSR_STIMECMPH), "r"((word)(deadline >> 32)) : "memory");
#else
	__asm__ volatile("csrw %0, %1" : : "i"(CSR_STIMECMP), "r"(deadline) : "memory");
#endif
}

/* Through stimecmp where the hart has it, but now and then through the SBI: both have to agree. */
static void program(struct hart *h, u64 deadline)
{
	if (options.sstc && random(h, 4)) {
		write_stimecmp(deadline);
		return;
	}
	long error = sbi_set_timer(deadline);
	if (error)
		fail("hart %lu: SBI set_timer answered %ld", h->index, error);
}

/*
 * With interrupts off. The pending bit of the deadline before goes "eventually" with Sstc (privileged specification,
 * "Supervisor Timer (stimecmp)") and at once with set_timer (SBI chapter 6); wait for it, so that an interrupt which
 * comes early is a wrong one and not the echo of its predecessor. It must go: a pending bit with the deadline ahead
 * stops the run.
 */
static void settle(struct hart *h, u64 deadline)
{
	u64 start = now();
	while (csr_read(sip) & TIMER && now() < deadline) {
		check_watchdog(h);
		if (options.lenient & LENIENT_TIMER && now() - start > microseconds(1000)) {
			h->tolerated++;
			program(h, deadline);
		}
	}
}

/* Call with interrupts off. */
void timer_arm(struct hart *h, u64 deadline)
{
	if (h->deadline != NEVER)
		h->rearmed++;
	h->armed++;
	h->deadline = deadline;
	program(h, deadline);
	settle(h, deadline);
}

/* Call with interrupts off. Safe when nothing is armed. */
void timer_cancel(struct hart *h)
{
	if (h->deadline == NEVER)
		return;
	h->cancelled++;
	h->deadline = NEVER;
	program(h, NEVER);
	settle(h, NEVER);
}

void timer_interrupt(struct hart *h)
{
	u64 time = now();
	ipi_check_lost(h);
	msi_check_lost(h);
	if (time < h->deadline && options.lenient & LENIENT_TIMER) {
		h->tolerated++;
		program(h, h->deadline);
		return settle(h, h->deadline);
	}
	if (h->deadline == NEVER)
		fail("hart %lu: a timer interrupt with no deadline armed", h->index);
	if (time < h->deadline)
		fail("hart %lu: a timer interrupt %llu ticks before its deadline", h->index, h->deadline - time);
	if (time - h->deadline > h->late_max && h->deadline > started_at)
		h->late_max = time - h->deadline;
	h->deadline = NEVER;
	h->fired++;
	program(h, NEVER);
	settle(h, NEVER);
}

/* Sleeps for the time given, taking interrupts. */
void nap(struct hart *h, u64 ticks)
{
	irq_off();
	word fired = h->fired;
	timer_arm(h, now() + ticks);
	irq_on();
	while (h->fired == fired)
		sleep_while(h, &h->fired, fired);
}

/* A deadline in the past: pending soon although masked, not clearable by writing sip, taken at once when unmasked. */
static void past(struct hart *h)
{
	irq_off();
	u64 time = now();
	word fired = h->fired;
	timer_arm(h, random(h, 4) ? time - random(h, time < 1000 ? (word)time : 1000) : 0);
	await_pending(h, TIMER);
	csr_clear(sip, TIMER);
	exact_check(h, (csr_read(sip) & TIMER) != 0, "sip.STIP cannot be cleared by the guest");
	csr_clear(sie, TIMER);
	irq_on();
	irq_off();
	exact_check(h, h->fired == fired, "a timer interrupt masked in sie is not taken");
	csr_set(sie, TIMER);
	exact_expect(h, irq_open_next);
	irq_open();
	exact_check(h, h->expect_hits > 0 && h->fired == fired + 1, "a pending timer is taken where sstatus.SIE is set");
}

/* Cancels a deadline about when it expires; should it fire all the same, timer_interrupt() notices. */
static void cancel_race(struct hart *h)
{
	irq_off();
	u64 span = microseconds(random(h, 30));
	u64 start = now();
	timer_arm(h, start + span);
	if (random(h, 2))
		irq_on();
	while (now() - start < span)
		;
	irq_off();
	timer_cancel(h);
	irq_on();
}

static void rearm(struct hart *h)
{
	irq_off();
	timer_arm(h, now() + (u64)machine.timebase * (1 + random(h, 100)));
	irq_on();
	nap(h, microseconds(random(h, 200)));
}

/* Out of U-mode an interrupt is taken although sstatus.SIE = 0. */
static void from_user(struct hart *h)
{
	irq_off();
	word user = h->user;
	timer_arm(h, now() + microseconds(random(h, 50)));
	user_wait(fence_user_alias());
	exact_check(h, h->user == user + 1, "an interrupt is taken out of U-mode with sstatus.SIE = 0");
	irq_on();
}

void timer_round(struct hart *h)
{
	doing(h, "a timer round", 0);
	switch (random(h, 6)) {
	case 0:
		return past(h);
	case 1:
		return cancel_race(h);
	case 2:
		return rearm(h);
	case 3:
		return from_user(h);
	case 4: /* left running into the next rounds */
		irq_off();
		timer_arm(h, now() + microseconds(random(h, 300)));
		return irq_on();
	default:
		return nap(h, microseconds(random(h, 200)));
	}
}
