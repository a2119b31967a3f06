/* Boot, the epochs of the run, and the end. */
#include "sbi.h"

#define ROUNDS_PER_EPOCH 8
#define STACK 8192

struct hart harts[MAX_HARTS];
struct machine machine;
struct options options = { .watchdog = 20, .seed = 1, .sstc = 1 };
struct hart *leader;
struct hart *hart_of[64];
u64 started_at;

static u8 stacks[MAX_HARTS][STACK] __attribute__((aligned(16)));
static volatile int stop;

void boot(word hartid, const void *tree);
void secondary(struct hart *h, const void *opaque, int strayed);

/* For the compiler, which turns assignments of structures into calls. */
void *memcpy(void *to, const void *from, word size)
{
	for (word i = 0; i < size; i++)
		((volatile u8 *)to)[i] = ((const u8 *)from)[i];
	return to;
}

void *memset(void *to, int value, word size)
{
	for (word i = 0; i < size; i++)
		((volatile u8 *)to)[i] = (u8)value;
	return to;
}

/* The number after `name=`, a whole word of the boot arguments, or the value given. */
static word option(const char *name, word otherwise)
{
	const char *at = machine.bootargs;
	while (at && *at) {
		const char *letter = name;
		while (*letter && *at == *letter)
			at++, letter++;
		if (!*letter && *at == '=') {
			word value = 0;
			for (at++; *at >= '0' && *at <= '9'; at++)
				value = value * 10 + (word)(*at - '0');
			return value;
		}
		while (*at && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return otherwise;
}

static void read_options(void)
{
	options.seconds = option("seconds", 0);
	options.rounds = option("rounds", 0);
	options.ipis = option("ipis", 0);
	options.watchdog = option("watchdog", options.watchdog);
	options.seed = option("seed", options.seed);
	options.lenient = option("lenient", 0);
	options.sstc = machine.sstc && option("sstc", 1);
	if (!options.seconds && !options.rounds && !options.ipis)
		options.seconds = 2;
}

static void check_firmware(void)
{
	static const struct {
		word extension;
		const char *name;
	} needed[] = { { SBI_TIME, "TIME" }, { SBI_IPI, "IPI" }, { SBI_RFENCE, "RFENCE" }, { SBI_HSM, "HSM" }, { SBI_SRST, "SRST" } };
	for (word i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (!sbi_probe(needed[i].extension))
			fail("the SBI firmware lacks the extension %s", needed[i].name);
	const word unknown = 0x0a000000UL + 0x7469636b; /* no extension has this number */
	if (sbi_probe(unknown) != 0)
		fail("SBI probe_extension finds an extension that does not exist");
	if (sbi_call(unknown, 0, 0, 0, 0, 0).error != SBI_NOT_SUPPORTED)
		fail("a call of an unknown SBI extension does not answer SBI_ERR_NOT_SUPPORTED");
	if (sbi_call(SBI_TIME, 77, 0, 0, 0, 0).error != SBI_NOT_SUPPORTED)
		fail("a call of an unknown SBI function does not answer SBI_ERR_NOT_SUPPORTED");
}

static void banner(void)
{
	word version = (word)sbi_call(SBI_BASE, 0, 0, 0, 0, 0).value;
	word implementation = (word)sbi_call(SBI_BASE, 1, 0, 0, 0, 0).value;
	print("\r\ntick: %lu harts, timebase %lu Hz, timers by %s, SBI %lu.%lu (implementation %lu), paging %s\r\n",
	      machine.harts, machine.timebase, options.sstc ? "stimecmp and SBI" : "SBI", version >> 24 & 0x7f,
	      version & 0xffffff, implementation, csr_read(satp) ? fence_paging() : "off");
	if (machine.imsic)
		print("tick: messages by IMSIC, %lu identities; APLIC with %lu sources\r\n", machine.identities,
		      machine.sources);
	if (machine.harts_ignored)
		print("tick: %lu more harts are left alone: %lu is the most\r\n", machine.harts_ignored, (word)MAX_HARTS);
}

static void start_others(void)
{
	for (word i = 0; i < machine.harts; i++) {
		struct hart *h = &harts[i];
		struct sbi_result status = sbi_hart_status(h->hartid);
		long expected = h == leader ? HSM_STARTED : HSM_STOPPED;
		if (status.error || status.value != expected)
			fail("hart %lu: SBI hart_get_status answered %ld, %ld before the start", i, status.error,
			     status.value);
		if (h == leader)
			continue;
		long error = sbi_hart_start(h->hartid, (word)secondary_entry, (word)h);
		if (error)
			fail("hart %lu: SBI hart_start answered %ld", i, error);
	}
	if (sbi_hart_start(leader->hartid, (word)secondary_entry, 0) != SBI_ALREADY_AVAILABLE)
		fail("SBI hart_start of a running hart does not answer SBI_ERR_ALREADY_AVAILABLE");
}

/* One of a hart's rounds in an epoch where everybody does everything. */
static void storm_round(struct hart *h, int has_uart)
{
	timer_round(h);
	ipi_round(h);
	exact_round(h);
	count_round(h);
	if (machine.imsic)
		msi_round(h);
	if (random(h, 4) == 0)
		fence_round(h);
	if (has_uart)
		external_round(h);
}

/* Pairs of harts where nobody else interrupts, other pairs each time; who has no partner keeps to its timers. */
static void duet(struct hart *h, word turn, int has_uart)
{
	word ways = 1; /* partners differ by 1 to ways - 1 in exclusive or */
	while (ways < machine.harts)
		ways *= 2;
	word partner = ways > 1 ? h->index ^ (1 + turn % (ways - 1)) : NONE;
	if (partner < machine.harts) {
		int asks = (turn / (ways - 1) + (h->index < partner)) & 1;
		int by_messages = machine.imsic && turn / (ways - 1) & 2;
		return by_messages ? msi_duet(h, &harts[partner], asks) : ipi_duet(h, &harts[partner], asks);
	}
	for (word i = 0; i < ROUNDS_PER_EPOCH; i++) {
		timer_round(h);
		if (machine.imsic)
			msi_round(h);
		if (has_uart)
			external_round(h);
	}
}

/* At rest, for a while, nothing may come. */
static void silence(struct hart *h)
{
	nap(h, microseconds(1000)); /* for software interrupts that are still on their way */
	ipi_at_rest(h);
	msi_at_rest(h);
	word ssis = h->ssis, external = h->external, claims = h->claims;
	nap(h, microseconds(random(h, 500)));
	nap(h, microseconds(random(h, 500)));
	if (h->ssis != ssis)
		fail("hart %lu: a software interrupt came from nowhere while all harts were at rest", h->index);
	if (h->external != external || h->claims != claims)
		fail("hart %lu: an external interrupt came from nowhere while all harts were at rest", h->index);
}

static int reached(void)
{
	word sent = 0;
	for (word i = 0; i < machine.harts; i++) {
		sent += harts[i].sent;
		if (harts[i].rounds < options.rounds)
			return 0;
	}
	return sent >= options.ipis && now() - started_at >= (u64)options.seconds * machine.timebase;
}

static void run(struct hart *h)
{
	barrier(h);
	for (word epoch = 0; !stop; epoch++) {
		int has_uart = epoch / 2 % machine.harts == h->index;
		if (has_uart)
			external_route(h, 1);
		if (epoch & 1)
			duet(h, epoch / 2, has_uart);
		else
			for (word i = 0; i < ROUNDS_PER_EPOCH; i++)
				storm_round(h, has_uart);
		h->rounds += ROUNDS_PER_EPOCH;
		if (has_uart)
			external_route(h, 0);
		barrier(h); /* nobody sends any more */
		ipi_rest(h);
		msi_rest(h);
		barrier(h); /* everybody has received everything */
		silence(h);
		exact_quiet(h);
		if (h == leader)
			stop = reached();
		ipi_at_rest(h);
		barrier(h);
	}
	irq_off();
	timer_cancel(h);
	csr_write(sie, 0);
}

static void go(struct hart *h)
{
	csr_write(sie, SOFT | TIMER | EXTERNAL);
	imsic_hart_init();
	local_hart_init();
	doing(h, "starting", 0);
	h->online = 1;
	irq_on();
	run(h);
}

/* Entered with what SBI hart_start passed on; strayed when that was the way to the kernel's entry point. */
void secondary(struct hart *h, const void *opaque, int strayed)
{
	fence_hart_init();
	if (strayed || opaque != h) {
		h->tolerated++;
		if (!(options.lenient & LENIENT_START))
			fail("hart %lu: SBI hart_start did not start it with the address and argument given", h->index);
	}
	if (csr_read(sstatus) & SSTATUS_SIE)
		fail("hart %lu: sstatus.SIE is 1 after SBI hart_start", h->index);
	go(h);
	doing(h, "SBI hart_stop", 0);
	long error = sbi_hart_stop();
	fail("hart %lu: SBI hart_stop answered %ld", h->index, error);
}

static void await_stopped(void)
{
	doing(leader, "the other harts to stop", 0);
	for (word i = 0; i < machine.harts; i++)
		while (&harts[i] != leader && sbi_hart_status(harts[i].hartid).value != HSM_STOPPED)
			check_watchdog(leader);
}

void boot(word hartid, const void *tree)
{
	const char *missing = fdt_parse(tree);
	if (missing)
		fail("%s", missing);
	uart_init();
	read_options();
	started_at = now();
	for (word i = 0; i < machine.harts; i++) {
		struct hart *h = &harts[i];
		h->stack_top = (word)(stacks[i] + STACK);
		h->random = (options.seed * 0x9e3779b97f4a7c15ULL + i + 1) * 0xbf58476d1ce4e5b9ULL | 1;
		h->deadline = NEVER;
		h->doing_since = started_at;
		hart_of[h->hartid] = h;
		if (h->hartid == hartid)
			leader = h;
	}
	if (!leader)
		fail("the device tree does not list the boot hart %lu", hartid);
	__asm__ volatile("mv tp, %0" : : "r"(leader));
	fence_init();
	banner();
	check_firmware();
	external_init();
	start_others();
	go(leader);
	await_stopped();
	finish();
}
