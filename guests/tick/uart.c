/*
 * The 16550 serial port: polled for the banner and the report, by interrupts during the run.
 * Registers and their effects: National Semiconductor PC16550D data sheet, section 8.
 */
#include "tick.h"

enum { THR = 0, IER = 1, IIR = 2, LSR = 5 };
#define IER_THRI 0x02
#define IIR_CAUSE 0x0f
#define IIR_THRI 0x02
#define LSR_THRE 0x20

static const char *volatile sending;
static volatile word left;

static word read(word reg)
{
	word address = machine.uart + (reg << machine.uart_shift);
	return machine.uart_width == 4 ? *(volatile u32 *)address & 0xff : *(volatile u8 *)address;
}

static void write(word reg, word value)
{
	word address = machine.uart + (reg << machine.uart_shift);
	if (machine.uart_width == 4)
		*(volatile u32 *)address = (u32)value;
	else
		*(volatile u8 *)address = (u8)value;
	__asm__ volatile("fence iorw, iorw" : : : "memory");
}

void uart_init(void) { write(IER, 0); }

/* Turns the transmitter's interrupt off, whatever was going on. */
void uart_quiet(void)
{
	write(IER, 0);
	left = 0;
}

void uart_write(const char *text, word length)
{
	for (word i = 0; i < length; i++) {
		while (!(read(LSR) & LSR_THRE))
			;
		write(THR, (u8)text[i]);
	}
}

/*
 * Sends the text by interrupts: one when the transmitter's interrupt is enabled, because the holding register is
 * empty already, and one for each character written: length + 1 in all, the last of which turns them off.
 */
void uart_start(const char *text, word length)
{
	while (!(read(LSR) & LSR_THRE))
		check_watchdog(self());
	sending = text;
	left = length;
	write(IER, IER_THRI);
}

void uart_interrupt(void)
{
	word cause = read(IIR) & IIR_CAUSE;
	if (cause != IIR_THRI)
		fail("the UART interrupted but its IIR names cause %lu, not an empty transmitter", cause);
	if (!left) {
		write(IER, 0);
		return;
	}
	left--;
	write(THR, (u8)*sending++);
}
