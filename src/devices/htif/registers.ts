/**
 * The words that a program and its host exchange through `tohost` and `fromhost`, eight bytes each: the host-target
 * interface of the RISC-V front-end server (riscv-isa-sim, fesvr/device.h and fesvr/syscall.cc) as riscv-tests use
 * it (env/v/vm.c, benchmarks/common/syscalls.c). Bits 63:56 name a device, 55:48 a command, 47:0 are its argument.
 */
const DEVICE = { SYSCALL: 0, CONSOLE: 1 } as const;

const CONSOLE_COMMAND = { READ: 0, WRITE: 1 } as const;

/** System calls of the proxy kernel that programs make: the number stands first in their block of arguments. */
export const SYSCALL = { WRITE: 64 } as const;

/** The request of a word in `tohost`. */
export type HtifRequest =
  | { readonly kind: 'none' }
  /** The program has ended; 0 means that it passed, for riscv-tests else the number of the test that failed. */
  | { readonly kind: 'exit'; readonly code: number }
  /** `block` is the guest-physical address of eight 64-bit words: a system call's number and arguments. */
  | { readonly kind: 'syscall'; readonly block: number }
  | { readonly kind: 'putchar'; readonly byte: number }
  | { readonly kind: 'unknown'; readonly device: number; readonly command: number };

/**
 * Reads a word of `tohost`.
 *
 * @param lo - bits 31:0, unsigned
 * @param hi - bits 63:32, unsigned
 */
export function decodeTohost(lo: number, hi: number): HtifRequest {
  if (lo === 0 && hi === 0) return { kind: 'none' };
  const device = hi >>> 24;
  const command = (hi >>> 16) & 0xff;
  const payload = (hi & 0xffff) * 2 ** 32 + lo;
  if (device === DEVICE.SYSCALL && command === 0) {
    return payload % 2 === 1
      ? { kind: 'exit', code: (payload - 1) / 2 }
      : { kind: 'syscall', block: payload };
  }
  if (device === DEVICE.CONSOLE && command === CONSOLE_COMMAND.WRITE)
    return { kind: 'putchar', byte: payload & 0xff };
  return { kind: 'unknown', device, command };
}
