/*
 * The interrupt protocols of src/interrupts in C, and the time of one interrupt round:
 * set, flush, the guest takes and clears the interrupt, sync.
 *
 * The words, the order of accesses and the kick decision are those of the TypeScript. Atomics are sequentially
 * consistent, as JavaScript's are, so both sides promise the same. Under the spinlock, accesses are plain, as the
 * kernel's are; the TypeScript has atomic ones there, because it has no others for shared words. "header" is
 * take-mirror as c/vcpu_irqs.h has it, with the orders that it needs and no more.
 *
 * Usage: irq PROTOCOL ROUNDS
 * Prints the CPU nanoseconds of all rounds and a checksum that keeps the compiler from dropping them.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One word, as in the other protocols here. */
#define VCPU_IRQS_NR 32
#include "vcpu_irqs.h"

#define IRQ_VS_SOFT 2
#define IRQ_PMU_OVF 13
#define BIT(n) (UINT32_C(1) << (n))

struct vcpu {
    _Atomic uint32_t irqs_pending[2];
    _Atomic uint32_t irqs_pending_mask[2];
    _Atomic uint32_t irqs_pending_lock;
    /* The owner's state. */
    uint32_t hvip[2];
    uint32_t guest_writable[2];
    int word_count;
    struct vcpu_irqs irqs;
};

static bool take_mirror_set(struct vcpu *v, unsigned int irq)
{
    uint32_t bit = BIT(irq & 31);

    return !(atomic_fetch_or(&v->irqs_pending[irq >> 5], bit) & bit);
}

static void take_mirror_sync(struct vcpu *v, uint32_t lo, uint32_t hi)
{
    v->hvip[0] = (v->hvip[0] & ~v->guest_writable[0]) | (lo & v->guest_writable[0]);
    v->hvip[1] = (v->hvip[1] & ~v->guest_writable[1]) | (hi & v->guest_writable[1]);
}

static void take_mirror_flush(struct vcpu *v)
{
    for (int i = 0; i < v->word_count; i++) {
        uint32_t edges = v->guest_writable[i];
        uint32_t word = atomic_load(&v->irqs_pending[i]);

        if (word & edges)
            word = atomic_fetch_and(&v->irqs_pending[i], ~edges);
        v->hvip[i] = (v->hvip[i] & edges) | word;
    }
}

static bool header_set(struct vcpu *v, unsigned int irq)
{
    return vcpu_irqs_set(&v->irqs, irq) == VCPU_IRQS_KICK;
}

static void header_sync(struct vcpu *v, uint32_t lo, uint32_t hi)
{
    vcpu_irqs_sync(&v->irqs, (uint64_t)hi << 32 | lo);
}

static void header_flush(struct vcpu *v)
{
    v->hvip[0] = (uint32_t)vcpu_irqs_flush(&v->irqs);
}

static bool published_set(struct vcpu *v, unsigned int irq)
{
    uint32_t bit = BIT(irq & 31);

    atomic_fetch_or(&v->irqs_pending[irq >> 5], bit);
    atomic_fetch_or(&v->irqs_pending_mask[irq >> 5], bit);
    return true;
}

static void published_sync(struct vcpu *v, uint32_t lo, uint32_t hi)
{
    uint32_t changed = v->hvip[0] ^ lo;

    (void)hi;
    if (changed & BIT(IRQ_VS_SOFT)) {
        if (!(atomic_fetch_or(&v->irqs_pending_mask[0], BIT(IRQ_VS_SOFT)) & BIT(IRQ_VS_SOFT))) {
            if (lo & BIT(IRQ_VS_SOFT))
                atomic_fetch_or(&v->irqs_pending[0], BIT(IRQ_VS_SOFT));
            else
                atomic_fetch_and(&v->irqs_pending[0], ~BIT(IRQ_VS_SOFT));
        }
    }
    if ((changed & BIT(IRQ_PMU_OVF)) && !(lo & BIT(IRQ_PMU_OVF))) {
        if (!(atomic_fetch_or(&v->irqs_pending_mask[0], BIT(IRQ_PMU_OVF)) & BIT(IRQ_PMU_OVF)))
            atomic_fetch_and(&v->irqs_pending[0], ~BIT(IRQ_PMU_OVF));
    }
}

