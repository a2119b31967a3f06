/*
 * The stress of stress.h on the harts of a bare machine like QEMU's virt: they start in M-mode, sleep in WFI, and wake
 * each other by the software interrupts of the CLINT. COUNT says how often each sender and the device go on.
 */
#include "stress.h"

#define UART ((volatile uint8_t *)0x10000000)
#define FINISHER ((volatile uint32_t *)0x100000)
#define MSIP ((volatile uint32_t *)0x2000000)

enum { FIRST_WORKER = PCPUS, SOFT_SENDER = FIRST_WORKER, OVERFLOW_SENDER, DEVICE, HARTS };
enum { STACK_SIZE = 8192 };

_Alignas(16) char stacks[HARTS][STACK_SIZE];
static _Atomic unsigned int ready, ended;

__asm__(".section .text.start, \"ax\"\n"
	".globl _start\n"
	"_start:\n"
	"	csrr	a0, mhartid\n"
	"	la	sp, stacks\n"
	"	addi	t0, a0, 1\n"
	"	slli	t0, t0, 13\n"
	"	add	sp, sp, t0\n"
	"	csrw	mie, 8\n"
	"	call	run_hart\n"
	"1:	wfi\n"
	"	j	1b\n");

static void print(const char *text)
{
	for (; *text; text++)
		*UART = (uint8_t)*text;
}

static void print_number(unsigned long number)
{
	char digits[24], *at = digits + sizeof(digits) - 1;

	*at = 0;
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	print(at);
}

static unsigned long own_number(void)
{
	unsigned long number;

	__asm__ volatile("csrr %0, mhartid" : "=r"(number));
	return number;
}

static void relax(void)
{
	__asm__ volatile("wfi" : : : "memory");
	MSIP[own_number()] = 0;
	/* What has woken us is looked at after this. */
	__asm__ volatile("fence iorw, iorw" : : : "memory");
}

static void wake_all(void)
{
	unsigned long own = own_number();

	__asm__ volatile("fence iorw, iorw" : : : "memory");
	for (unsigned long hart = 0; hart < HARTS; hart++)
		if (hart != own)
			MSIP[hart] = 1;
}

static _Noreturn void fail(const char *what, unsigned long number)
{
	print("FAIL ");
	print(what);
	print(" ");
	print_number(number);
	print("\n");
	*FINISHER = 1 << 16 | 0x3333;
	for (;;)
		;
}

static void report(void)
{
	check_counts(COUNT);
	print("PASS taken ");
	print_number(all.soft.taken);
	print(" and ");
	print_number(all.overflow.taken);
	print(", answers ");
	print_number(atomic_load(&all.external.answers));
	print(", moves ");
	print_number(all.moves);
	print(", sleeps ");
	print_number(all.sleeps);
	print("\n");
	*FINISHER = 0x5555;
}

void run_hart(unsigned long hart)
{
	if (hart == 0) {
		stress_init(HARTS - FIRST_WORKER);
		atomic_store(&ready, 1);
	}
	while (!atomic_load(&ready))
		;
	switch (hart) {
	case SOFT_SENDER:
		run_sender(&all.soft, COUNT);
		break;
	case OVERFLOW_SENDER:
		run_sender(&all.overflow, COUNT);
		break;
	case DEVICE:
		run_device(&all.external, COUNT);
		break;
	default:
		run_pcpu();
	}
	if (atomic_fetch_add(&ended, 1) == HARTS - 1)
		report();
}
