/*
 * External interrupts: the UART's, through the PLIC, to one hart at a time.
 * Register map: RISC-V Platform-Level Interrupt Controller specification 1.0, chapter 3.
 *
 * The source is enabled for one hart only, so whoever gets an external interrupt must be able to claim it: a claim
 * that reads 0 is an interrupt that came from nowhere. Every interrupt that the UART owes is waited for.
 */
#include "sbi.h"

static struct hart *volatile owner;
static u64 next_line; /* guest time of the next progress line; only the owner of the UART looks */
static char line[96];

static void write(word offset, word value)
{
	*(volatile u32 *)(machine.plic + offset) = (u32)value;
	__asm__ volatile("fence iorw, iorw" : : : "memory");
}

static word claim_register(struct hart *h) { return 0x200004 + 0x1000 * h->plic_context; }

void plic_init(void) { write(4 * machine.uart_irq, 1); }

/* Enables the UART's interrupt in the hart's S-mode context, or disables it. */
void plic_route(struct hart *h, int on)
{
	owner = on ? h : 0;
	write(0x200000 + 0x1000 * h->plic_context, 0);
	write(0x2000 + 0x80 * h->plic_context + machine.uart_irq / 32 * 4, on ? 1UL << (machine.uart_irq % 32) : 0);
}

void plic_interrupt(struct hart *h)
{
	word irq = *(volatile u32 *)(machine.plic + claim_register(h));
	if (!irq)
		fail("hart %lu: an external interrupt with nothing to claim", h->index);
	if (irq != machine.uart_irq)
		fail("hart %lu: claimed source %lu, which nobody enabled", h->index, irq);
	if (owner != h)
		fail("hart %lu: got the UART's interrupt, which is not routed to it", h->index);
	uart_interrupt();
	write(claim_register(h), irq);
	h->external++;
}

static void start(struct hart *h, const char *text, word length)
{
	irq_off();
	uart_start(text, length);
	irq_on();
	(void)h;
}

static void progress(struct hart *h)
{
	word received = 0, fired = 0;
	for (word i = 0; i < machine.harts; i++) {
		received += harts[i].received;
		fired += harts[i].fired;
	}
	next_line = now() + machine.timebase * 5ULL;
	word length = format(line, sizeof line, "tick: %llu s, %lu IPIs, %lu timers\r\n",
			    (now() - started_at) / machine.timebase, received, fired);
	word before = h->external;
	start(h, line, length);
	for (word i = 0; i <= length; i++)
		await(h, "a transmitter interrupt, characters left", length - i, &h->external, before + i);
}

/* All three kinds pending at once: they have to come in the order external, software, timer. */
static void all_at_once(struct hart *h)
{
	irq_off();
	timer_arm(h, now());
	uart_start(0, 0);
	await_pending(h, EXTERNAL);
	await_pending(h, TIMER);
	h->self_sets++;
	csr_set(sip, SOFT);
	exact_expect(h, irq_open_next);
	irq_open();
	word place[16] = { 0 };
	irq_off();
	for (word i = h->log_length; i > 0; i--)
		place[h->log[i - 1] & 15] = i;
	int ordered = place[CAUSE_EXTERNAL] == 1 && place[CAUSE_SOFT] == 2 && place[CAUSE_TIMER] == 3;
	if (!ordered && options.lenient & LENIENT_ORDER)
		h->tolerated++;
	else
		exact_check(h, ordered, "interrupts pending together come as external, software, timer");
	irq_on();
}

/* For the hart that the UART is routed to. */
void external_round(struct hart *h)
{
	word before = h->external;
	if (next_line == 0)
		next_line = started_at + machine.timebase * 5ULL;
	if (now() >= next_line)
		return progress(h);
	if (random(h, 2))
		return all_at_once(h);
	start(h, 0, 0);
	await(h, "the transmitter's interrupt", 0, &h->external, before);
}
