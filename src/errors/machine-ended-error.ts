import { HartvisorError } from './hartvisor-error.ts';

/** A machine has ended, so that nothing can be asked of it any more. */
export class MachineEndedError extends HartvisorError {
  override readonly name = 'MachineEndedError';
  readonly code = 'ended';
}
