/**
 * A script for a test's guest whose console carries what the script prints and nothing else.
 *
 * Linux warns on its console of much that a busy host causes ("hrtimer: interrupt took 12315300 ns"), in the middle of
 * a script's lines. Panics still appear.
 */
export function guestScript(script: string): string {
  return `dmesg -n 1\n${script}`;
}
