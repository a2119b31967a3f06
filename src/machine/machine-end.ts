import { type Control, END } from './control.ts';

/** How a machine ended. */
export type MachineEnd =
  | { readonly reason: 'poweroff' }
  | { readonly reason: 'reboot' }
  /** The guest reported a failure; `code` is its own. */
  | { readonly reason: 'failure'; readonly code: number }
  /** By `Machine.stop`. */
  | { readonly reason: 'stopped' }
  /** The guest cannot make progress; `message` says in whole sentences why. */
  | { readonly reason: 'stuck'; readonly message: string }
  /** Under `lockstep`: compiled and interpreted code do not do the same. `report` says in many lines how. */
  | { readonly reason: 'differs'; readonly report: string }
  /** A thread of ours failed. */
  | { readonly reason: 'defect'; readonly error: Error };

/** Reports of a machine's threads that decide how it ended. Of each kind the first one counts. */
export class EndReports {
  #defect: Error | undefined;
  #stuck = '';
  #difference = '';

  /** A thread of ours has failed. */
  fail(error: Error): void {
    this.#defect ??= error;
  }

  /** @param text says why the guest cannot make progress */
  stuck(text: string): void {
    this.#stuck ||= text;
  }

  /** @param text says how two harts in lock step differ */
  differs(text: string): void {
    this.#difference ||= text;
  }

  /** The end of the machine, once all of its threads have left. */
  endOf({ reason, code }: Control): MachineEnd {
    if (this.#defect !== undefined) return { reason: 'defect', error: this.#defect };
    // It may have been found when the machine had ended otherwise.
    if (this.#difference !== '') return { reason: 'differs', report: this.#difference };
    switch (reason) {
      case END.powerOff:
        return { reason: 'poweroff' };
      case END.reboot:
        return { reason: 'reboot' };
      case END.failure:
        return { reason: 'failure', code };
      case END.stuck:
        return { reason: 'stuck', message: this.#stuck };
      default:
        return { reason: 'stopped' };
    }
  }
}
