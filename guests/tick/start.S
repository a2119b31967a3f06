# Entry of the boot hart (a0 = hartid, a1 = device tree) and of the harts that SBI HSM starts.
#include "word.h"

	.section .text.start, "ax"
	.globl _start
_start:
	csrci	sstatus, 2
	csrw	sie, zero
	la	t0, entered
	li	t1, 1
	amoadd.w.aqrl t2, t1, (t0)
	bnez	t2, strayed
	la	t0, bss_start
	la	t1, bss_end
1:	SX	zero, 0(t0)
	addi	t0, t0, WORD
	bltu	t0, t1, 1b
	la	sp, boot_stack_top
	la	t0, trap_entry
	csrw	stvec, t0
	mv	tp, zero
	call	boot
2:	wfi
	j	2b

# A hart that SBI hart_start should have brought to secondary_entry: secondary() judges it.
strayed:
	li	a2, 1
	j	join

# a0 = hartid, a1 = the address of the hart's structure
	.globl secondary_entry
	.balign 4
secondary_entry:
	li	a2, 0
join:
	la	t0, hart_of
	slli	t1, a0, WORD_SHIFT
	add	t0, t0, t1
	LX	tp, 0(t0)
	beqz	tp, 3f
	LX	sp, 0(tp)
	la	t0, trap_entry
	csrw	stvec, t0
	mv	a0, tp
	call	secondary
3:	wfi
	j	3b

	.data
	.balign 4
entered:
	.word	0

	.bss
	.balign 16
boot_stack:
	.space	8192
boot_stack_top:
