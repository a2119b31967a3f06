/** Options that QEMU spells with one dash and hartvisor, as other programs, with two. All of them take a value. */
const words = ['kernel', 'initrd', 'append', 'smp', 'bios', 'cpu', 'drive', 'netdev', 'gdb'];
const spellings = new Set(words.flatMap((word) => [`-${word}`, `--${word}`]));

/**
 * Gives QEMU's spellings of options (`-kernel FILE`, `-smp N`) the two dashes that the parser expects. What follows
 * such an option is left alone: it is the value.
 */
export function fromQemuWords(args: readonly string[]): string[] {
  const result: string[] = [];
  let valueNext = false;
  for (const [index, arg] of args.entries()) {
    if (arg === '--' && !valueNext) return [...result, ...args.slice(index)];
    const isOption: boolean = !valueNext && spellings.has(arg);
    result.push(isOption ? `--${arg.replace(/^-+/, '')}` : arg);
    valueNext = isOption;
  }
  return result;
}
