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
#define SATP_SV39 (8UL << 60)
#define GIB (1UL << 30)
#define PAGE 4096UL

/* Sv39: 4 GiB mapped to themselves, one gigapage of them again for U-mode, and the pages that move. */
#define USER_SLOT 8UL
#define MOVING_SLOT 9UL

static u64 root[512] __attribute__((aligned(4096)));
static u64 middle[512] __attribute__((aligned(4096)));
static volatile u64 leaves[512] __attribute__((aligned(4096)));
static volatile u64 frames[MAX_HARTS][2][512] __attribute__((aligned(4096)));
static volatile u32 code[MAX_HARTS][16] __attribute__((aligned(64)));
static u64 alias;
static int paging;

static u64 pte(const volatile void *page, u64 flags) { return (u64)page >> 12 << 10 | flags; }

static void write_code(u64 owner, u64 value)
{
	code[owner][0] = (u32)value << 20 | 10 << 7 | 0x13; /* li a0, value */
	code[owner][1] = 0x00008067;			    /* ret */
}

void fence_init(void)
{
	u64 rwx = PTE_V | PTE_R | PTE_W | PTE_X | PTE_AD;
	u64 here = (u64)user_loop & -GIB;
	for (u64 i = 0; i < 4; i++)
		root[i] = pte((void *)(i * GIB), rwx);
	root[USER_SLOT] = pte((void *)here, PTE_V | PTE_R | PTE_X | PTE_U | PTE_AD);
	root[MOVING_SLOT] = pte(middle, PTE_V);
	middle[0] = pte((void *)leaves, PTE_V);
	for (u64 i = 0; i < MAX_HARTS; i++) {
		write_code(i, 0);
		leaves[i] = pte(frames[i][0], PTE_V | PTE_R | PTE_W | PTE_AD);
	}
	fence_hart_init();
	paging = csr_read(satp) != 0;
	alias = paging ? USER_SLOT * GIB - here : 0;
}

/* Turns paging on for this hart; a hart without Sv39 ignores the write and the pages are left out. */
void fence_hart_init(void)
{
	__asm__ volatile("fence.i; sfence.vma" : : : "memory");
	csr_write(satp, SATP_SV39 | (u64)root >> 12);
	__asm__ volatile("sfence.vma" : : : "memory");
}

/* The distance from an address to where U-mode may execute it. */
u64 fence_user_alias(void) { return alias; }

static u64 moving_page(u64 owner) { return MOVING_SLOT * GIB + owner * PAGE; }

u64 fence_run_code(u64 owner) { return ((u64(*)(void))code[owner])(); }

u64 fence_read_page(u64 owner) { return *(volatile u64 *)moving_page(owner); }

static u64 change_code(struct hart *h, u64 others)
{
	u64 value = random(h, 2048);
	write_code(h->index, value);
	__asm__ volatile("fence.i; fence rw, rw" : : : "memory");
	long error = sbi_fence_i(others, 0);
	if (error)
		fail("hart %lu: SBI remote_fence_i answered %ld", h->index, error);
	return value;
}

static u64 move_page(struct hart *h, u64 others)
{
	u64 value = random(h, NEVER) << 8 | h->index;
	u64 page = moving_page(h->index);
	u64 to = leaves[h->index] == pte(frames[h->index][0], PTE_V | PTE_R | PTE_W | PTE_AD);
	frames[h->index][to][0] = value;
	leaves[h->index] = pte(frames[h->index][to], PTE_V | PTE_R | PTE_W | PTE_AD);
	__asm__ volatile("fence rw, rw; sfence.vma %0" : : "r"(page) : "memory");
	/* start = size = 0 and size = 2^64-1 both mean the whole address space (SBI chapter 8) */
	u64 start[] = { page, page & -GIB, 0, 0 };
	u64 size[] = { PAGE, PAGE * MAX_HARTS, 0, NEVER };
	u64 way = random(h, 4);
	long error = sbi_sfence_vma(others, 0, start[way], size[way]);
	if (error)
		fail("hart %lu: SBI remote_sfence_vma answered %ld", h->index, error);
	return value;
}

void fence_round(struct hart *h)
{
	doing(h, "remote fences", 0);
	u64 others = 0, asked = 0;
	for (u64 i = 0; i < machine.harts; i++)
		if (&harts[i] != h)
			others |= 1UL << harts[i].hartid;
	u64 replies = h->replies;
	int pages = paging && random(h, 2);
	u64 value = pages ? move_page(h, others) : change_code(h, others);
	h->fences++;
	u64 seen = pages ? fence_read_page(h->index) : fence_run_code(h->index);
	if (seen != value)
		fail("hart %lu: after its own fence it sees %lu, not %lu", h->index, seen, value);
	for (u64 i = 0; i < machine.harts; i++) {
		if (&harts[i] == h)
			continue;
		ipi_send(h, &harts[i], pages ? KIND_PAGE : KIND_CODE, value);
		asked++;
	}
	ipi_await_replies(h, replies + asked);
}
