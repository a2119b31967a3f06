# Entry, and what C cannot say: the agent has no C library.

	.globl _start
_start:
	mv a0, sp
	andi sp, sp, -16
	tail run_agent

# long start_child(long flags, void *stack_top, void (*run)(void))
#
# clone(2) with a stack of its own: the child keeps all registers but a0.
	.globl start_child
start_child:
	mv a5, a2
	li a2, 0
	li a3, 0
	li a4, 0
	li a7, 220
	ecall
	beqz a0, 1f
	ret
1:	jalr a5
	ebreak
