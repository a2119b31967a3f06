/** Says something while there may be a line of progress, which it leaves as it is. */
export function warn(text: string): void {
  process.stderr.write(`\nhartvisor: ${text}\n`);
}
