import { HartvisorError } from '../errors/hartvisor-error.ts';
import { describeErrno } from './errno.ts';

/**
 * The kind of an {@link AgentError}, for programs:
 *
 * - `disconnected`: the agent is gone, or the machine has ended.
 * - `protocol`: the agent breaks the protocol; it is not listened to any more.
 * - `version`: the agent is of another version of the protocol.
 * - `timeout`: the time that was given has passed.
 * - `too-much-output`: a command wrote more than is kept.
 * - any other one is the name of an error of Linux in the guest, such as `ENOENT`.
 */
export type AgentErrorCode =
  | 'disconnected'
  | 'protocol'
  | 'version'
  | 'timeout'
  | 'too-much-output'
  | `E${string}`;

/** Something that was asked of the agent in a guest did not come about; the message is a sentence for people. */
export class AgentError extends HartvisorError {
  override readonly name = 'AgentError';
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An error of Linux in the guest. @param what names the request, as the beginning of a sentence */
export function guestError(errno: number, what: string): AgentError {
  const { name, text } = describeErrno(errno);
  return new AgentError(name, `${what}: ${text} (${name}).`);
}
