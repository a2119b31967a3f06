/*
 * Threads that do their worst to one vCPU with the interrupts of c/vcpu_irqs.h, and count. The
 * includer says how a thread waits and how it is told to look again.
 *
 * One sender for each edge asks and waits for the answer, so that of its interrupts exactly as
 * many have to arrive as it sent; a crowd sends without waiting; a device raises its line, waits
 * for the guest's answer, lowers it, and waits until the guest has seen that. Two pCPUs run the
 * vCPU in turns. The guest takes an interrupt by clearing its bit in HVIP, without an exit.
 *
 * All ends after a number of operations. Nothing is measured in time: that an interrupt is lost
 * shows as a vCPU that sleeps, or stays in its guest, while nobody is about to kick it.
 */
#ifndef STRESS_H
#define STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "vcpu_irqs.h"

/* Of the includer: lets others run until perhaps something has changed; tells all to look again. */
static void relax(void);
static void wake_all(void);
/* Ends everything. */
static _Noreturn void fail(const char *what, unsigned long number);

enum { SOFT = 2, EXTERNAL = 10, OVERFLOW = 13, HIGH_LINE = 41 };
#define BIT(irq) ((uint64_t)1 << (irq))
#define EDGES (BIT(SOFT) | BIT(OVERFLOW))
#define HAS_HIGH_LINE (HIGH_LINE < VCPU_IRQS_NR)
#define LEVELS (BIT(EXTERNAL) | (HAS_HIGH_LINE ? BIT(HIGH_LINE) : 0))

enum state {
	/* Ready to be run by a pCPU. */
	RUNNABLE,
	OUTSIDE,
	IN_GUEST,
	/* The guest has nothing to do and stays inside. */
	WAITS_IN_GUEST,
	/* Is about to sleep, and looks once more. */
	BLOCKED,
	ASLEEP,
};

/* What a device's line is doing; counts on. */
enum { LOW, RISES, HIGH, FALLS, PHASES };

enum { PCPUS = 2, CROWD = 2 };

struct channel {
	unsigned int irq;
	/* Sent by one thread, each with a message. */
	_Atomic unsigned long asked;
	_Atomic unsigned long answered;
	/* Of the guest. */
	unsigned long taken;
};

struct line {
	unsigned int irq;
	_Atomic unsigned long phase;
	/* How many times the guest has answered that it sees the line high, and seen it low after that. */
	_Atomic unsigned long answers;
	_Atomic unsigned long falls;
	bool answered;
};

static struct {
	_Alignas(64) struct vcpu_irqs irqs;
	_Alignas(64) _Atomic unsigned int state;
	/* A pCPU has the vCPU: the lock by which it moves. */
	_Atomic unsigned int loaded;
	_Atomic unsigned int exit_request;
	/* How many guest stays there have been. */
	_Atomic unsigned long entries;
	/* Threads that are between the begin of a set or unset and the end of its kick. */
	_Atomic unsigned int busy;
	_Atomic unsigned int working;
	_Alignas(64) struct channel soft, overflow;
	struct line external, high;
	/* What the crowd has sent, and what the guest has read. */
	_Atomic unsigned long crowd_sent[CROWD];
	unsigned long crowd_read[CROWD];
	unsigned long exits, moves, sleeps;
	/* The hart's HVIP while the vCPU is loaded: no other thread looks at it. */
	uint64_t hvip;
	uint64_t random;
} all;

static void stress_init(unsigned int workers)
{
	vcpu_irqs_init(&all.irqs, EDGES | LEVELS, EDGES);
	all.soft.irq = SOFT;
	all.overflow.irq = OVERFLOW;
	all.external.irq = EXTERNAL;
	all.high.irq = HIGH_LINE;
	all.random = 88172645463325252u;
	atomic_store(&all.working, workers);
}

/* Rule 4: the barrier is behind us. */
static void kick(void)
{
	unsigned int state;

	atomic_store_explicit(&all.exit_request, 1, memory_order_relaxed);
	for (;;) {
		state = atomic_load_explicit(&all.state, memory_order_relaxed);
		if (state != BLOCKED && state != ASLEEP)
			break;
		if (atomic_compare_exchange_strong_explicit(&all.state, &state, RUNNABLE, memory_order_relaxed,
							    memory_order_relaxed))
			break;
	}
	wake_all();
}

