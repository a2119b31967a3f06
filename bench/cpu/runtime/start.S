# Entry of a kernel on the bare machine: hart 0 in M-mode at the start of RAM.

#include "word.h"

        .section .text.start, "ax"
        .globl _start
_start:
        csrr    t0, mhartid
        bnez    t0, park
        la      t0, trap
        csrw    mtvec, t0
        li      t0, 0x2200              # mstatus.FS and VS = Initial; without vectors there is no VS
        csrs    mstatus, t0
        fscsr   x0
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        la      sp, __stack_top
        la      t0, __bss_start
        la      t1, __bss_end
1:      bgeu    t0, t1, 2f
        SX      x0, 0(t0)
        addi    t0, t0, WORD
        j       1b
2:      call    start_kernel
park:   wfi
        j       park

        .balign 4
        .globl  trap
trap:   csrr    a0, mcause
        csrr    a1, mepc
        csrr    a2, mtval
        call    report_trap
        j       park
