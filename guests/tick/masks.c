/*
 * Messages while something keeps them from the hart: its enable bit, the threshold, the file's delivery, sie. They wait,
 * and are taken where the last of these gives way; of several the smallest first. And the hart's other local interrupts.
 */
#include "sbi.h"
#include "aia.h"

#define TRIES 32 /* ways through the firmware and back, where a virtual CPU takes what is pending */

/* Messages to itself with one identity, by any way. */
static void tell_itself(struct hart *h, word identity)
{
	for (word i = 1 + random(h, 3); i > 0; i--)
		msi_tell(h, h, identity);
}

/* Time goes by, in which others may send the same. */
static void pass_time(struct hart *h)
{
	switch (random(h, 3)) {
	case 0:
		return nap(h, microseconds(random(h, 50)));
	case 1:
		sbi_probe(SBI_BASE);
	}
}

/* With interrupts off: they are taken at the next instruction that turns them on. */
static void check_taken(struct hart *h, word identity, word claims, const char *what)
{
	exact_expect(h, irq_open_next);
	irq_open();
	exact_check(h, h->expect_hits > 0 && msi_claims(h, identity) > claims, what);
}

static void disabled(struct hart *h)
{
	word identity = msi_identity(h);
	irq_off();
	imsic_enable(identity, 0);
	h->masked = identity;
	word claims = msi_claims(h, identity);
	irq_on();
	tell_itself(h, identity);
	pass_time(h);
	irq_off();
	exact_check(h, imsic_pending(identity), "a disabled identity stays pending");
	exact_check(h, msi_claims(h, identity) == claims, "a disabled identity is not taken");
	h->masked = 0;
	imsic_enable(identity, 1);
	word top = imsic_top(h);
	exact_check(h, top && top <= identity, "a pending identity is on top where it is enabled");
	exact_check(h, (csr_read(sip) & EXTERNAL) != 0, "sip.SEIP is 1 where an identity is enabled");
	check_taken(h, identity, claims, "a pending identity is taken where it is enabled");
}

static void threshold(struct hart *h)
{
	word above = msi_identity(h), below = msi_identity(h);
	if (above < below) {
		word other = above;
		above = below;
		below = other;
	}
	irq_off();
	h->threshold = above;
	imsic_threshold(above);
	word claims = msi_claims(h, above);
	irq_on();
	tell_itself(h, above);
	if (below < above) {
		word before = msi_claims(h, below);
		msi_tell(h, h, below);
		/* A store to the file interrupts soon, but not at the next instruction. */
		for (word tries = 0; msi_claims(h, below) == before && tries < TRIES; tries++)
			sbi_probe(SBI_BASE);
		exact_check(h, msi_claims(h, below) > before, "an identity below the threshold is taken");
	}
	pass_time(h);
	irq_off();
	exact_check(h, imsic_pending(above), "an identity at the threshold stays pending");
	exact_check(h, msi_claims(h, above) == claims, "an identity at the threshold is not taken");
	h->threshold = 0;
	imsic_threshold(random(h, 2) && above < machine.identities ? above + 1 : 0);
	check_taken(h, above, claims, "a pending identity is taken where the threshold rises above it");
	irq_off();
	imsic_threshold(0);
	irq_on();
}

static void delivery(struct hart *h)
{
	word identity = msi_identity(h);
	irq_off();
	imsic_delivery(0);
	irq_on();
	word all = h->claims, claims = msi_claims(h, identity);
	tell_itself(h, identity);
	pass_time(h);
	irq_off();
	exact_check(h, h->claims == all, "nothing is taken without delivery");
	exact_check(h, !(csr_read(sip) & EXTERNAL), "sip.SEIP is 0 without delivery");
	exact_check(h, imsic_top(h) != 0, "stopei has the top identity without delivery, too");
	imsic_delivery(1);
	exact_check(h, (csr_read(sip) & EXTERNAL) != 0, "sip.SEIP is 1 with delivery");
	check_taken(h, identity, claims, "a pending identity is taken where delivery begins");
}

/* External interrupts disabled in sie, with WFI: another hart's message would not wake this one, its timer does. */
static void external_disabled(struct hart *h)
{
	word identity = msi_identity(h);
	irq_off();
	csr_clear(sie, EXTERNAL);
	irq_on();
	word all = h->claims, claims = msi_claims(h, identity);
	tell_itself(h, identity);
	nap(h, microseconds(random(h, 50)));
	exact_check(h, h->claims == all, "no external interrupt is taken that sie disables");
	exact_expect(h, sie_open_next);
	sie_open(EXTERNAL);
	exact_check(h, h->expect_hits > 0 && msi_claims(h, identity) > claims,
		    "a pending identity is taken where sie enables external interrupts");
}

/* WFI with interrupts off wakes by a message. */
static void sleep_until_told(struct hart *h)
{
	word identity = msi_identity(h);
	irq_off();
	word claims = msi_claims(h, identity);
	msi_tell(h, h, identity);
	doing(h, "WFI to end with a message pending", identity);
	h->sleeps++;
	__asm__ volatile("wfi" : : : "memory");
	check_taken(h, identity, claims, "a pending identity is taken where sstatus.SIE is set");
}