static int announce(unsigned int irq, bool set)
{
	int told;

	atomic_fetch_add(&all.busy, 1);
	told = set ? vcpu_irqs_set(&all.irqs, irq) : vcpu_irqs_unset(&all.irqs, irq);
	if (told == VCPU_IRQS_INVALID)
		fail("refused interrupt", irq);
	if (told == VCPU_IRQS_KICK)
		kick();
	atomic_fetch_sub(&all.busy, 1);
	return told;
}

/*
 * Waits until `count` is `wanted`. The caller has announced something that makes it so, and its
 * kick is over. So if nobody kicks, and the vCPU sleeps or has no reason to leave its guest, and
 * that all through the same stay, the announcement is lost.
 */
static void await(_Atomic unsigned long *count, unsigned long wanted, const char *lost)
{
	while (atomic_load(count) != wanted) {
		unsigned long entries = atomic_load(&all.entries);
		unsigned int state = atomic_load(&all.state);
		bool is_idle = state == ASLEEP || (state == WAITS_IN_GUEST && !atomic_load(&all.exit_request));

		if (is_idle && atomic_load(&all.busy) == 0 && atomic_load(&all.state) == state &&
		    atomic_load(&all.entries) == entries && atomic_load(count) != wanted)
			fail(lost, wanted);
		relax();
	}
}

static void done(void)
{
	atomic_fetch_sub(&all.working, 1);
	wake_all();
}

static inline void run_sender(struct channel *channel, unsigned long count)
{
	for (unsigned long i = 1; i <= count; i++) {
		/* The message: not ordered but by the interrupt. */
		atomic_store_explicit(&channel->asked, i, memory_order_relaxed);
		if (announce(channel->irq, true) == VCPU_IRQS_DONE && channel->irq == OVERFLOW)
			fail("an edge that was taken is still there", i);
		await(&channel->answered, i, "lost edge");
	}
	done();
}

static inline void run_crowd(unsigned int number, unsigned long count)
{
	for (unsigned long i = 1; i <= count; i++) {
		atomic_store_explicit(&all.crowd_sent[number], i, memory_order_relaxed);
		announce(SOFT, true);
		if (i % 16 == 0)
			relax();
	}
	done();
}

static inline void run_device(struct line *line, unsigned long count)
{
	for (unsigned long i = 1; i <= count; i++) {
		unsigned long phase = PHASES * i;

		atomic_store(&line->phase, phase + RISES);
		announce(line->irq, true);
		atomic_store(&line->phase, phase + HIGH);
		await(&line->answers, i, "lost rise of a line");
		atomic_store(&line->phase, phase + FALLS);
		/* The fall of a line publishes nothing, but who sees it here looks at the phase next. */
		atomic_thread_fence(memory_order_release);
		announce(line->irq, false);
		atomic_store(&line->phase, phase + PHASES + LOW);
		await(&line->falls, i, "lost fall of a line");
	}
	done();
}

static unsigned int random_below(unsigned int limit)
{
	all.random ^= all.random << 13;
	all.random ^= all.random >> 7;
	all.random ^= all.random << 17;
	return (unsigned int)(all.random >> 33) % limit;
}

/* The guest's handlers. */
static void take_soft(void)
{
	all.soft.taken++;
	for (unsigned int i = 0; i < CROWD; i++)
		all.crowd_read[i] = atomic_load_explicit(&all.crowd_sent[i], memory_order_relaxed);
	atomic_store(&all.soft.answered, atomic_load_explicit(&all.soft.asked, memory_order_relaxed));
	wake_all();
}

static void take_overflow(void)
{
	unsigned long asked = atomic_load_explicit(&all.overflow.asked, memory_order_relaxed);

	if (++all.overflow.taken != asked)
		fail("edge for nothing, or without its message", asked);
	atomic_store(&all.overflow.answered, asked);
	wake_all();
}

/* A guest that has an interrupt takes it or, now and then, is left before it does. */
static bool take_edges(void)
{
	while (all.hvip & EDGES) {
		unsigned int irq = all.hvip & BIT(SOFT) ? SOFT : OVERFLOW;

		if (random_below(8) == 0)
			return false;
		all.hvip &= ~BIT(irq);
		if (irq == SOFT)
			take_soft();
		else
			take_overflow();
	}
	return true;
}

