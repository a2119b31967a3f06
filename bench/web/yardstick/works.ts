/** The works of the guest's program: kernels of `bench/cpu`, and what a program asks of its operating system. */
export const KERNELS = ['crc', 'sha256', 'quicksort', 'bytecode', 'nbody', 'parse', 'virtual'] as const;

export const SYSTEM_WORKS = ['syscall', 'page-fault', 'fork', 'pipe-copy', 'switch'] as const;

/** For people: what it does once. */
export const ABOUT: Readonly<Record<(typeof SYSTEM_WORKS)[number], string>> = {
  syscall: '1000 system calls',
  'page-fault': '256 fresh pages',
  fork: 'a process that ends at once',
  'pipe-copy': '100 times 4 KiB through a pipe',
  switch: '100 times a byte to another process and back',
};
