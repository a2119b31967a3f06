/** Errors of Linux by their numbers (include/uapi/asm-generic/errno-base.h and errno.h), and their texts. */
const ERRORS: ReadonlyMap<number, readonly [name: `E${string}`, text: string]> = new Map([
  [1, ['EPERM', 'the guest does not permit it']],
  [2, ['ENOENT', 'there is no such file or folder']],
  [4, ['EINTR', 'it was interrupted']],
  [5, ['EIO', 'the device reports an error']],
  [7, ['E2BIG', 'the arguments and the environment are too long']],
  [8, ['ENOEXEC', 'it is no program of this machine']],
  [9, ['EBADF', 'it is not open for that']],
  [11, ['EAGAIN', 'the guest has no more of what is needed for it now']],
  [12, ['ENOMEM', 'the guest has no memory for it']],
  [13, ['EACCES', 'permission is denied']],
  [16, ['EBUSY', 'it is in use']],
  [17, ['EEXIST', 'something is there already']],
  [18, ['EXDEV', 'both are not on the same file system']],
  [19, ['ENODEV', 'there is no such device']],
  [20, ['ENOTDIR', 'a part of the path is no folder']],
  [21, ['EISDIR', 'it is a folder']],
  [22, ['EINVAL', 'it cannot be done with that']],
  [24, ['EMFILE', 'the agent has no more room for it']],
  [26, ['ETXTBSY', 'it is a program that runs']],
  [27, ['EFBIG', 'the file would be too large']],
  [28, ['ENOSPC', 'no space is left']],
  [29, ['ESPIPE', 'it has no places to go to']],
  [30, ['EROFS', 'the file system cannot be written']],
  [31, ['EMLINK', 'there are too many links']],
  [32, ['EPIPE', 'nobody reads it any more']],
  [36, ['ENAMETOOLONG', 'the name is too long']],
  [38, ['ENOSYS', 'the kernel cannot do that']],
  [39, ['ENOTEMPTY', 'the folder is not empty']],
  [40, ['ELOOP', 'there are too many symbolic links']],
  [71, ['EPROTO', 'the request broke the protocol']],
  [95, ['EOPNOTSUPP', 'that is not supported']],
  [101, ['ENETUNREACH', 'the network cannot be reached']],
  [104, ['ECONNRESET', 'the connection was reset']],
  [110, ['ETIMEDOUT', 'the connection timed out']],
  [111, ['ECONNREFUSED', 'nobody listens there']],
  [113, ['EHOSTUNREACH', 'the host cannot be reached']],
  [122, ['EDQUOT', 'the quota is used up']],
  [125, ['ECANCELED', 'it was cancelled']],
]);

/** @returns the name of an error, and its text as the end of a sentence */
export function describeErrno(errno: number): { readonly name: `E${string}`; readonly text: string } {
  const [name, text] = ERRORS.get(errno) ?? [`E${errno}` as const, `error ${errno} of Linux`];
  return { name, text };
}