/* What the line shows has to be what it was at some moment since `before`. */
static void look_at_line(struct line *line, unsigned long before)
{
	unsigned long after = atomic_load(&line->phase);
	bool is_high = all.hvip & BIT(line->irq);

	if (before == after && before % PHASES == LOW && is_high)
		fail("line is shown high, but it is low", before);
	if (before == after && before % PHASES == HIGH && !is_high)
		fail("line is shown low, but it is high", before);
	if (is_high && !line->answered) {
		line->answered = true;
		atomic_fetch_add(&line->answers, 1);
		wake_all();
	} else if (!is_high && line->answered) {
		line->answered = false;
		atomic_fetch_add(&line->falls, 1);
		wake_all();
	}
}

/* One stay in the guest. Returns whether it ended with WFI. */
static bool run_guest(void)
{
	if (!take_edges())
		return false;
	/* With a line high the guest stays until it is told to leave, so that a fall has to tell it. */
	if (!(all.hvip & LEVELS) && random_below(4))
		return true;
	atomic_store(&all.state, WAITS_IN_GUEST);
	wake_all();
	while (!atomic_load(&all.exit_request) && atomic_load(&all.working))
		relax();
	return false;
}

/* One round of the loop. Returns whether the vCPU is still this pCPU's. */
static bool run_round(void)
{
	unsigned long external = atomic_load(&all.external.phase), high = atomic_load(&all.high.phase);
	unsigned int blocked = BLOCKED;
	bool waits;

	/* Rule 2. */
	atomic_fetch_add_explicit(&all.entries, 1, memory_order_relaxed);
	atomic_store_explicit(&all.state, IN_GUEST, memory_order_relaxed);
	atomic_store_explicit(&all.exit_request, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	all.hvip = vcpu_irqs_flush(&all.irqs);
	/* What the flush has read is followed by a look at the phases. */
	atomic_thread_fence(memory_order_acquire);
	look_at_line(&all.external, external);
	if (HAS_HIGH_LINE)
		look_at_line(&all.high, high);

	waits = run_guest();
	all.exits++;
	atomic_store_explicit(&all.state, OUTSIDE, memory_order_relaxed);
	/* Rule 1. */
	vcpu_irqs_sync(&all.irqs, all.hvip);
	all.hvip = 0;
	if (!waits) {
		if (random_below(4))
			return true;
		all.moves++;
		atomic_store_explicit(&all.state, RUNNABLE, memory_order_relaxed);
		wake_all();
		return false;
	}
	/* Rule 3. */
	all.sleeps++;
	atomic_store_explicit(&all.state, BLOCKED, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (vcpu_irqs_has(&all.irqs, EDGES | LEVELS))
		return atomic_compare_exchange_strong(&all.state, &blocked, OUTSIDE);
	atomic_compare_exchange_strong(&all.state, &blocked, ASLEEP);
	wake_all();
	return false;
}

static void run_pcpu(void)
{
	while (atomic_load(&all.working) || atomic_load(&all.state) != ASLEEP) {
		unsigned int runnable = RUNNABLE;
		bool is_mine = false;

		/* Rule 6. */
		if (!atomic_exchange_explicit(&all.loaded, 1, memory_order_acquire)) {
			is_mine = atomic_compare_exchange_strong(&all.state, &runnable, OUTSIDE);
			while (is_mine && run_round())
				;
			atomic_store_explicit(&all.loaded, 0, memory_order_release);
		}
		if (!is_mine)
			relax();
	}
	wake_all();
}

/* After all threads have ended. */
static void check_counts(unsigned long sent)
{
	unsigned long sets = sent + atomic_load(&all.crowd_sent[0]) + atomic_load(&all.crowd_sent[1]);

	if (vcpu_irqs_pending(&all.irqs))
		fail("something is pending at rest", (unsigned long)vcpu_irqs_pending(&all.irqs));
	for (unsigned int i = 0; i < CROWD; i++)
		if (all.crowd_read[i] != atomic_load(&all.crowd_sent[i]))
			fail("lost edge of the crowd", i);
	if (all.soft.taken > sets)
		fail("edges came from nowhere", all.soft.taken - sets);
	if (sets == sent && all.soft.taken != sent)
		fail("edges that came differ from those that were sent", all.soft.taken);
}

#endif
