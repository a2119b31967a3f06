/*
 * The flattened device tree: harts, timebase, Sstc, UART, PLIC or APLIC and IMSICs, and the boot arguments.
 * Format: Devicetree specification 0.4, chapter 5. Addresses are taken as two cells, sizes as two cells: what the
 * root and the bus nodes of RISC-V "virt" machines say.
 */
#include "tick.h"

#define FDT_MAGIC 0xd00dfeed
enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4 };
#define MAX_DEPTH 16

struct property {
	const u8 *data;
	u32 length;
};

/* The properties of one node that matter to us. */
struct node {
	const char *name;
	struct property compatible, device_type, reg, status, isa, isa_extensions, phandle, interrupts,
		interrupts_extended, timebase, bootargs, shift, width, msi_parent, identities, sources, guest_bits;
	word controller; /* in a cpu node: the phandle of its interrupt controller */
};

static word controllers[MAX_HARTS]; /* phandle of each hart's interrupt controller */
static struct property plic_contexts, imsic_harts;
/* APLICs by the interrupt files to which they send messages. */
static struct {
	word base, sources, msi_parent;
} aplics[4];
static word aplic_count, imsic_phandle;

static u32 cell(const u8 *data) { return (u32)data[0] << 24 | (u32)data[1] << 16 | (u32)data[2] << 8 | data[3]; }

static word cell_of(struct property property, word otherwise)
{
	return property.length >= 4 ? cell(property.data) : otherwise;
}

static word address_of(struct property reg)
{
	return reg.length >= 8 ? (word)((u64)cell(reg.data) << 32 | cell(reg.data + 4)) : 0;
}

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* Is the text one of the property's strings? */
static int lists(struct property property, const char *text)
{
	for (u32 i = 0; i < property.length; i++)
		if ((i == 0 || !property.data[i - 1]) && equal((const char *)property.data + i, text))
			return 1;
	return 0;
}

/* Is the extension one of the _-separated parts of an ISA string? */
static int isa_has(struct property isa, const char *extension)
{
	for (u32 i = 0; i < isa.length; i++) {
		u32 n = 0;
		if (isa.data[i] != '_')
			continue;
		while (extension[n] && isa.data[i + 1 + n] == (u8)extension[n])
			n++;
		u8 end = isa.data[i + 1 + n];
		if (!extension[n] && (end == 0 || end == '_'))
			return 1;
	}
	return 0;
}

