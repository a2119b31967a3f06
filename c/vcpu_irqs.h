/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The hartvisor authors */
/*
 * Pending interrupts of a RISC-V vCPU without a lock: take the edge, mirror the level.
 *
 * There is one shared word for each 32 interrupt numbers. A bit of it is one of two kinds, which
 * never changes:
 *
 * - an edge is a pending bit that the guest may write itself (VSSIP; LCOFIP where the vCPU has
 *   it). A flush takes it out of the word with one atomic operation. From then on it is the
 *   guest's, and nothing moves it back.
 * - a level is every other bit (VSTIP, VSEIP). The guest can only read it. A flush copies it and
 *   takes nothing.
 *
 * What is pending is always `word | edges in the cached hvip`. Any CPU calls vcpu_irqs_set() and
 * vcpu_irqs_unset(), and kicks the vCPU when they return VCPU_IRQS_KICK. All other functions are
 * for the CPU that has the vCPU.
 *
 * Rules for the callers, which no protocol can repair:
 *
 * 1. vcpu_irqs_sync() is the first thing after the exit: before any handler, scheduling, or write
 *    of HVIP.
 * 2. To enter, with interrupts off: publish that the vCPU is in its guest, a full barrier,
 *    vcpu_irqs_flush(), write HVIP, enter. A kick that comes from then on ends the guest's stay.
 * 3. To sleep: publish that the vCPU is blocked, a full barrier, vcpu_irqs_has(), sleep.
 * 4. A kick first executes a full barrier, and then looks at what rules 2 and 3 publish. The
 *    barrier is VCPU_IRQS_KICK_MB() in here.
 * 5. A level with a source of its own (a deadline, an interrupt file) is derived from it at each
 *    flush and each vcpu_irqs_has(), and never stored: `vcpu_irqs_flush(v) | derived`. Whoever
 *    changes the source only kicks.
 * 6. The structure moves to another CPU by something that orders what the two do to it, as a
 *    scheduler's lock does.
 *
 * C11; needs nothing but <stdatomic.h>, <stdbool.h> and <stdint.h>. With VCPU_IRQS_LINUX or
 * VCPU_IRQS_XEN defined, it uses that kernel's atomics, whose headers are included before.
 * hartvisor's docs/take-it-home.md says how its orders have been found and checked.
 */
#ifndef VCPU_IRQS_H
#define VCPU_IRQS_H

#if defined(VCPU_IRQS_LINUX)

/* <linux/atomic.h>. kvm_vcpu_kick() begins with the full barrier of rcuwait_wake_up(). */
typedef atomic_t vcpu_irqs_word;
#define VCPU_IRQS_LOAD(word) ((uint32_t)atomic_read(word))
#define VCPU_IRQS_STORE(word, value) atomic_set(word, (int)(value))
#define VCPU_IRQS_FETCH_OR_RELEASE(word, bits) \
	((uint32_t)atomic_fetch_or_release((int)(bits), word))
#define VCPU_IRQS_FETCH_ANDNOT(word, bits) \
	((uint32_t)atomic_fetch_andnot_relaxed((int)(bits), word))
#define VCPU_IRQS_FETCH_ANDNOT_ACQUIRE(word, bits) \
	((uint32_t)atomic_fetch_andnot_acquire((int)(bits), word))
#define VCPU_IRQS_KICK_MB() do { } while (0)

#elif defined(VCPU_IRQS_XEN)

/* <asm/atomic.h>, where what fetches is fully ordered. vcpu_kick() begins with a plain load. */
typedef atomic_t vcpu_irqs_word;
#define VCPU_IRQS_LOAD(word) ((uint32_t)atomic_read(word))
#define VCPU_IRQS_STORE(word, value) atomic_set(word, (int)(value))
#define VCPU_IRQS_FETCH_OR_RELEASE(word, bits) ((uint32_t)atomic_fetch_or((int)(bits), word))
#define VCPU_IRQS_FETCH_ANDNOT(word, bits) ((uint32_t)atomic_fetch_and((int)~(bits), word))
#define VCPU_IRQS_FETCH_ANDNOT_ACQUIRE(word, bits) VCPU_IRQS_FETCH_ANDNOT(word, bits)
#define VCPU_IRQS_KICK_MB() smp_mb()

#elif !defined(VCPU_IRQS_LOAD)

