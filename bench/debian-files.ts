import { type DebianGuest, debianGuest } from '../src/node/debian/debian-guest.ts';

/** Debian's kernel and busybox. @throws InputError when they cannot be had */
export async function debianFiles(onProgress: (line: string) => void): Promise<DebianGuest> {
  let step = '';
  return debianGuest({
    onProgress: ({ message }) => {
      if (message !== step) onProgress(message);
      step = message;
    },
  });
}
