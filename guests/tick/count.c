/* Shared counters by each kind of atomic access; at the end they hold what the harts say they added. */
#include "tick.h"

#define ATOMICS_PER_LOCK 16

static volatile word by_amo, by_lrsc, by_ticket;
static volatile u32 by_lrsc_word, ticket_next, ticket_serving;

static void add_lrsc(void)
{
	word value, failed;
	__asm__ volatile("1: lr" WORD_SUFFIX " %0, (%2); addi %0, %0, 1; sc" WORD_SUFFIX " %1, %0, (%2); bnez %1, 1b"
			 : "=&r"(value), "=&r"(failed) : "r"(&by_lrsc) : "memory");
	__asm__ volatile("1: lr.w.aq %0, (%2); addi %0, %0, 1; sc.w.rl %1, %0, (%2); bnez %1, 1b"
			 : "=&r"(value), "=&r"(failed) : "r"(&by_lrsc_word) : "memory");
}

/*
 * A plain counter inside a ticket lock: release and acquire have to order it. A hart that does not get the lock soon
 * sleeps, because the holder may be a virtual CPU that is not running.
 */
static void add_locked(struct hart *h)
{
	u32 ticket = __atomic_fetch_add(&ticket_next, 1, __ATOMIC_RELAXED);
	for (word tries = 1; __atomic_load_n(&ticket_serving, __ATOMIC_ACQUIRE) != ticket; tries++)
		if (tries % 64 == 0)
			nap(h, microseconds(random(h, 50)));
	by_ticket = by_ticket + 1;
	__atomic_store_n(&ticket_serving, ticket + 1, __ATOMIC_RELEASE);
}

void count_round(struct hart *h)
{
	doing(h, "the shared counters", 0);
	for (word i = 0; i < ATOMICS_PER_LOCK; i++) {
		__atomic_fetch_add(&by_amo, 1, __ATOMIC_RELAXED);
		add_lrsc();
		h->added++;
	}
	add_locked(h);
}

/* Describes a fault of the counters; 0 if there is none. Call when no hart counts any more. */
const char *count_verdict(void)
{
	word added = 0;
	for (word i = 0; i < machine.harts; i++)
		added += harts[i].added;
	if (by_amo != added)
		return "amoadd" WORD_SUFFIX " lost or invented an addition";
	if (by_lrsc != added)
		return "lr" WORD_SUFFIX "/sc" WORD_SUFFIX " lost or invented an addition";
	if (by_lrsc_word != (u32)added)
		return "lr.w/sc.w lost or invented an addition";
	if (by_ticket * ATOMICS_PER_LOCK != added)
		return "the ticket lock let two harts in, or a store was seen late";
	return 0;
}
