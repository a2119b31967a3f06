/** Exit statuses of the command line. `docs/cli.md` and `--help` show them to people. */
export const EXIT_STATUS = {
  /** The guest powered off, or the person left with Ctrl-A x. */
  success: 0,
  /** A defect of hartvisor. */
  defect: 1,
  /** Options or files that cannot be used. */
  badInput: 2,
  /** The guest powered off and said that it failed. */
  guestFailure: 3,
  /** The guest asked for a reset. */
  reset: 4,
  /** The guest's Linux kernel panicked. */
  panic: 5,
  /** The guest could do nothing but trap for ever. */
  stuck: 6,
  /** `--timeout` passed; the status of coreutils' `timeout`. */
  timeout: 124,
} as const;

/** Where codes of guests end, so that a guest's failure does not look like a timeout or a signal. */
const largestGuestCode = 123;

/** The exit status for a failure code that `hartvisor machine` passes on: 1 to 123. */
export function statusOfGuestCode(code: number): number {
  return Math.min(Math.max(code, 1), largestGuestCode);
}

/** The statuses as `--help` shows them. */
export const exitStatusHelp = `

Exit status:
    0  the guest powered off, or you left with Ctrl-A x
    1  a defect of hartvisor
    2  options or files that cannot be used
    3  the guest powered off and reported a failure
    4  the guest asked for a reset (hartvisor ends instead, as QEMU does with -no-reboot)
    5  the guest's Linux kernel panicked
    6  the guest was stuck: it could do nothing but trap for ever
  124  --timeout passed
  128 + N  ended by signal N; 141 also when nobody reads the output any more`;

/** The same for `hartvisor machine`. */
export const machineStatusHelp = `${exitStatusHelp}

A failure code that the program gives to the test finisher or to tohost becomes the exit status, up to ${largestGuestCode}.`;