/* To map onto atomics of your own, define the type and the six macros before this file. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
typedef _Atomic uint32_t vcpu_irqs_word;
#define VCPU_IRQS_LOAD(word) atomic_load_explicit(word, memory_order_relaxed)
#define VCPU_IRQS_STORE(word, value) atomic_store_explicit(word, value, memory_order_relaxed)
#define VCPU_IRQS_FETCH_OR_RELEASE(word, bits) \
	atomic_fetch_or_explicit(word, bits, memory_order_release)
#define VCPU_IRQS_FETCH_ANDNOT(word, bits) \
	atomic_fetch_and_explicit(word, ~(bits), memory_order_relaxed)
#define VCPU_IRQS_FETCH_ANDNOT_ACQUIRE(word, bits) \
	atomic_fetch_and_explicit(word, ~(bits), memory_order_acquire)
#define VCPU_IRQS_KICK_MB() atomic_thread_fence(memory_order_seq_cst)

#endif

/*
 * How many numbers there are: 64 on RV64 and, with hviph, on RV32. With 32, where no vCPU has an
 * interrupt above 31, there is one word.
 */
#ifndef VCPU_IRQS_NR
#define VCPU_IRQS_NR 64
#endif

#define VCPU_IRQS_WORDS (VCPU_IRQS_NR / 32)

enum {
	VCPU_IRQS_INVALID = -1, /* The vCPU has no such interrupt; nothing was touched. */
	VCPU_IRQS_DONE = 0,
	VCPU_IRQS_KICK = 1, /* Done, and the vCPU has to look. */
};

struct vcpu_irqs {
	/* Shared: the interrupts that producers have announced. */
	vcpu_irqs_word pending[VCPU_IRQS_WORDS];
	/* The cached hvip, which only the CPU that has the vCPU reads and writes. */
	uint32_t hvip[VCPU_IRQS_WORDS];
	/* Constant: the interrupts that there are, and which of them are edges. */
	uint32_t allowed[VCPU_IRQS_WORDS];
	uint32_t edges[VCPU_IRQS_WORDS];
};

/* Sets of interrupts are 64 bits wide: hvip on RV64, hviph and hvip on RV32. */
static inline uint32_t vcpu_irqs_part(uint64_t set, unsigned int word)
{
	return (uint32_t)(set >> (32 * word));
}

/*
 * Makes a fresh vCPU's interrupts, before anybody else knows of it. Only those of `allowed` are
 * accepted, for instance VSSIP, VSTIP and VSEIP: 0x444. `edges` are those whose pending bit the
 * guest may write: VSSIP, 0x4.
 */
static inline void vcpu_irqs_init(struct vcpu_irqs *v, uint64_t allowed, uint64_t edges)
{
	for (unsigned int i = 0; i < VCPU_IRQS_WORDS; i++) {
		VCPU_IRQS_STORE(&v->pending[i], 0);
		v->hvip[i] = 0;
		v->allowed[i] = vcpu_irqs_part(allowed, i);
		v->edges[i] = vcpu_irqs_part(edges & allowed, i);
	}
}

/* Whether the vCPU has an interrupt of this number. */
static inline bool vcpu_irqs_is_valid(const struct vcpu_irqs *v, unsigned int irq)
{
	return irq < VCPU_IRQS_NR && (v->allowed[irq / 32] >> (irq % 32) & 1);
}

/* Makes `irq` pending. What the caller wrote before is there when the guest's handler runs. */
static inline int vcpu_irqs_set(struct vcpu_irqs *v, unsigned int irq)
{
	uint32_t bit = 1u << (irq % 32);

	if (!vcpu_irqs_is_valid(v, irq))
		return VCPU_IRQS_INVALID;
	/*
	 * The release pairs with the take in vcpu_irqs_flush_word(). If the bit was there, whoever
	 * raised it kicks, and no flush has taken it since.
	 */
	if (VCPU_IRQS_FETCH_OR_RELEASE(&v->pending[irq / 32], bit) & bit)
		return VCPU_IRQS_DONE;
	/* Pairs with the barriers of rules 2 and 3. */
	VCPU_IRQS_KICK_MB();
	return VCPU_IRQS_KICK;
}

/*
 * Withdraws `irq`. A level falls, which a running guest has to see. Of an edge this withdraws what
 * no flush has taken; a set and an unset without a flush in between leave no trace.
 */
static inline int vcpu_irqs_unset(struct vcpu_irqs *v, unsigned int irq)
{
	uint32_t bit = 1u << (irq % 32);

	if (!vcpu_irqs_is_valid(v, irq))
		return VCPU_IRQS_INVALID;
	/* Announces nothing, so nothing is ordered before it. */
	if (!(VCPU_IRQS_FETCH_ANDNOT(&v->pending[irq / 32], bit) & bit))
		return VCPU_IRQS_DONE;
	/* Pairs with the barriers of rules 2 and 3. */
	VCPU_IRQS_KICK_MB();
	return VCPU_IRQS_KICK;
}

