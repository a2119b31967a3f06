# Entry of a Linux program without a C library, and the one system call that C cannot make: a new thread.

        .section .text
        .globl  _start
_start:
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        mv      a0, sp                  # argc, then the arguments
        andi    sp, sp, -16
        call    start_program
        li      a7, 94                  # exit_group
        ecall

# long start_thread(void (*run)(void), void *stack_top, long flags): the new thread's number, or a negative error
        .globl  start_thread
start_thread:
        mv      t0, a0
        mv      a0, a2
        li      a2, 0
        li      a3, 0
        li      a4, 0
        li      a7, 220                 # clone: flags, stack, and nothing to store
        ecall
        beqz    a0, 1f
        ret
1:      jalr    t0
        li      a0, 0
        li      a7, 93                  # exit, of this thread alone
        ecall
