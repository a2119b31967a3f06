# Trap entry, and the instructions whose exact behaviour at an interrupt is checked.
# Compressed instructions are off in this file so that "the next instruction" is always 4 bytes on.

	.option norvc
	.text

# The handlers run with interrupts off on the stack of the interrupted code, also out of U-mode:
# user_loop below is the only U-mode code and leaves sp and tp alone.
	.globl trap_entry
	.balign 4
trap_entry:
	addi	sp, sp, -128
	sd	ra, 0(sp)
	sd	t0, 8(sp)
	sd	t1, 16(sp)
	sd	t2, 24(sp)
	sd	t3, 32(sp)
	sd	t4, 40(sp)
	sd	t5, 48(sp)
	sd	t6, 56(sp)
	sd	a0, 64(sp)
	sd	a1, 72(sp)
	sd	a2, 80(sp)
	sd	a3, 88(sp)
	sd	a4, 96(sp)
	sd	a5, 104(sp)
	sd	a6, 112(sp)
	sd	a7, 120(sp)
	call	trap
	ld	ra, 0(sp)
	ld	t0, 8(sp)
	ld	t1, 16(sp)
	ld	t2, 24(sp)
	ld	t3, 32(sp)
	ld	t4, 40(sp)
	ld	t5, 48(sp)
	ld	t6, 56(sp)
	ld	a0, 64(sp)
	ld	a1, 72(sp)
	ld	a2, 80(sp)
	ld	a3, 88(sp)
	ld	a4, 96(sp)
	ld	a5, 104(sp)
	ld	a6, 112(sp)
	ld	a7, 120(sp)
	addi	sp, sp, 128
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
	ld	t0, 0(a0)
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
