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
  /** With `--engine lockstep`: compiled and interpreted code did not do the same. */
  differs: 7,
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
    7  with --engine lockstep: compiled and interpreted code did not do the same
  124  --timeout passed
  128 + N  ended by signal N; 141 also when nobody reads the output any more`;

/** The same for `hartvisor machine`. */
export const machineStatusHelp = `${exitStatusHelp}

A failure code that the program gives to the test finisher or to tohost becomes the exit status, up to ${largestGuestCode}.`;

/** Statuses of `hartvisor exec` beside those of its commands, as env(1) and containers have them. */
export const EXEC_STATUS = {
  timeout: EXIT_STATUS.timeout,
  /** It did not get as far as the command, or lost it. */
  own: 125,
  /** The command cannot be started. */
  notStarted: 126,
  /** There is no such command. */
  notFound: 127,
} as const;

/** The statuses of `hartvisor exec` as `--help` shows them. */
export const execStatusHelp = `

Exit status: that of the command, or
  124      --timeout passed
  125      hartvisor's own: options or files that cannot be used, a guest that does not start or ends before the command
  126      the command cannot be started
  127      there is no such command
  128 + N  signal N ended the command; 141 also when nobody reads the output any more`;

/** Statuses of `hartvisor verify` above 2 begin here, so that a verdict never looks like a mistake or a defect. */
const verdictStatus = 9;

/** The exit status for a status of the checker (`VERIFY_STATUS`): 0 stays, the others move up. */
export function statusOfVerdict(status: number): number {
  return status === 0 ? EXIT_STATUS.success : status + verdictStatus;
}

/** Exit statuses of `hartvisor verify` as `--help` shows them. */
export const verifyStatusHelp = `

Exit status, of the gravest result:
   0  proven, every protocol in every scenario
   1  a defect of hartvisor
   2  options or files that cannot be used
  10  violated: there is a counterexample
  11  not proven: a limit was reached
  12  fault: the protocol does not do the same twice
  13  fault: a shared word is accessed without Atomics
  14  fault: the protocol catches the exception by which the checker suspends it
  15  fault: a thread goes on for ever without touching a shared word
  16  fault: an access that the checker has no model for
  17  fault: the replay does not end as the exploration, or real threads do not as the replay`;
