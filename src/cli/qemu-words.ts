/** Options that QEMU spells with one dash and hartvisor, as other programs, with two. All of them take a value. */
const words = ['kernel', 'initrd', 'append', 'smp', 'bios'];

/**
 * Gives QEMU's spellings of options (`-kernel FILE`, `-smp N`) the two dashes that the parser expects. What follows an
 * option that takes a value is left alone: it is the value.
 */
export function fromQemuWords(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((arg, index) => {
    const isOption = arg.startsWith('-') && words.includes(arg.slice(1)) && (end < 0 || index < end);
    const isValue = index > 0 && words.includes(args[index - 1].replace(/^--?/, ''));
    return isOption && !isValue ? `-${arg}` : arg;
  });
}
