import { STAY_END } from './recorder.ts';

/** Numbers of SBI extensions as records have them, their lowest 24 bits (SBI specification 3.0). */
const SBI_EXTENSIONS: ReadonlyMap<number, string> = new Map([
  [0x00, 'legacy SET_TIMER'],
  [0x01, 'legacy CONSOLE_PUTCHAR'],
  [0x02, 'legacy CONSOLE_GETCHAR'],
  [0x03, 'legacy CLEAR_IPI'],
  [0x04, 'legacy SEND_IPI'],
  [0x05, 'legacy REMOTE_FENCE_I'],
  [0x06, 'legacy REMOTE_SFENCE_VMA'],
  [0x07, 'legacy REMOTE_SFENCE_VMA_ASID'],
  [0x08, 'legacy SHUTDOWN'],
  [0x10, 'BASE'],
  [0x494d45, 'TIME'],
  [0x735049, 'IPI'],
  [0x464e43, 'RFENCE'],
  [0x48534d, 'HSM'],
  [0x525354, 'SRST'],
  [0x504d55, 'PMU'],
  [0x42434e, 'DBCN'],
  [0x555350, 'SUSP'],
  [0x535441, 'STA'],
  [0x535345, 'SSE'],
  [0x574654, 'FWFT'],
]);
/** The extension with which guests of old clear their software interrupt themselves. */
export const CLEAR_IPI = 0x03;

/** Exceptions that a hypervisor gets (privileged specification, table of scause). */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  0: 'instruction address misaligned',
  1: 'instruction access fault',
  2: 'illegal instruction',
  3: 'breakpoint',
  4: 'load address misaligned',
  5: 'load access fault',
  6: 'store address misaligned',
  7: 'store access fault',
  12: 'instruction page fault',
  13: 'load page fault',
  15: 'store page fault',
  20: 'instruction guest-page fault',
  21: 'load guest-page fault',
  23: 'store guest-page fault',
};

/** Interrupts by the number in a cause register. */
const INTERRUPTS: Readonly<Record<number, string>> = {
  1: 'software interrupt',
  3: 'machine software interrupt',
  5: 'timer interrupt',
  7: 'machine timer interrupt',
  9: 'external interrupt',
  11: 'machine external interrupt',
  12: 'guest external interrupt',
  13: 'counter overflow',
};

/** The name of the event that ends a stay in the guest. */
export function stayEndName(end: number, detail: number): string {
  switch (end) {
    case STAY_END.yield:
      return 'exit: time or request';
    case STAY_END.wfi:
      return 'exit: WFI';
    case STAY_END.sbi:
      return `exit: SBI ${SBI_EXTENSIONS.get(detail) ?? `0x${detail.toString(16)}`}`;
    case STAY_END.virtual:
      return 'exit: virtual instruction';
    default:
      return `exit: ${EXCEPTIONS[detail] ?? `trap ${detail}`}`;
  }
}

/** An interrupt as the mode that takes it names it. */
export function interruptName(cause: number): string {
  return INTERRUPTS[cause] ?? `interrupt ${cause}`;
}

/** An interrupt of a vCPU by its number in HVIP: 2, 6 and 10 are those that a guest has as 1, 5 and 9. */
export function vcpuInterruptName(irq: number): string {
  return interruptName(irq === 2 || irq === 6 || irq === 10 ? irq - 1 : irq);
}
