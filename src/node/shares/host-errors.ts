import { ERRNO, FolderError } from '../../shared-folders/errno.ts';

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(ERRNO),
  // Node's word for it.
  ['ENOTSUP', ERRNO.EOPNOTSUPP],
]);

/** Makes calls of the host, whose errors become those that a guest is told. */
export function hostCall<T>(call: () => T): T {
  // An error that is expected needs no record of where it came from, which takes longer than the call.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return call();
  } catch (error) {
    throw asFolderError(error);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function asFolderError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return error;
  const errno = NUMBERS.get(code);
  if (errno !== undefined) return new FolderError(errno);
  // Errors of Node itself, which has found an argument impossible.
  return code.startsWith('ERR_') ? new FolderError(ERRNO.EINVAL) : error;
}
