import { InputError } from '../../errors/input-error.ts';
import { STORED } from './disk-name.ts';

/**
 * Keeps a disk for one user, in all tabs of this origin, until that is given up or the tab is gone. Those who only read
 * it can be several.
 *
 * @returns gives it up
 * @throws InputError when another one has it
 */
export function lockDisk(name: string, readOnly: boolean): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const mode = readOnly ? 'shared' : 'exclusive';
    navigator.locks
      .request(`hartvisor ${STORED}${name}`, { mode, ifAvailable: true }, (lock) => {
        if (lock === null) {
          reject(
            new InputError(
              `The disk ${STORED}${name} is in use by another machine, in this tab or another one: two would destroy what is ` +
                'on it. End that machine, close its tab, or open the disk with snapshot: true there and here.',
            ),
          );
          return undefined;
        }
        // The lock is held until this promise is fulfilled.
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}
