/*
 * The hart's interrupt file of an IMSIC: what it has pending, what it takes, and claims.
 * RISC-V Advanced Interrupt Architecture 1.0, chapter "Incoming MSI Controller".
 */
#include "aia.h"

#define EIDELIVERY 0x70
#define EITHRESHOLD 0x72
#define EIP 0x80
#define EIE 0xc0

#define BITS (8 * sizeof(word))

/* The register of an array that has the bit of an identity: on RV64 one of two, with an even number. */
static word array_register(word first, word identity)
{
	return first + identity / BITS * (BITS / 32);
}

static word bit_of(word identity) { return 1UL << identity % BITS; }

/* The interrupted code may be between its choice of a register and the access, so each function leaves the choice. */
static word file_read(word reg)
{
	word selected = csr_read_number(CSR_SISELECT);
	csr_write_number(CSR_SISELECT, reg);
	word value = csr_read_number(CSR_SIREG);
	csr_write_number(CSR_SISELECT, selected);
	return value;
}

static void file_write(word reg, word value)
{
	word selected = csr_read_number(CSR_SISELECT);
	csr_write_number(CSR_SISELECT, reg);
	csr_write_number(CSR_SIREG, value);
	csr_write_number(CSR_SISELECT, selected);
}

static void file_set(word reg, word bits)
{
	word selected = csr_read_number(CSR_SISELECT);
	csr_write_number(CSR_SISELECT, reg);
	csr_set_number(CSR_SIREG, bits);
	csr_write_number(CSR_SISELECT, selected);
}

static void file_clear(word reg, word bits)
{
	word selected = csr_read_number(CSR_SISELECT);
	csr_write_number(CSR_SISELECT, reg);
	csr_clear_number(CSR_SIREG, bits);
	csr_write_number(CSR_SISELECT, selected);
}

void imsic_delivery(int on) { file_write(EIDELIVERY, on != 0); }

/* Identities from this one on are not taken; 0: all are. */
void imsic_threshold(word identity) { file_write(EITHRESHOLD, identity); }

void imsic_enable(word identity, int on)
{
	word reg = array_register(EIE, identity);
	if (on)
		file_set(reg, bit_of(identity));
	else
		file_clear(reg, bit_of(identity));
}

int imsic_pending(word identity)
{
	return (file_read(array_register(EIP, identity)) & bit_of(identity)) != 0;
}

/* As a message with this identity would. */
void imsic_set_pending(word identity) { file_set(array_register(EIP, identity), bit_of(identity)); }

static void imsic_clear_pending(word identity) { file_clear(array_register(EIP, identity), bit_of(identity)); }

/* The first word of pending bits that is not 0, or 0. */
word imsic_any_pending(void)
{
	for (word identity = 0; identity <= machine.identities; identity += BITS) {
		word bits = file_read(array_register(EIP, identity));
		if (bits)
			return bits;
	}
	return 0;
}

static word checked(struct hart *h, word top)
{
	word identity = top >> 16;
	if (top != (identity << 16 | identity) || identity > machine.identities)
		fail("hart %lu: stopei is %lx", h->index, top);
	return identity;
}

/* The smallest identity that is pending and taken, or 0; it stays pending. */
word imsic_top(struct hart *h) { return checked(h, csr_read_number(CSR_STOPEI)); }

/* The same, and it is pending no more. */
word imsic_claim(struct hart *h)
{
	word top;
	__asm__ volatile("csrrw %0, %1, zero" : "=r"(top) : "i"(CSR_STOPEI) : "memory");
	return checked(h, top);
}

volatile u32 *imsic_page(struct hart *h)
{
	return (volatile u32 *)(machine.imsic + h->imsic_index * machine.imsic_stride);
}

/* Every identity there is can be enabled, and no other. */
static void check_identities(struct hart *h)
{
	for (word first = 0; first < 256; first += BITS) {
		word reg = array_register(EIE, first), expected = 0;
		for (word i = 0; i < BITS; i++)
			if (first + i > 0 && first + i <= machine.identities)
				expected |= 1UL << i;
		file_write(reg, NONE);
		if (file_read(reg) != expected)
			fail("hart %lu: enable bits of identities from %lu on are %lx, not %lx", h->index, first,
			     file_read(reg), expected);
	}
}

/* The page takes messages; whether in the other byte order, too, is the machine's choice. */
static void check_page(struct hart *h)
{
	const word identity = 2;
	imsic_page(h)[1] = (u32)identity << 24;
	machine.big_endian = imsic_pending(identity);
	imsic_page(h)[0] = (u32)identity;
	if (!imsic_pending(identity))
		fail("hart %lu: a message to itself does not arrive", h->index);
	imsic_clear_pending(identity);
	if (imsic_pending(identity))
		fail("hart %lu: a pending bit cannot be cleared", h->index);
}

void imsic_hart_init(void)
{
	if (!machine.imsic)
		return;
	struct hart *h = self();
	check_identities(h);
	for (word identity = 0; identity <= machine.identities; identity += BITS)
		file_write(array_register(EIP, identity), 0);
	imsic_threshold(0);
	check_page(h);
	imsic_delivery(1);
}
