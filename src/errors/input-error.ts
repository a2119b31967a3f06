import { HartvisorError } from './hartvisor-error.ts';

/**
 * A mistake in what a person gave us (a file, an option, a configuration), not a defect of hartvisor.
 *
 * The message is shown to that person as it is, without a stack trace, so it says what is wrong, where, and what
 * to do about it, in whole sentences.
 */
export class InputError extends HartvisorError {
  override readonly name = 'InputError';
  readonly code = 'input';
}
