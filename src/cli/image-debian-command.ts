import { readFile } from 'node:fs/promises';
import { parseDiskSize } from '../api/quantities.ts';
import { InputError } from '../errors/input-error.ts';
import { STOPPED } from './debian-disk.ts';
import { fetchProgress } from './fetch-progress.ts';
import { interruptible } from './interrupted.ts';
import { warn } from './warn.ts';

/** Options of `hartvisor image debian` as the parser gives them. */
export interface ImageDebianOptions {
  readonly output: string;
  readonly size: string;
  readonly suite?: string | undefined;
  readonly package?: readonly string[] | undefined;
  readonly mirror?: string | undefined;
  readonly hostname: string;
  readonly sshKey?: readonly string[] | undefined;
}

/**
 * `hartvisor image debian`: a disk with a Debian on it.
 *
 * @returns a line about it
 * @throws InputError for options that cannot be, and where something is missing
 */
export async function imageDebianCommand(options: ImageDebianOptions): Promise<string> {
  const { output: file, suite, mirror, hostname, package: packages = [] } = options;
  const size = parseDiskSize(options.size);
  checkWord('--suite', suite, /^[a-z][a-z0-9-]*$/, 'a release of Debian, as trixie');
  checkWord('--hostname', hostname, /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i, 'letters, digits and hyphens');
  checkWord('--mirror', mirror, /^https?:\/\/[^\s"]+$/, 'an address, as http://deb.example.org/debian');
  const sshKeys = (await Promise.all((options.sshKey ?? []).map(readSshKeys))).flat();
  const { debianImage } = await import('../node/debian/image/debian-image.ts');
  const progress = fetchProgress(process.stderr);
  const made = await interruptible(
    (signal) =>
      debianImage({
        ...{ file, size, suite, mirror, hostname, sshKeys, packages, signal },
        onProgress: progress.report,
        onWarning: warn,
      }).finally(progress.done),
    STOPPED,
  );
  const mebibytes = Math.ceil(made.fileBytes / 2 ** 20);
  return `${file}: Debian with ${made.packages} packages, ${mebibytes} MiB. Start it: hartvisor run --net --disk ${file}\n`;
}

/**
 * Reads public keys for `authorized_keys`.
 *
 * @throws InputError where there are none, or a private one
 */
export async function readSshKeys(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new InputError(`--ssh-key ${file} cannot be read: ${error.message}.`);
  });
  if (/PRIVATE KEY/.test(text))
    throw new InputError(`--ssh-key ${file} is a private key. Give the public one, as ${file}.pub.`);
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length > 0 && keys.every((line) => /(^|\s)(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ AAAA/.test(line)))
    return keys;
  throw new InputError(`--ssh-key ${file} is no public key of ssh. \`ssh-keygen -t ed25519\` makes one.`);
}

function checkWord(option: string, word: string | undefined, pattern: RegExp, possible: string): void {
  if (word === undefined || pattern.test(word)) return;
  throw new InputError(`${option} ${word} is not possible: give ${possible}.`);
}
