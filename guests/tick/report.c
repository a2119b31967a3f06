/* The end: the table, the verdict, and power off. */
#include "sbi.h"

static volatile u32 failed;

static void __attribute__((noreturn)) park(void)
{
	irq_off();
	for (;;)
		__asm__ volatile("wfi");
}

/* After a failure somewhere the other harts stop as they are, so that the report shows the moment. */
void park_if_failed(void)
{
	if (failed)
		park();
}

static void message_table(void)
{
	struct hart sum = { 0 };
	print("hart msi-traps claims coalesced wired asks masks locals\r\n");
	for (word i = 0; i <= machine.harts; i++) {
		struct hart *h = i < machine.harts ? &harts[i] : &sum;
		if (h == &sum)
			print(" all");
		else
			print("%4lu", i);
		print(" %9lu %6lu %9lu %5lu %4lu %5lu %6lu\r\n", h->msi_traps, h->claims, h->coalesced, h->wired,
		      h->msi_asks, h->mask_rounds, h->locals);
		if (h == &sum)
			break;
		sum.msi_traps += h->msi_traps;
		sum.claims += h->claims;
		sum.coalesced += h->coalesced;
		sum.wired += h->wired;
		sum.msi_asks += h->msi_asks;
		sum.mask_rounds += h->mask_rounds;
		sum.locals += h->locals;
	}
	print("tick: %lu messages by %lu claims%s\r\n", msi_messages(), sum.claims,
	      machine.big_endian ? ", in both byte orders" : "");
}

static void table(void)
{
	struct hart sum = { 0 };
	print("hart  armed  fired  again cancel late-us   sent   recv   ssis  empty   self    ext  sleep   idle"
	      "   user fences checks tolerated\r\n");
	for (word i = 0; i <= machine.harts; i++) {
		struct hart *h = i < machine.harts ? &harts[i] : &sum;
		if (h == &sum)
			print(" all");
		else
			print("%4lu", i);
		print(" %6lu %6lu %6lu %6lu %7llu %6lu %6lu %6lu %6lu %6lu", h->armed, h->fired, h->rearmed,
		      h->cancelled, h->late_max * 1000000 / machine.timebase, h->sent, h->received, h->ssis, h->empty,
		      h->self_sets);
		print(" %6lu %6lu %6lu %6lu %6lu %6lu %9lu\r\n", h->external, h->sleeps, h->idle, h->user, h->fences,
		      h->checks, h->tolerated);
		if (h == &sum)
			break;
		sum.armed += h->armed;
		sum.fired += h->fired;
		sum.rearmed += h->rearmed;
		sum.cancelled += h->cancelled;
		sum.late_max = h->late_max > sum.late_max ? h->late_max : sum.late_max;
		sum.sent += h->sent;
		sum.received += h->received;
		sum.ssis += h->ssis;
		sum.empty += h->empty;
		sum.self_sets += h->self_sets;
		sum.external += h->external;
		sum.sleeps += h->sleeps;
		sum.idle += h->idle;
		sum.user += h->user;
		sum.fences += h->fences;
		sum.checks += h->checks;
		sum.tolerated += h->tolerated;
	}
	if (machine.imsic)
		message_table();
	print("tick: %lu interrupts: %lu timer, %lu software, %lu external\r\n", sum.fired + sum.ssis + sum.external,
	      sum.fired, sum.ssis, sum.external);
}

static void describe(void)
{
	u64 time = now();
	for (word i = 0; i < machine.harts; i++) {
		struct hart *h = &harts[i];
		print("tick: hart %lu for %llu ms: %s (%lx); deadline ", i,
		      (time - h->doing_since) * 1000 / machine.timebase, h->doing ? h->doing : "nothing",
		      h->doing_about);
		if (h->deadline == NEVER)
			print("none\r\n");
		else
			print("%llu us %s\r\n",
			      (h->deadline > time ? h->deadline - time : time - h->deadline) * 1000000 /
				      machine.timebase,
			      h->deadline > time ? "ahead" : "ago");
	}
	ipi_describe();
	msi_describe();
}

void fail(const char *reason, ...)
{
	static char text[200];
	irq_off();
	if (__atomic_exchange_n(&failed, 1, __ATOMIC_ACQ_REL))
		park();
	__builtin_va_list args;
	__builtin_va_start(args, reason);
	vformat(text, sizeof text, reason, args);
	__builtin_va_end(args);
	if (machine.uart) {
		uart_quiet();
		if (leader) {
			print("\r\n");
			describe();
			if (self())
				print("tick: seen by hart %lu: sip %lx, sie %lx\r\n", self()->index, csr_read(sip),
				      csr_read(sie));
			table();
		}
		print("tick: FAIL %s\r\n", text);
	}
	sbi_shutdown(1);
	park();
}

/* When all other harts have stopped. */
void finish(void)
{
	word sent = 0, received = 0;
	for (word i = 0; i < machine.harts; i++) {
		struct hart *h = &harts[i];
		if (h->armed != h->fired + h->rearmed + h->cancelled)
			fail("hart %lu: %lu timers armed, but %lu ended", i, h->armed,
			     h->fired + h->rearmed + h->cancelled);
		sent += h->sent;
		received += h->received;
	}
	if (sent != received)
		fail("%lu messages sent, %lu received", sent, received);
	const char *verdict = count_verdict();
	if (verdict)
		fail("%s", verdict);
	table();
	print("tick: PASS\r\n");
	sbi_shutdown(0);
	park();
}
