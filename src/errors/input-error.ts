import { HartvisorError } from './hartvisor-error.ts';

/**
 * A mistake in something that a person gave us (a file, an option, a configuration), not a defect of hartvisor.
 *
 * The message is shown to that person as it is, without a stack trace, so it names the fault, its place, and a remedy,
 * in whole sentences.
 */
export class InputError extends HartvisorError {
  override readonly name = 'InputError';
  readonly code = 'input';
}
