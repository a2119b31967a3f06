# Entry, threads, and what C cannot say: the soak guest has no C library.

	.globl _start
_start:
	.option push
	.option norelax
	lla gp, __global_pointer$
	.option pop
	mv a0, sp
	andi sp, sp, -16
	tail start_program

# long start_task(long flags, void *stack_top, int *task_id, void (*run)(void *), void *argument)
#
# clone(2) with a stack of its own. The new task runs the function and ends; the kernel clears *task_id then if the
# flags ask for it.
	.globl start_task
start_task:
	addi a1, a1, -16
	sd a3, 0(a1)
	sd a4, 8(a1)
	mv a4, a2
	li a3, 0
	li a7, 220
	ecall
	beqz a0, 1f
	ret
1:	ld t0, 0(sp)
	ld a0, 8(sp)
	jalr t0
	li a0, 0
	li a7, 93
	ecall

# uint64_t registers_after_yield(uint64_t seed)
#
# Gives every register that the kernel has to keep a value of its own, lets other processes run, and returns 0 if all
# values are still there. Left out are a0 and a7 (the system call's own), sp, gp and tp.
	.macro all_x action
	.irp n, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\action \n
	.endr
	.endm
	.macro all_f action
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\action \n
	.endr
	.endm
	.macro fill_x n
	addi x\n, a0, \n
	.endm
	.macro fill_f n
	addi t0, a0, \n + 64
	fmv.d.x f\n, t0
	.endm
	.macro compare_x n
	addi a7, a0, \n
	xor x\n, x\n, a7
	.endm
	.macro gather_x n
	or x5, x5, x\n
	.endm
	.macro compare_f n
	fmv.x.d t1, f\n
	addi t2, a0, \n + 64
	xor t1, t1, t2
	or t0, t0, t1
	.endm
	.macro kept action_x, action_f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	\action_x s\n, 8 * \n(sp)
	\action_f fs\n, 96 + 8 * \n(sp)
	.endr
	\action_x ra, 192(sp)
	.endm

	.globl registers_after_yield
registers_after_yield:
	addi sp, sp, -208
	kept sd, fsd
	sd a0, 200(sp)
	all_f fill_f
	all_x fill_x
	li a7, 124
	ecall
	ld a0, 200(sp)
	all_x compare_x
	all_x gather_x
	all_f compare_f
	mv a0, t0
	kept ld, fld
	addi sp, sp, 208
	ret
