# Entry of the boot hart (a0 = hartid, a1 = device tree) and of the harts that SBI HSM starts.

	.section .text.start, "ax"
	.globl _start
_start:
	csrci	sstatus, 2
	csrw	sie, zero
	la	t0, bss_start
	la	t1, bss_end
1:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b
	la	sp, boot_stack_top
	la	t0, trap_entry
	csrw	stvec, t0
	mv	tp, zero
	call	boot
2:	wfi
	j	2b

# a0 = hartid, a1 = the hart's structure
	.globl secondary_entry
	.balign 4
secondary_entry:
	mv	tp, a1
	ld	sp, 0(a1)
	la	t0, trap_entry
	csrw	stvec, t0
	mv	a0, a1
	call	secondary
3:	wfi
	j	3b

	.bss
	.balign 16
boot_stack:
	.space	8192
boot_stack_top:
