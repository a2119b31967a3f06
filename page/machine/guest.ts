import type { Settings } from './settings.ts';

/** A file that lies beside the list of a guest. */
export interface GuestFile {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
}

/** A machine that has booted with some settings. */
export interface GuestImage extends GuestFile, Pick<Settings, 'cpus' | 'memoryMiB' | 'protocol' | 'aia'> {}

/** The guest of a page, as `npm run build:web` and `hartvisor web` write it. */
export interface Guest {
  /** For people. */
  readonly name: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Words for its kernel when it boots. */
  readonly append: string;
  readonly image: (GuestImage & { readonly url: string }) | undefined;
}

/** The list of a guest that cannot be had. */
class GuestError extends Error {
  override readonly name = 'GuestError';
}

/**
 * Fetches the list of a guest.
 *
 * @param base address of its folder, with a slash at its end
 * @throws GuestError in whole sentences
 */
export async function fetchGuest(base: URL, signal?: AbortSignal): Promise<Guest> {
  const url = new URL('guest.json', base);
  const list = await fetchList(url, signal);
  if (!isManifest(list)) throw new GuestError(`${url.href} is no list of a guest that this page knows.`);
  const address = ({ file }: GuestFile) => new URL(file, base).href;
  const { name, kernel, initrd, append = '', image } = list;
  return {
    name,
    kernel: address(kernel),
    initrd: address(initrd),
    append,
    image: image === undefined ? undefined : { ...image, url: address(image) },
  };
}

/** The image with which a machine with these settings can begin; undefined if it has to boot. */
export function imageFor({ image }: Guest, settings: Settings): Guest['image'] {
  if (image === undefined) return undefined;
  const same = (['cpus', 'memoryMiB', 'protocol', 'aia'] as const).every(
    (key) => image[key] === settings[key],
  );
  return same ? image : undefined;
}

async function fetchList(url: URL, signal: AbortSignal | undefined): Promise<unknown> {
  const response = await fetch(url, signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
  if (response === undefined)
    throw new GuestError(
      navigator.onLine
        ? `The guest cannot be fetched: no answer from ${url.origin}. Try again in a moment.`
        : 'This computer is offline, so that the guest cannot be fetched. Try again when it is back.',
    );
  if (response.status === 404)
    throw new GuestError(
      'There is no guest beside this page. Build it with the page: npm run build:web, or start hartvisor web.',
    );
  if (!response.ok)
    throw new GuestError(`The guest cannot be fetched: the server answers ${response.status}.`);
  return response.json().catch(() => undefined);
}

interface Manifest {
  readonly name: string;
  readonly kernel: GuestFile;
  readonly initrd: GuestFile;
  readonly append?: string;
  readonly image?: GuestImage;
}

function isManifest(list: unknown): list is Manifest {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null;
  const isFile = (value: unknown) => isObject(value) && typeof value.file === 'string';
  if (!isObject(list) || list.format !== 1 || typeof list.name !== 'string') return false;
  if (!['string', 'undefined'].includes(typeof list.append)) return false;
  return isFile(list.kernel) && isFile(list.initrd) && (list.image === undefined || isFile(list.image));
}
