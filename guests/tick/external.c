/*
 * External interrupts: the UART's, to one hart at a time, through the PLIC or, as messages, through the APLIC.
 * Every interrupt that the UART owes is waited for.
 */
#include "sbi.h"
#include "aia.h"

static struct hart *volatile owner;
static u64 next_line; /* guest time of the next progress line; only the owner of the UART looks */
static char line[96];

void external_init(void)
{
	if (machine.imsic)
		aplic_init();
	else
		plic_init();
}

/* The UART's interrupt goes to the hart, or does not any more. */
void external_route(struct hart *h, int on)
{
	owner = on ? h : 0;
	if (machine.imsic)
		aplic_route(h, on);
	else
		plic_route(h, on);
}

void external_interrupt(struct hart *h)
{
	if (machine.imsic)
		msi_interrupt(h);
	else
		plic_interrupt(h);
}

/* The UART interrupts. */
void external_serve(struct hart *h)
{
	if (owner != h)
		fail("hart %lu: got the UART's interrupt, which is not routed to it", h->index);
	if (machine.imsic)
		aplic_uart_interrupt();
	else
		uart_interrupt();
	h->external++;
}

static void start(const char *text, word length)
{
	irq_off();
	uart_start(text, length);
	irq_on();
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
	start(line, length);
	for (word i = 0; i <= length; i++)
		await(h, "a transmitter interrupt, characters left", length - i, &h->external, before + i);
}

/* With interrupts off: until the UART's interrupt is pending, among others or alone. */
static void await_uart(struct hart *h)
{
	await_pending(h, EXTERNAL);
	while (machine.imsic && !imsic_pending(aplic_uart_identity()))
		check_watchdog(h);
}

/* All three kinds pending at once: they have to come in the order external, software, timer. */
static void all_at_once(struct hart *h)
{
	irq_off();
	timer_arm(h, now());
	uart_start(0, 0);
	await_uart(h);
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
	start(0, 0);
	await(h, "the transmitter's interrupt", 0, &h->external, before);
}
