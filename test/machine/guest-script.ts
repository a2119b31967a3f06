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
 * Words for Debian's kernel that leave out a third of the CPU time of its start: self-tests of ciphers, certificates,
 * names of kernel probes. For tests that are not about the start itself.
 */
export const QUICK_START =
  'cryptomgr.notests initcall_blacklist=jent_mod_init,load_system_certificate_list,init_kprobe_trace';
