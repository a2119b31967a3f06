# Trap entry, and the instructions whose exact behaviour at an interrupt is checked.
# Compressed instructions are off in this file so that "the next instruction" is always 4 bytes on.

#include "word.h"

	.option norvc
	.text

# The handlers run with interrupts off on the stack of the interrupted code, also out of U-mode:
# user_loop below is the only U-mode code and leaves sp and tp alone.
	.globl trap_entry
	.balign 4
trap_entry:
	addi	sp, sp, -16 * WORD
	SX	ra, 0 * WORD(sp)
	SX	t0, 1 * WORD(sp)
	SX	t1, 2 * WORD(sp)
	SX	t2, 3 * WORD(sp)
	SX	t3, 4 * WORD(sp)
	SX	t4, 5 * WORD(sp)
	SX	t5, 6 * WORD(sp)
	SX	t6, 7 * WORD(sp)
	SX	a0, 8 * WORD(sp)
	SX	a1, 9 * WORD(sp)
	SX	a2, 10 * WORD(sp)
	SX	a3, 11 * WORD(sp)
	SX	a4, 12 * WORD(sp)
	SX	a5, 13 * WORD(sp)
	SX	a6, 14 * WORD(sp)
	SX	a7, 15 * WORD(sp)
	call	trap
	LX	ra, 0 * WORD(sp)
	LX	t0, 1 * WORD(sp)
	LX	t1, 2 * WORD(sp)
	LX	t2, 3 * WORD(sp)
	LX	t3, 4 * WORD(sp)
	LX	t4, 5 * WORD(sp)
	LX	t5, 6 * WORD(sp)
	LX	t6, 7 * WORD(sp)
	LX	a0, 8 * WORD(sp)
	LX	a1, 9 * WORD(sp)
	LX	a2, 10 * WORD(sp)
	LX	a3, 11 * WORD(sp)
	LX	a4, 12 * WORD(sp)
	LX	a5, 13 * WORD(sp)
	LX	a6, 14 * WORD(sp)
	LX	a7, 15 * WORD(sp)
	addi	sp, sp, 16 * WORD
	sret

# Each of these makes a pending interrupt takeable; it has to be taken at the *_next label.
	.globl irq_open, irq_open_next
irq_open:
	csrsi	sstatus, 2
irq_open_next:
	ret

	.globl self_set, self_set_next
self_set:
	csrsi	sip, 2
self_set_next:
	ret

	.globl sie_open, sie_open_next
sie_open:
	csrs	sie, a0
sie_open_next:
	ret

	.globl sret_open, sret_open_next
sret_open:
	la	t0, sret_open_next
	csrw	sepc, t0
	li	t0, 0x120		# SPP = S, SPIE = 1
	csrs	sstatus, t0
	sret
sret_open_next:
	ret

# void wfi_open(counter, value): waits with interrupts enabled unless *counter has left the value.
# An interrupt between the load and the WFI would be missed; trap() moves such a return address to the end.
	.globl wfi_open, wfi_open_wfi, wfi_open_done
wfi_open:
	LX	t0, 0(a0)
	bne	t0, a1, wfi_open_done
wfi_open_wfi:
	wfi
wfi_open_done:
	ret

# void user_wait(alias): spins in U-mode with sstatus.SIE = 0 until an interrupt, which has to come all the same.
# alias is added to the loop's address: user code lives where user mappings are.
	.globl user_wait, user_loop, user_done
user_wait:
	la	t0, user_loop
	add	t0, t0, a0
	csrw	sepc, t0
	li	t0, 0x120		# SPP = U, SPIE = 0
	csrc	sstatus, t0
	sret
user_loop:
	j	user_loop
user_done:
	ret
