/*
 * Remote fences. Each hart owns a two-instruction function that it rewrites and a page that it maps elsewhere; after
 * the SBI's remote fence it asks every other hart, by message, to call the function or to read the page, and they
 * have to find the new value.
 */
#include "sbi.h"

#define PTE_V 1UL
#define PTE_R 2UL
#define PTE_W 4UL
#define PTE_X 8UL
#define PTE_U 16UL
#define PTE_AD 0xc0UL
#define PAGE 4096UL
#define ENTRIES (PAGE / sizeof(word))

/*
 * Sv39: 4 GiB mapped to themselves in gigapages. Sv32: the same but for two of its megapages. One page of the root once
 * more for U-mode, and the pages that move.
 */
#if __riscv_xlen == 64
#define PAGING "Sv39"
#define SATP_MODE (8UL << 60)
#define SLOT_SIZE (1UL << 30)
#define OWN_SLOTS 4UL
#define USER_SLOT 8UL
#define MOVING_SLOT 9UL
#else
#define PAGING "Sv32"
#define SATP_MODE (1UL << 31)
#define SLOT_SIZE (1UL << 22)
#define OWN_SLOTS 1024UL
#define USER_SLOT 256UL
#define MOVING_SLOT 257UL
#endif

static word root[ENTRIES] __attribute__((aligned(4096)));
#if __riscv_xlen == 64
static word middle[ENTRIES] __attribute__((aligned(4096)));
#endif
static volatile word leaves[ENTRIES] __attribute__((aligned(4096)));
static volatile word frames[MAX_HARTS][2][ENTRIES] __attribute__((aligned(4096)));
static volatile u32 code[MAX_HARTS][16] __attribute__((aligned(64)));
static word alias;
static int paging;

static word pte(const volatile void *page, word flags) { return (word)page >> 12 << 10 | flags; }

static void write_code(word owner, word value)
{
	code[owner][0] = (u32)value << 20 | 10 << 7 | 0x13; /* li a0, value */
	code[owner][1] = 0x00008067;			    /* ret */
}

void fence_init(void)
{
	word rwx = PTE_V | PTE_R | PTE_W | PTE_X | PTE_AD;
	word here = (word)user_loop & -SLOT_SIZE;
	for (word i = 0; i < OWN_SLOTS; i++)
		root[i] = pte((void *)(i * SLOT_SIZE), rwx);
	root[USER_SLOT] = pte((void *)here, PTE_V | PTE_R | PTE_X | PTE_U | PTE_AD);
#if __riscv_xlen == 64
	root[MOVING_SLOT] = pte(middle, PTE_V);
	middle[0] = pte((void *)leaves, PTE_V);
#else
	root[MOVING_SLOT] = pte((void *)leaves, PTE_V);
#endif
	for (word i = 0; i < MAX_HARTS; i++) {
		write_code(i, 0);
		leaves[i] = pte(frames[i][0], PTE_V | PTE_R | PTE_W | PTE_AD);
	}
	fence_hart_init();
	paging = csr_read(satp) != 0;
	alias = paging ? USER_SLOT * SLOT_SIZE - here : 0;
}

/* Turns paging on for this hart; a hart without this paging ignores the write and the pages are left out. */
void fence_hart_init(void)
{
	__asm__ volatile("fence.i; sfence.vma" : : : "memory");
	csr_write(satp, SATP_MODE | (word)root >> 12);
	__asm__ volatile("sfence.vma" : : : "memory");
}

/* The name of the paging. */
const char *fence_paging(void) { return PAGING; }

/* The distance from an address to where U-mode may execute it. */
word fence_user_alias(void) { return alias; }

static word moving_page(word owner) { return MOVING_SLOT * SLOT_SIZE + owner * PAGE; }

word fence_run_code(word owner) { return ((word(*)(void))code[owner])(); }

word fence_read_page(word owner) { return *(volatile word *)moving_page(owner); }

static word change_code(struct hart *h, word others)
{
	word value = random(h, 2048);
	write_code(h->index, value);
	__asm__ volatile("fence.i; fence rw, rw" : : : "memory");
	long error = sbi_fence_i(others, 0);
	if (error)
		fail("hart %lu: SBI remote_fence_i answered %ld", h->index, error);
	return value;
}

static word move_page(struct hart *h, word others)
{
	word value = random(h, NONE) << 8 | h->index;
	word page = moving_page(h->index);
	word to = leaves[h->index] == pte(frames[h->index][0], PTE_V | PTE_R | PTE_W | PTE_AD);
	frames[h->index][to][0] = value;
	leaves[h->index] = pte(frames[h->index][to], PTE_V | PTE_R | PTE_W | PTE_AD);
	__asm__ volatile("fence rw, rw; sfence.vma %0" : : "r"(page) : "memory");
	/* start = size = 0 and a size of all ones both mean the whole address space (SBI chapter 8) */
	word start[] = { page, page & -SLOT_SIZE, 0, 0 };
	word size[] = { PAGE, PAGE * MAX_HARTS, 0, NONE };
	word way = random(h, 4);
	long error = sbi_sfence_vma(others, 0, start[way], size[way]);
	if (error)
		fail("hart %lu: SBI remote_sfence_vma answered %ld", h->index, error);
	return value;
}

void fence_round(struct hart *h)
{
	doing(h, "remote fences", 0);
	word others = 0, asked = 0;
	for (word i = 0; i < machine.harts; i++)
		if (&harts[i] != h)
			others |= 1UL << harts[i].hartid;
	word replies = h->replies;
	int pages = paging && random(h, 2);
	word value = pages ? move_page(h, others) : change_code(h, others);
	h->fences++;
	word seen = pages ? fence_read_page(h->index) : fence_run_code(h->index);
	if (seen != value)
		fail("hart %lu: after its own fence it sees %lu, not %lu", h->index, seen, value);
	for (word i = 0; i < machine.harts; i++) {
		if (&harts[i] == h)
			continue;
		ipi_send(h, &harts[i], pages ? KIND_PAGE : KIND_CODE, value);
		asked++;
	}
	ipi_await_replies(h, replies + asked);
}
