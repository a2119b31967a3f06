/* The macros of c/vcpu_irqs.h, defined from outside, with orders that can be weakened one by one. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef SET_ORDER
#define SET_ORDER memory_order_release
#endif
#ifndef TAKE_ORDER
#define TAKE_ORDER memory_order_acquire
#endif
#ifndef KICK_BARRIER
#define KICK_BARRIER atomic_thread_fence(memory_order_seq_cst)
#endif

typedef _Atomic uint32_t vcpu_irqs_word;
#define VCPU_IRQS_LOAD(word) atomic_load_explicit(word, memory_order_relaxed)
#define VCPU_IRQS_STORE(word, value) atomic_store_explicit(word, value, memory_order_relaxed)
#define VCPU_IRQS_FETCH_OR_RELEASE(word, bits) atomic_fetch_or_explicit(word, bits, SET_ORDER)
#define VCPU_IRQS_FETCH_ANDNOT(word, bits) \
	atomic_fetch_and_explicit(word, ~(bits), memory_order_relaxed)
#ifdef TAKE_AS_LOADED
/* Takes what the load before has seen, and not what is there. */
#define VCPU_IRQS_FETCH_ANDNOT_ACQUIRE(word, bits) \
	((void)atomic_fetch_and_explicit(word, ~(bits), TAKE_ORDER), VCPU_IRQS_LOAD(word) | (bits))
#elif defined(TAKE_IN_TWO)
/* Neither is this one access, and others come in between. */
#include <sched.h>
static inline uint32_t take_in_two(vcpu_irqs_word *word, uint32_t bits)
{
	uint32_t old = VCPU_IRQS_LOAD(word);

	sched_yield();
	VCPU_IRQS_STORE(word, old & ~bits);
	return old;
}
#define VCPU_IRQS_FETCH_ANDNOT_ACQUIRE(word, bits) take_in_two(word, bits)
#else
#define VCPU_IRQS_FETCH_ANDNOT_ACQUIRE(word, bits) \
	atomic_fetch_and_explicit(word, ~(bits), TAKE_ORDER)
#endif
#define VCPU_IRQS_KICK_MB() KICK_BARRIER