/* Several at once: whatever others send meanwhile, none is claimed before a smaller one of these. */
static void order(struct hart *h)
{
	word waiting[5], count = 0;
	irq_off();
	for (word i = 0; i < 5; i++) {
		word identity = msi_identity(h), known = 0;
		for (word j = 0; j < count; j++)
			known |= waiting[j] == identity;
		if (known)
			continue;
		waiting[count++] = identity;
		msi_tell(h, h, identity);
	}
	while (count) {
		word top = imsic_top(h), identity = msi_take(h), left = 0;
		exact_check(h, identity && identity <= top, "a claim has the top identity, or a smaller one");
		for (word i = 0; i < count; i++) {
			exact_check(h, identity <= waiting[i], "identities are claimed in their order");
			if (waiting[i] != identity)
				waiting[left++] = waiting[i];
		}
		count = left;
	}
	irq_on();
}

/* The place of an interrupt in the default order; nothing is last. */
static word rank(word pending)
{
	if (pending & EXTERNAL)
		return 0;
	if (pending & SOFT)
		return 1;
	return pending & TIMER ? 2 : 3;
}

/* stopi names the first of what is pending and enabled; while interrupts are off bits of sip only rise. */
static void top_interrupt(struct hart *h)
{
	static const word causes[] = { CAUSE_EXTERNAL, CAUSE_SOFT, CAUSE_TIMER };
	irq_off();
	if (random(h, 2)) {
		h->self_sets++;
		csr_set(sip, SOFT);
	}
	word before = csr_read(sip) & csr_read(sie);
	word top = csr_read_number(CSR_STOPI);
	word after = csr_read(sip) & csr_read(sie);
	word seen = 3;
	for (word i = 0; i < 3; i++)
		if (top >> 16 == causes[i])
			seen = i;
	if (options.lenient & LENIENT_ORDER)
		h->tolerated += seen > rank(before) || seen < rank(after);
	else
		exact_check(h, seen <= rank(before) && seen >= rank(after), "stopi names the interrupt of highest priority");
	irq_on();
}

/* The others, from 13 on, that the hart may raise by itself (on RV32 in two registers). */
static word raisable, raisable_high;

/* Called by every hart with interrupts off, all with the same outcome. */
void local_hart_init(void)
{
	if (!machine.imsic)
		return;
	csr_set(sip, ~0x1fffUL);
	word found = csr_read(sip) & ~0x1fffUL;
	csr_clear(sip, found);
	found &= ~csr_read(sip);
	csr_set(sie, found);
	raisable = found & csr_read(sie);
#if __riscv_xlen == 32
	csr_write_number(CSR_SIPH, NONE);
	found = csr_read_number(CSR_SIPH);
	csr_write_number(CSR_SIPH, 0);
	found &= ~csr_read_number(CSR_SIPH);
	csr_write_number(CSR_SIEH, found);
	raisable_high = found & csr_read_number(CSR_SIEH);
#endif
}

static int is_raisable(word number)
{
	if (__riscv_xlen == 32 && number >= 32)
		return raisable_high >> (number - 32) & 1;
	return number < 64 && raisable >> number & 1;
}

static void local_write(word number, int on)
{
	word bit = 1UL << number % (8 * sizeof(word));
	if (__riscv_xlen == 32 && number >= 32) {
		if (on)
			csr_set_number(CSR_SIPH, bit);
		else
			csr_clear_number(CSR_SIPH, bit);
	} else if (on)
		csr_set(sip, bit);
	else
		csr_clear(sip, bit);
}

/* Returns whether the interrupt is one of these. */
int local_interrupt(struct hart *h, word number)
{
	if (!is_raisable(number))
		return 0;
	if (number != h->raised)
		fail("hart %lu: local interrupt %lu came from nowhere", h->index, number);
	h->raised = 0;
	local_write(number, 0);
	h->locals++;
	return 1;
}

static void local_round(struct hart *h)
{
	word number = 13 + random(h, 51);
	/* Often there are few: the next one, counted from a random place on. */
	for (word tried = 0; !is_raisable(number); tried++) {
		if (tried == 51)
			return;
		number = number == 63 ? 13 : number + 1;
	}
	word locals = h->locals;
	irq_off();
	h->raised = number;
	local_write(number, 1);
	sbi_probe(SBI_BASE);
	exact_check(h, h->locals == locals, "a local interrupt is not taken with sstatus.SIE = 0");
	exact_expect(h, irq_open_next);
	irq_open();
	exact_check(h, h->locals == locals + 1, "a local interrupt that the hart raises is taken once");
}

void masks_round(struct hart *h)
{
	static void (*const rounds[])(struct hart *) = { disabled,   threshold, delivery,      external_disabled,
							  sleep_until_told, order,     top_interrupt, local_round };
	rounds[h->mask_rounds++ % (sizeof rounds / sizeof rounds[0])](h);
}
