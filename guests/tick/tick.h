/*
 * tick: a small SMP kernel that counts every interrupt it asks for and every one it gets.
 * See README.md for the picture; the rules that make a count wrong stand beside the code that checks them.
 */
#ifndef TICK_H
#define TICK_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long word; /* a register */

#define MAX_HARTS 32
#define NEVER (~0ULL)
#define NONE (~0UL)

/* Bits of sip and sie; the bit number is also the interrupt's cause. */
#define CAUSE_SOFT 1
#define CAUSE_TIMER 5
#define CAUSE_EXTERNAL 9
#define SOFT (1UL << CAUSE_SOFT)
#define TIMER (1UL << CAUSE_TIMER)
#define EXTERNAL (1UL << CAUSE_EXTERNAL)

#define SSTATUS_SIE (1UL << 1)
#define SSTATUS_SPIE (1UL << 5)
#define SSTATUS_SPP (1UL << 8)

#define csr_read(name) ({ word v_; __asm__ volatile("csrr %0, " #name : "=r"(v_) : : "memory"); v_; })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" : : "r"((word)(value)) : "memory")
#define csr_set(name, bits) __asm__ volatile("csrs " #name ", %0" : : "r"((word)(bits)) : "memory")
#define csr_clear(name, bits) __asm__ volatile("csrc " #name ", %0" : : "r"((word)(bits)) : "memory")

static inline void irq_off(void) { __asm__ volatile("csrci sstatus, 2" : : : "memory"); }
static inline void irq_on(void) { __asm__ volatile("csrsi sstatus, 2" : : : "memory"); }

/* The time; on RV32 from two registers, of which one may just have overflowed. */
static inline u64 now(void)
{
#if __riscv_xlen == 64
	return csr_read(time);
#else
	word high, low;
	do {
		high = csr_read(timeh);
		low = csr_read(time);
	} while (csr_read(timeh) != high);
	return (u64)high << 32 | low;
#endif
}

/* Loads, stores and access of registers of the hart's width in assembly. */
#if __riscv_xlen == 64
#define WORD_SUFFIX ".d"
#else
#define WORD_SUFFIX ".w"
#endif

/* Counts of one hart. Its own code and its own interrupt handler write it; others read it for the report. */
struct hart {
	word stack_top; /* first: start.S reads it */
	word index;     /* place in the device tree, 0 up */
	word hartid;
	word plic_context;
	word imsic_index; /* the hart's place among the IMSICs; sources of the APLIC name harts by it, too */
	u64 random;
	volatile word online;
	volatile word rounds;

	/* The event that the hart waits for, for the watchdog's account. */
	const char *volatile doing;
	volatile word doing_about;
	volatile u64 doing_since;

	/* Timers. At rest: armed = fired + rearmed + cancelled. */
	volatile u64 deadline; /* NEVER when nothing is armed */
	volatile word armed, fired, rearmed, cancelled;
	volatile u64 late_max;

	/* IPIs. */
	volatile word calls;     /* harts named in SBI send_ipi calls of this hart */
	volatile word sent;      /* messages this hart put in queues */
	volatile word received;  /* messages this hart took out */
	volatile word ssis;      /* software interrupts taken */
	volatile word empty;     /* of these, with nothing in any queue */
	volatile word self_sets; /* times this hart set sip.SSIP itself */
	volatile word asks;      /* requests received that wanted a reply */
	volatile word replies;   /* replies received */
	volatile word rest_ssis, rest_allowed, rest_asks; /* as they were when all was last at rest (ipi.c) */

	/* Messages (MSIs). */
	volatile word msi_traps;   /* external interrupts taken */
	volatile word claims;      /* identities claimed by them */
	volatile word coalesced;   /* of these, with nothing new to hear of */
	volatile word wired;       /* messages caused by way of a source */
	volatile word msi_asks;    /* questions received */
	volatile word msi_replies; /* answers received */
	volatile word rest_msi_asks;
	volatile word mask_rounds;
	volatile word masked;    /* identity that is disabled now, or 0 */
	volatile word threshold; /* identities from this one on are not taken now; 0: all are */
	volatile word raised;    /* local interrupt that the hart has raised by itself, or 0 */
	volatile word locals;    /* of these, taken */

	volatile word external; /* the UART's interrupts */
	volatile word sleeps; /* WFI executed to wait */
	volatile word idle;   /* of these, WFI came back with nothing pending (legal, wasteful) */
	volatile word user;   /* interrupts taken out of U-mode */
	volatile word fences;
	volatile word checks; /* exactness checks passed */
	volatile word tolerated; /* deviations that `lenient` let pass */
	volatile word added;  /* this hart's share of the shared counters */

	/* Where the next interrupt has to be taken, and what came there (exact.c). */
	volatile word expect_pc, expect_hits;
	volatile word log[8], log_length;
} __attribute__((aligned(64)));

/* The machine as the device tree describes it (fdt.c). */
struct machine {
	word harts;
	word harts_ignored;
	word timebase; /* ticks per second */
	word sstc;
	word uart, uart_shift, uart_width;
	word uart_irq;
	word plic;  /* 0 where there are interrupt files */
	word imsic; /* the first hart's interrupt file, or 0 */
	word imsic_stride, identities;
	volatile word big_endian; /* 1: interrupt files take messages in that byte order, too */
	word aplic, sources;
	const char *bootargs;
};

