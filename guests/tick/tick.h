/*
 * tick: a small SMP kernel that counts every interrupt it asks for and every one it gets.
 * See README.md for the picture; the rules that make a count wrong stand beside the code that checks them.
 */
#ifndef TICK_H
#define TICK_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

#define MAX_HARTS 32
#define NEVER (~0UL)

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

#define csr_read(name) ({ u64 v_; __asm__ volatile("csrr %0, " #name : "=r"(v_) : : "memory"); v_; })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" : : "r"((u64)(value)) : "memory")
#define csr_set(name, bits) __asm__ volatile("csrs " #name ", %0" : : "r"((u64)(bits)) : "memory")
#define csr_clear(name, bits) __asm__ volatile("csrc " #name ", %0" : : "r"((u64)(bits)) : "memory")

static inline void irq_off(void) { __asm__ volatile("csrci sstatus, 2" : : : "memory"); }
static inline void irq_on(void) { __asm__ volatile("csrsi sstatus, 2" : : : "memory"); }
static inline u64 now(void) { return csr_read(time); }

/* Counts of one hart. Its own code and its own interrupt handler write it; others read it for the report. */
struct hart {
	u64 stack_top; /* first: start.S reads it */
	u64 index;     /* place in the device tree, 0 up */
	u64 hartid;
	u64 plic_context;
	u64 random;
	volatile u64 online;
	volatile u64 rounds;

	/* The event that the hart waits for, for the watchdog's account. */
	const char *volatile doing;
	volatile u64 doing_about;
	volatile u64 doing_since;

	/* Timers. At rest: armed = fired + rearmed + cancelled. */
	volatile u64 deadline; /* NEVER when nothing is armed */
	volatile u64 armed, fired, rearmed, cancelled, late_max;

	/* IPIs. */
	volatile u64 calls;     /* harts named in SBI send_ipi calls of this hart */
	volatile u64 sent;      /* messages this hart put in queues */
	volatile u64 received;  /* messages this hart took out */
	volatile u64 ssis;      /* software interrupts taken */
	volatile u64 empty;     /* of these, with nothing in any queue */
	volatile u64 self_sets; /* times this hart set sip.SSIP itself */
	volatile u64 asks;      /* requests received that wanted a reply */
	volatile u64 replies;   /* replies received */
	volatile u64 rest_ssis, rest_allowed, rest_asks; /* as they were when all was last at rest (ipi.c) */

	volatile u64 external;
	volatile u64 sleeps; /* WFI executed to wait */
	volatile u64 idle;   /* of these, WFI came back with nothing pending (legal, wasteful) */
	volatile u64 user;   /* interrupts taken out of U-mode */
	volatile u64 fences;
	volatile u64 checks; /* exactness checks passed */
	volatile u64 tolerated; /* deviations that `lenient` let pass */
	volatile u64 added;  /* this hart's share of the shared counters */

	/* Where the next interrupt has to be taken, and what came there (exact.c). */
	volatile u64 expect_pc, expect_hits;
	volatile u64 log[8], log_length;
} __attribute__((aligned(64)));

/* The machine as the device tree describes it (fdt.c). */
struct machine {
	u64 harts;
	u64 harts_ignored;
	u64 timebase; /* ticks per second */
	u64 sstc;
	u64 uart, uart_shift, uart_width;
	u64 uart_irq;
	u64 plic;
	const char *bootargs;
};

/* Mistakes known of QEMU 7.2 and OpenSBI 1.1 (README.md). */
#define LENIENT_ORDER 1UL
#define LENIENT_TIMER 2UL
#define LENIENT_START 4UL

/* Options from the boot arguments. */
struct options {
	u64 seconds, rounds, ipis; /* 0: no such target */
	u64 watchdog;              /* seconds without progress before the run fails */
	u64 seed;
	u64 sstc; /* 0: SBI TIME even where Sstc is there */
	u64 lenient; /* LENIENT_ bits: deviations that are counted instead of ending the run */
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

static inline u64 microseconds(u64 n) { return n * machine.timebase / 1000000; }

/* print.c */
u64 format(char *to, u64 size, const char *text, ...) __attribute__((format(printf, 3, 4)));
u64 vformat(char *to, u64 size, const char *text, __builtin_va_list args);
void print(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* uart.c */
void uart_init(void);
void uart_write(const char *text, u64 length);
void uart_quiet(void);
void uart_start(const char *text, u64 length);
void uart_interrupt(void);

/* plic.c */
void plic_init(void);
void plic_route(struct hart *h, int on);
void plic_interrupt(struct hart *h);
void external_round(struct hart *h);

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
void ipi_send(struct hart *h, struct hart *to, u64 kind, u64 value);
void ipi_await_replies(struct hart *h, u64 replies);
void ipi_check_lost(struct hart *h);
void ipi_rest(struct hart *h);
void ipi_at_rest(struct hart *h);
void ipi_self(struct hart *h);
void ipi_describe(void);

/* exact.c */
void exact_round(struct hart *h);
void exact_quiet(struct hart *h);
void exact_expect(struct hart *h, const void *pc);
void exact_seen(struct hart *h, u64 cause, u64 pc);
void exact_check(struct hart *h, int holds, const char *what);

/* fence.c */
void fence_init(void);
void fence_hart_init(void);
void fence_round(struct hart *h);
u64 fence_user_alias(void);
u64 fence_run_code(u64 owner);
u64 fence_read_page(u64 owner);

/* count.c */
void count_round(struct hart *h);
const char *count_verdict(void);

/* wait.c */
u64 random(struct hart *h, u64 below);
void doing(struct hart *h, const char *what, u64 about);
void check_watchdog(struct hart *h);
void sleep_while(struct hart *h, volatile u64 *counter, u64 value);
void await(struct hart *h, const char *what, u64 about, volatile u64 *counter, u64 value);
void await_pending(struct hart *h, u64 bit);
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
void sie_open(u64 bits);
extern char sie_open_next[];
void sret_open(void);
extern char sret_open_next[];
void wfi_open(volatile u64 *counter, u64 value);
extern char wfi_open_wfi[], wfi_open_done[];
void user_wait(u64 alias);
extern char user_loop[], user_done[];

#endif