static void published_flush(struct vcpu *v)
{
    for (int i = 0; i < v->word_count; i++) {
        if (atomic_load(&v->irqs_pending_mask[i])) {
            uint32_t mask = atomic_exchange(&v->irqs_pending_mask[i], 0);
            uint32_t val = atomic_load(&v->irqs_pending[i]) & mask;

            v->hvip[i] = (v->hvip[i] & ~mask) | val;
        }
    }
}

static bool xen_set(struct vcpu *v, unsigned int irq)
{
    uint32_t bit = BIT(irq & 31);
    bool kick = !(atomic_fetch_or(&v->irqs_pending[irq >> 5], bit) & bit);

    kick |= !(atomic_fetch_or(&v->irqs_pending_mask[irq >> 5], bit) & bit);
    return kick;
}

static void xen_sync(struct vcpu *v, uint32_t lo, uint32_t hi)
{
    (void)hi;
    if (((v->hvip[0] ^ lo) & BIT(IRQ_VS_SOFT)) &&
        !(atomic_fetch_or(&v->irqs_pending_mask[0], BIT(IRQ_VS_SOFT)) & BIT(IRQ_VS_SOFT))) {
        if (lo & BIT(IRQ_VS_SOFT))
            atomic_fetch_or(&v->irqs_pending[0], BIT(IRQ_VS_SOFT));
        else
            atomic_fetch_and(&v->irqs_pending[0], ~BIT(IRQ_VS_SOFT));
    }
}

#define xen_flush published_flush

/* Plain accesses to a word that the lock protects. */
#define PLAIN(word) (*(uint32_t *)&(word))

static void lock(struct vcpu *v)
{
    uint32_t free = 0;

    while (!atomic_compare_exchange_weak_explicit(&v->irqs_pending_lock, &free, 1, memory_order_acquire,
                                                  memory_order_relaxed))
        free = 0;
}

static void unlock(struct vcpu *v)
{
    atomic_store_explicit(&v->irqs_pending_lock, 0, memory_order_release);
}

static bool kvm_spinlock_set(struct vcpu *v, unsigned int irq)
{
    uint32_t bit = BIT(irq & 31);

    lock(v);
    PLAIN(v->irqs_pending[irq >> 5]) |= bit;
    PLAIN(v->irqs_pending_mask[irq >> 5]) |= bit;
    unlock(v);
    return true;
}

static bool test_and_set_mask(struct vcpu *v, uint32_t bit)
{
    bool was = PLAIN(v->irqs_pending_mask[0]) & bit;

    PLAIN(v->irqs_pending_mask[0]) |= bit;
    return was;
}

static void kvm_spinlock_sync(struct vcpu *v, uint32_t lo, uint32_t hi)
{
    uint32_t changed = v->hvip[0] ^ lo;

    (void)hi;
    lock(v);
    if ((changed & BIT(IRQ_VS_SOFT)) && !test_and_set_mask(v, BIT(IRQ_VS_SOFT))) {
        if (lo & BIT(IRQ_VS_SOFT))
            PLAIN(v->irqs_pending[0]) |= BIT(IRQ_VS_SOFT);
        else
            PLAIN(v->irqs_pending[0]) &= ~BIT(IRQ_VS_SOFT);
    }
    if ((changed & BIT(IRQ_PMU_OVF)) && !(lo & BIT(IRQ_PMU_OVF)) && !test_and_set_mask(v, BIT(IRQ_PMU_OVF)))
        PLAIN(v->irqs_pending[0]) &= ~BIT(IRQ_PMU_OVF);
    unlock(v);
}