/* Mistakes known of QEMU 7.2 and OpenSBI 1.1 (README.md). */
#define LENIENT_ORDER 1UL
#define LENIENT_TIMER 2UL
#define LENIENT_START 4UL
#define LENIENT_LEVEL 8UL

/* Options from the boot arguments. */
struct options {
	word seconds, rounds, ipis; /* 0: no such target */
	word watchdog;              /* seconds without progress before the run fails */
	word seed;
	word sstc; /* 0: SBI TIME even where Sstc is there */
	word lenient; /* LENIENT_ bits: deviations that are counted instead of ending the run */
};

extern struct hart harts[MAX_HARTS];
extern struct machine machine;
extern struct options options;
extern struct hart *leader;
extern struct hart *hart_of[64]; /* by hart id */
extern u64 started_at;

static inline struct hart *self(void)
{
	struct hart *h;
	__asm__ volatile("mv %0, tp" : "=r"(h));
	return h;
}

static inline u64 microseconds(word n) { return (u64)n * machine.timebase / 1000000; }

/* print.c */
word format(char *to, word size, const char *text, ...) __attribute__((format(printf, 3, 4)));
word vformat(char *to, word size, const char *text, __builtin_va_list args);
void print(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* uart.c */
void uart_init(void);
void uart_write(const char *text, word length);
void uart_quiet(void);
void uart_start(const char *text, word length);
void uart_interrupt(void);

/* external.c */
void external_init(void);
void external_route(struct hart *h, int on);
void external_interrupt(struct hart *h);
void external_serve(struct hart *h);
void external_round(struct hart *h);

/* plic.c */
void plic_init(void);
void plic_route(struct hart *h, int on);
void plic_interrupt(struct hart *h);

/* imsic.c, aplic.c, msi.c, masks.c: where there are interrupt files */
void imsic_hart_init(void);
void aplic_init(void);
void aplic_route(struct hart *h, int on);
void msi_interrupt(struct hart *h);
void msi_round(struct hart *h);
void msi_duet(struct hart *h, struct hart *partner, int asks);
void msi_check_lost(struct hart *h);
void msi_rest(struct hart *h);
void msi_at_rest(struct hart *h);
word msi_messages(void);
void msi_describe(void);
void masks_round(struct hart *h);
void local_hart_init(void);
int local_interrupt(struct hart *h, word number);

/* timer.c */
void timer_arm(struct hart *h, u64 deadline);
void timer_cancel(struct hart *h);
void timer_interrupt(struct hart *h);
void timer_round(struct hart *h);
void nap(struct hart *h, u64 ticks);

/* ipi.c */
enum { KIND_PLAIN, KIND_ASK, KIND_CODE, KIND_PAGE, KIND_REPLY };
void ipi_interrupt(struct hart *h);
void ipi_round(struct hart *h);
void ipi_duet(struct hart *h, struct hart *partner, int asks);
void duet_listen(struct hart *h, volatile word *asks, word until);
void ipi_send(struct hart *h, struct hart *to, word kind, u64 value);
void ipi_await_replies(struct hart *h, word replies);
void ipi_check_lost(struct hart *h);
void ipi_rest(struct hart *h);
void ipi_at_rest(struct hart *h);
void ipi_self(struct hart *h);
void ipi_describe(void);

/* exact.c */
void exact_round(struct hart *h);
void exact_quiet(struct hart *h);
void exact_expect(struct hart *h, const void *pc);
void exact_seen(struct hart *h, word cause, word pc);
void exact_check(struct hart *h, int holds, const char *what);

/* fence.c */
void fence_init(void);
void fence_hart_init(void);
void fence_round(struct hart *h);
word fence_user_alias(void);
const char *fence_paging(void);
word fence_run_code(word owner);
word fence_read_page(word owner);

/* count.c */
void count_round(struct hart *h);
const char *count_verdict(void);

/* wait.c */
word random(struct hart *h, word below);
void doing(struct hart *h, const char *what, word about);
void check_watchdog(struct hart *h);
void sleep_while(struct hart *h, volatile word *counter, word value);
void await(struct hart *h, const char *what, word about, volatile word *counter, word value);
void await_pending(struct hart *h, word bit);
void barrier(struct hart *h);

/* report.c */
void park_if_failed(void);
void fail(const char *reason, ...) __attribute__((noreturn, format(printf, 1, 2)));
void finish(void) __attribute__((noreturn));

/* fdt.c */
const char *fdt_parse(const void *tree);

/* trap.S */
void trap_entry(void);
void secondary_entry(void);
void irq_open(void);
extern char irq_open_next[];
void self_set(void);
extern char self_set_next[];
void sie_open(word bits);
extern char sie_open_next[];
void sret_open(void);
extern char sret_open_next[];
void wfi_open(volatile word *counter, word value);
extern char wfi_open_wfi[], wfi_open_done[];
void user_wait(word alias);
extern char user_loop[], user_done[];

#endif
