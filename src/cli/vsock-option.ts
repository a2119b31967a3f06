import { HIGHEST_CID, LOWEST_CID } from '../devices/virtio-vsock/facts.ts';
import { InputError } from '../errors/input-error.ts';
import { keyAndValue, wordsOf } from './word-list.ts';

/** Sockets between guest and host. */
export interface VsockOptions {
  /** The guest's address. */
  readonly cid: number;
  /** Where programs of the host find them. */
  readonly path: string;
}

/**
 * Reads `--vsock`, in the words of other VMMs: `socket=PATH[,cid=N]`.
 *
 * @returns undefined if the machine is to have no sockets
 * @throws InputError with the possible values
 */
export function readVsock(text: string | undefined): VsockOptions | undefined {
  if (text === undefined) return undefined;
  let cid = LOWEST_CID;
  let path = '';
  for (const word of wordsOf(text)) {
    const [key, value = ''] = keyAndValue(word);
    if (key === 'socket') path = value;
    else if (key === 'cid') cid = readCid(text, value);
    else throw new InputError(`--vsock ${text}: "${word}" is neither socket= nor cid=.`);
  }
  if (path === '') throw new InputError(`--vsock ${text}: there is no path. Name one, as socket=vsock.sock`);
  return { cid, path };
}

function readCid(text: string, value: string): number {
  const cid = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (cid >= LOWEST_CID && cid <= HIGHEST_CID) return cid;
  throw new InputError(
    `--vsock ${text}: the guest's address is a number of ${LOWEST_CID} to ${HIGHEST_CID}.`,
  );
}
