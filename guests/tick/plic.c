/*
 * The PLIC. Register map: RISC-V Platform-Level Interrupt Controller specification 1.0, chapter 3.
 *
 * The source is enabled for one hart only, so whoever gets an external interrupt must be able to claim it: a claim
 * that reads 0 is an interrupt that came from nowhere.
 */
#include "tick.h"

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
	external_serve(h);
	write(claim_register(h), irq);
}
