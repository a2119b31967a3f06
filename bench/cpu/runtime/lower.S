# From M-mode down to supervisor and user mode, and back.

#include "word.h"

        .equ    MPP_MASK, 0x1800
        .equ    MPP_SUPERVISOR, 0x800
        .equ    SPP, 0x100
        .equ    ECALL_FROM_USER, 8
        .equ    ECALL_FROM_SUPERVISOR, 9
#if __riscv_xlen == 64
        .equ    MODE, 8                 # Sv39
        .equ    MODE_SHIFT, 60
#else
        .equ    MODE, 1                 # Sv32
        .equ    MODE_SHIFT, 31
#endif
        .equ    SAVED, (13 * WORD + 15) & ~15
        .equ    FRAME, 32 * WORD
        .equ    USER_OFFSET, 0x40000000

        .text
# uint64_t run_in_supervisor(uint64_t (*function)(void), const struct address_space *space)
        .globl  run_in_supervisor
run_in_supervisor:
        addi    sp, sp, -SAVED
        SX      ra, 0(sp)
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        SX      s\n, WORD+WORD*\n(sp)
        .endr
        csrw    mscratch, sp
        # One region of physical memory protection that allows all of memory, if there is none yet.
        csrr    t0, pmpcfg0
        bnez    t0, 1f
        li      t0, -1
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
1:
        li      t0, 1 << ECALL_FROM_USER
        csrw    medeleg, t0
        la      t0, back
        csrw    mtvec, t0
        srli    a1, a1, 12
        li      t0, MODE
        slli    t0, t0, MODE_SHIFT
        or      a1, a1, t0
        csrw    satp, a1
        sfence.vma
        li      t0, MPP_MASK
        csrc    mstatus, t0
        li      t0, MPP_SUPERVISOR
        csrs    mstatus, t0
        csrw    mepc, a0
        la      ra, leave_supervisor
        mret

        .balign 4
back:   csrrw   t0, mcause, x0
        addi    t0, t0, -ECALL_FROM_SUPERVISOR
        beqz    t0, 1f
        addi    t0, t0, ECALL_FROM_SUPERVISOR
        csrw    mcause, t0
        csrw    satp, x0
        j       trap
1:      csrw    satp, x0
        sfence.vma
        la      t0, trap
        csrw    mtvec, t0
        csrr    sp, mscratch
        LX      ra, 0(sp)
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        LX      s\n, WORD+WORD*\n(sp)
        .endr
        addi    sp, sp, SAVED
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        ret

# void leave_supervisor(uint64_t result)
        .globl  leave_supervisor
leave_supervisor:
        ecall

# void enter_user(void (*function)(void)): on the same stack, further down, and all addresses moved
        .globl  enter_user
enter_user:
        la      t0, from_user
        csrw    stvec, t0
        csrw    sscratch, sp
        li      t0, SPP
        csrc    sstatus, t0
        li      t0, USER_OFFSET
        sub     a0, a0, t0
        csrw    sepc, a0
        li      t1, 16384
        sub     sp, sp, t1
        sub     sp, sp, t0
        sub     gp, gp, t0
        sret

        .balign 4
from_user:
        csrrw   sp, sscratch, sp
        addi    sp, sp, -FRAME
        SX      x1, 0(sp)
        .irp    n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        SX      x\n, WORD*\n-WORD(sp)
        .endr
        addi    t0, sp, FRAME
        csrrw   t0, sscratch, t0
        SX      t0, WORD(sp)
        csrr    t0, sepc
        SX      t0, 31*WORD(sp)
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        mv      a0, sp
        call    handle_trap
        LX      t0, 31*WORD(sp)
        csrw    sepc, t0
        LX      x1, 0(sp)
        .irp    n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        LX      x\n, WORD*\n-WORD(sp)
        .endr
        LX      sp, WORD(sp)
        sret
