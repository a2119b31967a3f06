/**
 * A script for a test's guest whose console carries what the script prints and nothing else.
 *
 * Linux warns on its console of much that a busy host causes ("hrtimer: interrupt took 12315300 ns"), in the middle of
 * a script's lines. Panics still appear.
 */
export function guestScript(script: string): string {
  return `dmesg -n 1\n${script}`;
}

/**
 * Lines with the numbers from 1 on, for files of a guest. Its own `seq` computes with floating point: 100,000 lines
 * take as much of the host's processor as to boot.
 */
export function countedLines(count: number): string {
  return Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('');
}

/**
 * Words for Debian's kernel that leave out a third of the CPU time of its start: self-tests of ciphers, certificates,
 * names of kernel probes. For tests that are not about the start itself.
 */
export const QUICK_START =
  'cryptomgr.notests initcall_blacklist=jent_mod_init,load_system_certificate_list,init_kprobe_trace';