static void kvm_spinlock_flush(struct vcpu *v)
{
    lock(v);
    for (int i = 0; i < v->word_count; i++) {
        uint32_t mask = PLAIN(v->irqs_pending_mask[i]);

        if (mask) {
            PLAIN(v->irqs_pending_mask[i]) = 0;
            v->hvip[i] = (v->hvip[i] & ~mask) | (PLAIN(v->irqs_pending[i]) & mask);
        }
    }
    unlock(v);
}

#define minimal_patch_set published_set
#define minimal_patch_flush published_flush
#define minimal_patch_sync take_mirror_sync

#define xen_minimal_patch_set xen_set
#define xen_minimal_patch_flush published_flush
#define xen_minimal_patch_sync take_mirror_sync

static bool xchg_set(struct vcpu *v, unsigned int irq)
{
    atomic_fetch_or(&v->irqs_pending[irq >> 5], BIT(irq & 31));
    return true;
}

static void xchg_flush(struct vcpu *v)
{
    for (int i = 0; i < v->word_count; i++)
        v->hvip[i] |= atomic_exchange(&v->irqs_pending[i], 0);
}

#define xchg_sync take_mirror_sync

#define direct_set xchg_set

static void direct_flush(struct vcpu *v)
{
    for (int i = 0; i < v->word_count; i++)
        v->hvip[i] = atomic_load(&v->irqs_pending[i]);
}

static void direct_sync(struct vcpu *v, uint32_t lo, uint32_t hi)
{
    take_mirror_sync(v, lo, hi);
    for (int i = 0; i < v->word_count; i++)
        atomic_store(&v->irqs_pending[i], v->hvip[i]);
}

/* The same loop for each protocol, with its functions inlined as they are where one protocol is compiled in. */
#define ROUNDS(protocol)                                              \
    static uint32_t protocol##_rounds(struct vcpu *v, long rounds)    \
    {                                                                 \
        uint32_t sum = 0;                                             \
                                                                      \
        for (long i = 0; i < rounds; i++) {                           \
            sum += protocol##_set(v, IRQ_VS_SOFT);                    \
            protocol##_flush(v);                                      \
            sum += v->hvip[0];                                        \
            protocol##_sync(v, v->hvip[0] & ~BIT(IRQ_VS_SOFT), v->hvip[1]); \
        }                                                             \
        return sum;                                                   \
    }

ROUNDS(take_mirror)
ROUNDS(header)
ROUNDS(published)
ROUNDS(xen)
ROUNDS(kvm_spinlock)
ROUNDS(minimal_patch)
ROUNDS(xen_minimal_patch)
ROUNDS(xchg)
ROUNDS(direct)

static const struct {
    const char *name;
    uint32_t (*run)(struct vcpu *, long);
} protocols[] = {
    { "take-mirror", take_mirror_rounds },
    { "header", header_rounds },
    { "published", published_rounds },
    { "xen", xen_rounds },
    { "kvm-spinlock", kvm_spinlock_rounds },
    { "minimal-patch", minimal_patch_rounds },
    { "xen-minimal-patch", xen_minimal_patch_rounds },
    { "xchg", xchg_rounds },
    { "direct", direct_rounds },
};

int main(int argc, char **argv)
{
    static _Alignas(64) struct vcpu v = { .guest_writable = { BIT(IRQ_VS_SOFT), 0 }, .word_count = 1 };
    struct timespec start, end;
    long rounds = argc == 3 ? atol(argv[2]) : 0;
    uint32_t (*run)(struct vcpu *, long) = NULL;
    uint32_t sum;

    for (size_t i = 0; argc == 3 && i < sizeof(protocols) / sizeof(protocols[0]); i++)
        if (!strcmp(argv[1], protocols[i].name))
            run = protocols[i].run;
    if (!run || rounds <= 0) {
        fprintf(stderr, "usage: irq PROTOCOL ROUNDS\n");
        return 2;
    }

    vcpu_irqs_init(&v.irqs, BIT(IRQ_VS_SOFT), BIT(IRQ_VS_SOFT));
    run(&v, rounds / 10 + 1);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    sum = run(&v, rounds);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%.0f %u\n", (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec), sum);
    return 0;
}