/* Takes over what the guest did to its own bits. `hvip` is the CSR after the exit. */
static inline void vcpu_irqs_sync(struct vcpu_irqs *v, uint64_t hvip)
{
	for (unsigned int i = 0; i < VCPU_IRQS_WORDS; i++) {
		uint32_t edges = v->edges[i];

		v->hvip[i] = (v->hvip[i] & ~edges) | (vcpu_irqs_part(hvip, i) & edges);
	}
}

static inline uint32_t vcpu_irqs_flush_word(struct vcpu_irqs *v, unsigned int i)
{
	uint32_t edges = v->edges[i];
	/* What changes behind this load is kicked for, which the barrier of rule 2 sees to. */
	uint32_t word = VCPU_IRQS_LOAD(&v->pending[i]);

	/*
	 * The take. Its own value counts: another edge may have risen since the load, and is taken
	 * as well. Pairs with vcpu_irqs_set().
	 */
	if (word & edges)
		word = VCPU_IRQS_FETCH_ANDNOT_ACQUIRE(&v->pending[i], edges);
	v->hvip[i] = (v->hvip[i] & edges) | word;
	return v->hvip[i];
}

/* Returns the value for HVIP, without derived levels. */
static inline uint64_t vcpu_irqs_flush(struct vcpu_irqs *v)
{
	uint64_t hvip = 0;

	for (unsigned int i = 0; i < VCPU_IRQS_WORDS; i++)
		hvip |= (uint64_t)vcpu_irqs_flush_word(v, i) << (32 * i);
	return hvip;
}

static inline uint32_t vcpu_irqs_pending_word(const struct vcpu_irqs *v, unsigned int i)
{
	/* Of a vCPU that is about to sleep, the barrier of rule 3 is before this load. */
	return VCPU_IRQS_LOAD(&v->pending[i]) | (v->hvip[i] & v->edges[i]);
}

/*
 * Whether an interrupt among the enabled ones is pending, derived levels aside, whatever the
 * guest's global enable says. `enabled` has the positions of hie: vcpu_irqs_from_vs(vsie).
 */
static inline bool vcpu_irqs_has(const struct vcpu_irqs *v, uint64_t enabled)
{
	for (unsigned int i = 0; i < VCPU_IRQS_WORDS; i++)
		if (vcpu_irqs_pending_word(v, i) & vcpu_irqs_part(enabled, i))
			return true;
	return false;
}

/* All that is pending, derived levels aside, for whoever saves or shows it. Changes nothing. */
static inline uint64_t vcpu_irqs_pending(const struct vcpu_irqs *v)
{
	uint64_t pending = 0;

	for (unsigned int i = 0; i < VCPU_IRQS_WORDS; i++)
		pending |= (uint64_t)vcpu_irqs_pending_word(v, i) << (32 * i);
	return pending;
}

/*
 * Clears an edge as the guest's own write to sip would: the legacy SBI call CLEAR_IPI. An
 * interrupt that is set later stays.
 */
static inline int vcpu_irqs_clear_own(struct vcpu_irqs *v, unsigned int irq)
{
	uint32_t bit = 1u << (irq % 32);

	if (!vcpu_irqs_is_valid(v, irq) || !(v->edges[irq / 32] & bit))
		return VCPU_IRQS_INVALID;
	(void)VCPU_IRQS_FETCH_ANDNOT(&v->pending[irq / 32], bit);
	v->hvip[irq / 32] &= ~bit;
	return VCPU_IRQS_DONE;
}

/*
 * Forgets all that is pending: reset of the vCPU. What is set at the same time may be forgotten,
 * too. vcpu_irqs_set() of each saved interrupt restores a state after this.
 */
static inline void vcpu_irqs_reset(struct vcpu_irqs *v)
{
	for (unsigned int i = 0; i < VCPU_IRQS_WORDS; i++) {
		VCPU_IRQS_STORE(&v->pending[i], 0);
		v->hvip[i] = 0;
	}
}

/* vsip and vsie hold VSSI, VSTI and VSEI a position lower than hvip and hie; 13 up do not move. */
#define VCPU_IRQS_RENUMBERED ((uint64_t)0x444)
#define VCPU_IRQS_SAME_POSITION (~(uint64_t)0x1fff)

/* Turns vsie or vsip into positions of hie and hvip. */
static inline uint64_t vcpu_irqs_from_vs(uint64_t vs)
{
	return ((vs << 1) & VCPU_IRQS_RENUMBERED) | (vs & VCPU_IRQS_SAME_POSITION);
}

/* Turns hvip or hie into positions of vsip and vsie. */
static inline uint64_t vcpu_irqs_to_vs(uint64_t h)
{
	return ((h & VCPU_IRQS_RENUMBERED) >> 1) | (h & VCPU_IRQS_SAME_POSITION);
}

#endif /* VCPU_IRQS_H */
