/**
 * Errors for programs that use hartvisor: the message is for people, in whole sentences, and `code` is for programs.
 */
export abstract class HartvisorError extends Error {
  /** A word in small letters; it stays the same from version to version. */
  abstract readonly code: string;
}