static void keep(struct node *node, const char *name, struct property property)
{
	struct {
		const char *name;
		struct property *to;
	} wanted[] = {
		{ "compatible", &node->compatible },
		{ "device_type", &node->device_type },
		{ "reg", &node->reg },
		{ "status", &node->status },
		{ "riscv,isa", &node->isa },
		{ "riscv,isa-extensions", &node->isa_extensions },
		{ "phandle", &node->phandle },
		{ "interrupts", &node->interrupts },
		{ "interrupts-extended", &node->interrupts_extended },
		{ "timebase-frequency", &node->timebase },
		{ "bootargs", &node->bootargs },
		{ "reg-shift", &node->shift },
		{ "reg-io-width", &node->width },
		{ "msi-parent", &node->msi_parent },
		{ "riscv,num-ids", &node->identities },
		{ "riscv,num-sources", &node->sources },
		{ "riscv,guest-index-bits", &node->guest_bits },
	};
	for (word i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (equal(name, wanted[i].name))
			*wanted[i].to = property;
}

static void found_hart(struct node *node)
{
	if (node->status.length && !lists(node->status, "okay"))
		return;
	if (machine.harts == MAX_HARTS) {
		machine.harts_ignored++;
		return;
	}
	if (lists(node->isa_extensions, "sstc") || isa_has(node->isa, "sstc"))
		machine.sstc = 1;
	controllers[machine.harts] = node->controller;
	harts[machine.harts].index = machine.harts;
	harts[machine.harts++].hartid = cell_of(node->reg, 0);
}

/* Those of S-mode. */
static void found_imsics(struct node *node)
{
	if (node->interrupts_extended.length < 8 || cell(node->interrupts_extended.data + 4) != CAUSE_EXTERNAL)
		return;
	machine.imsic = address_of(node->reg);
	machine.imsic_stride = 4096UL << cell_of(node->guest_bits, 0);
	machine.identities = cell_of(node->identities, 0);
	imsic_harts = node->interrupts_extended;
	imsic_phandle = cell_of(node->phandle, 0);
}

/* At the end of a node, when its properties and children are known. */
static void found(struct node *node, struct node *parent)
{
	if (node->timebase.length)
		machine.timebase = cell_of(node->timebase, 0);
	if (node->bootargs.length)
		machine.bootargs = (const char *)node->bootargs.data;
	if (lists(node->compatible, "riscv,cpu-intc") && parent)
		parent->controller = cell_of(node->phandle, 0);
	if (lists(node->device_type, "cpu"))
		found_hart(node);
	if (!machine.uart && (lists(node->compatible, "ns16550a") || lists(node->compatible, "ns16550"))) {
		machine.uart = address_of(node->reg);
		machine.uart_shift = cell_of(node->shift, 0);
		machine.uart_width = cell_of(node->width, 1);
		machine.uart_irq = cell_of(node->interrupts, 0);
		if (node->interrupts_extended.length >= 8)
			machine.uart_irq = cell(node->interrupts_extended.data + 4);
	}
	if (!machine.plic && (lists(node->compatible, "riscv,plic0") || lists(node->compatible, "sifive,plic-1.0.0"))) {
		machine.plic = address_of(node->reg);
		plic_contexts = node->interrupts_extended;
	}
	if (lists(node->compatible, "riscv,imsics"))
		found_imsics(node);
	if (lists(node->compatible, "riscv,aplic") && aplic_count < sizeof aplics / sizeof aplics[0]) {
		aplics[aplic_count].base = address_of(node->reg);
		aplics[aplic_count].sources = cell_of(node->sources, 0);
		aplics[aplic_count++].msi_parent = cell_of(node->msi_parent, 0);
	}
}

/* The place of a hart's S-mode among the pairs (interrupt controller, cause) of an interrupts-extended, or NONE. */
static word place_of(struct property pairs, word hart)
{
	for (u32 n = 0; n * 8 + 8 <= pairs.length; n++) {
		const u8 *pair = pairs.data + n * 8;
		if (cell(pair) == controllers[hart] && cell(pair + 4) == CAUSE_EXTERNAL)
			return n;
	}
	return NONE;
}

static const char *find_aplic(void)
{
	for (word i = 0; i < aplic_count; i++)
		if (aplics[i].msi_parent == imsic_phandle) {
			machine.aplic = aplics[i].base;
			machine.sources = aplics[i].sources;
		}
	if (!machine.aplic || !machine.sources)
		return "the device tree has interrupt files, but no APLIC that sends messages to them";
	if (machine.identities != 255)
		return "the interrupt files do not have 255 identities";
	return 0;
}

/* Context n of the PLIC is the n-th pair, and so is hart n of the IMSICs. */
static const char *find_contexts(void)
{
	const char *missing = machine.imsic ? find_aplic() : 0;
	if (missing)
		return missing;
	for (word i = 0; i < machine.harts; i++) {
		harts[i].plic_context = place_of(plic_contexts, i);
		harts[i].imsic_index = place_of(imsic_harts, i);
		if ((machine.imsic ? harts[i].imsic_index : harts[i].plic_context) == NONE)
			return "a hart's S-mode is not connected to the interrupt controller";
		if (harts[i].hartid >= 8 * sizeof(word))
			return "a hart id does not fit into the hart masks of SBI calls";
	}
	return 0;
}

/* Fills `machine` and the identity of the harts. Returns what is missing, or 0. */
const char *fdt_parse(const void *tree)
{
	static struct node nodes[MAX_DEPTH];
	const u8 *base = tree;
	if (!base || cell(base) != FDT_MAGIC)
		return "a1 is not the address of a device tree";
	const u8 *at = base + cell(base + 8);
	const char *strings = (const char *)base + cell(base + 12);
	word depth = 0;
	for (;;) {
		u32 token = cell(at);
		at += 4;
		if (token == BEGIN_NODE) {
			if (depth == MAX_DEPTH)
				return "the device tree is too deep";
			nodes[depth] = (struct node){ .name = (const char *)at };
			while (*at)
				at++;
			at += 4 - ((word)(at - base) & 3);
			depth++;
		} else if (token == PROPERTY && depth) {
			struct property property = { at + 8, cell(at) };
			keep(&nodes[depth - 1], strings + cell(at + 4), property);
			at += 8 + ((property.length + 3) & ~3U);
		} else if (token == END_NODE && depth) {
			depth--;
			found(&nodes[depth], depth ? &nodes[depth - 1] : 0);
		} else if (token != NOP)
			break;
	}
	if (!machine.uart)
		return "the device tree has no ns16550a UART";
	if (!(machine.plic || machine.imsic) || !machine.uart_irq)
		return "the device tree has neither a PLIC nor IMSICs, or no interrupt for the UART";
	if (!machine.harts || !machine.timebase)
		return "the device tree has no harts, or no timebase-frequency";
	return find_contexts();
}
