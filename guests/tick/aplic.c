/*
 * The APLIC, which turns wires into messages. Each hart has sources of its own, whose wires nobody drives: they are
 * raised by a register. The UART's source has a wire that goes up and down.
 * RISC-V Advanced Interrupt Architecture 1.0, chapter "Advanced Platform-Level Interrupt Controller".
 */
#include "aia.h"

enum {
	DOMAINCFG = 0,
	SETIP = 0x1c00,
	SETIPNUM = 0x1cdc,
	CLRIPNUM = 0x1ddc,
	SETIE = 0x1e00,
	SETIENUM = 0x1edc,
	CLRIENUM = 0x1fdc,
	SETIPNUM_LE = 0x2000,
	SETIPNUM_BE = 0x2004,
	GENMSI = 0x3000,
	TARGET = 0x3000
};

#define IE (1UL << 8)
#define BUSY (1UL << 12)
enum { INACTIVE = 0, DETACHED = 1, EDGE_UP = 4, EDGE_DOWN = 5, LEVEL_HIGH = 6, LEVEL_LOW = 7 };

/* Identities that only the UART's interrupt has: the smallest and the largest, and both sides of a word's end. */
static const u8 uart_identities[] = { 1, 63, 64, MAX_IDENTITY };

static word uart_mode, uart_identity;
static volatile int generating;

static u32 read(word offset) { return *(volatile u32 *)(machine.aplic + offset); }

static void write(word offset, word value)
{
	*(volatile u32 *)(machine.aplic + offset) = (u32)value;
	__asm__ volatile("fence iorw, iorw" : : : "memory");
}

static word swapped(word value)
{
	return (value & 0xff) << 24 | (value & 0xff00) << 8 | (value >> 8 & 0xff00) | (value >> 24 & 0xff);
}

static word target_of(struct hart *to, word identity) { return to->imsic_index << 18 | identity; }

void aplic_init(void)
{
	write(DOMAINCFG, IE);
	if (!(read(DOMAINCFG) & IE))
		fail("the APLIC's domaincfg.IE is 0 after it was set");
	for (word source = 1; source <= machine.sources; source++)
		aplic_close(source);
}

/* The UART's interrupt goes to the hart, or to nobody; its line is low. */
void aplic_route(struct hart *h, int on)
{
	if (!on)
		return aplic_close(machine.uart_irq);
	uart_mode = random(h, 2) || options.lenient & LENIENT_LEVEL ? EDGE_UP : LEVEL_HIGH;
	uart_identity = uart_identities[random(h, sizeof uart_identities)];
	write(DOMAINCFG + 4 * machine.uart_irq, uart_mode);
	write(TARGET + 4 * machine.uart_irq, target_of(h, uart_identity));
	write(CLRIPNUM, machine.uart_irq);
	write(SETIENUM, machine.uart_irq);
}

word aplic_uart_identity(void) { return uart_identity; }

int aplic_is_uart_identity(word identity)
{
	for (word i = 0; i < sizeof uart_identities; i++)
		if (uart_identities[i] == identity)
			return 1;
	return 0;
}

/* A level was told once, when it rose: where it is still high, or high again, it is told once more. */
void aplic_uart_interrupt(void)
{
	uart_interrupt();
	if (uart_mode == LEVEL_HIGH)
		write(SETIPNUM, machine.uart_irq);
}

/* A message without a source. The register is one for all harts. */
void aplic_message(struct hart *to, word identity)
{
	word on = csr_read(sstatus) & SSTATUS_SIE;
	irq_off();
	while (__atomic_exchange_n(&generating, 1, __ATOMIC_ACQUIRE))
		;
	write(GENMSI, target_of(to, identity));
	while (read(GENMSI) & BUSY)
		;
	__atomic_store_n(&generating, 0, __ATOMIC_RELEASE);
	csr_set(sstatus, on);
}

/* One of the hart's own sources. */
word aplic_source(struct hart *h)
{
	word count = (machine.sources - h->index + machine.harts - 1) / machine.harts;
	word source;
	do
		source = 1 + h->index + random(h, count) * machine.harts;
	while (source == machine.uart_irq || source > machine.sources);
	return source;
}

/* Readies a source, not pending: with a mode in which it can be raised while its wire is low. */
void aplic_open(struct hart *h, word source, struct hart *to, word identity)
{
	static const u8 modes[] = { DETACHED, EDGE_UP, EDGE_DOWN, LEVEL_LOW };
	word mode = modes[random(h, sizeof modes - (options.lenient & LENIENT_LEVEL ? 1 : 0))];
	write(DOMAINCFG + 4 * source, mode);
	if (read(DOMAINCFG + 4 * source) != mode)
		fail("hart %lu: source %lu has mode %lu, not %lu", h->index, source, (word)read(DOMAINCFG + 4 * source),
		     mode);
	aplic_target(source, to, identity);
	if (read(TARGET + 4 * source) != target_of(to, identity))
		fail("hart %lu: source %lu has target %lx, not %lx", h->index, source, (word)read(TARGET + 4 * source),
		     target_of(to, identity));
	write(CLRIPNUM, source);
	write(SETIENUM, source);
}

void aplic_close(word source)
{
	write(CLRIENUM, source);
	write(DOMAINCFG + 4 * source, INACTIVE);
}

void aplic_raise(struct hart *h, word source)
{
	switch (random(h, 4)) {
	case 0:
		return write(SETIPNUM, source);
	case 1:
		return write(SETIPNUM_LE, source);
	case 2:
		return write(SETIPNUM_BE, swapped(source));
	default:
		return write(SETIP + source / 32 * 4, 1UL << source % 32);
	}
}

void aplic_enable(word source, int on) { write(on ? SETIENUM : CLRIENUM, source); }

void aplic_target(word source, struct hart *to, word identity)
{
	write(TARGET + 4 * source, target_of(to, identity));
}

int aplic_pending(word source) { return read(SETIP + source / 32 * 4) >> source % 32 & 1; }

/* Whether a source that takes the high level of its wire, which is low, and one that is inactive cannot be raised. */
int aplic_silent(struct hart *h, word source)
{
	write(DOMAINCFG + 4 * source, random(h, 2) ? LEVEL_HIGH : INACTIVE);
	aplic_target(source, h, uart_identities[0]);
	write(SETIENUM, source);
	aplic_raise(h, source);
	int silent = !aplic_pending(source);
	aplic_close(source);
	return silent;
}
