import { parseDiskSize } from '../api/quantities.ts';
import { InputError } from '../errors/input-error.ts';
import { createImage } from '../node/drives/create-image.ts';
import { DRIVE_FORMATS } from '../node/drives/formats.ts';

/** Options of `hartvisor image create` as the parser gives them. */
export interface ImageCreateOptions {
  readonly format: string;
  readonly backing?: string | undefined;
  readonly backingFormat?: string | undefined;
}

/**
 * `hartvisor image create`: a new qcow2 image.
 *
 * @returns a line about it
 * @throws InputError for options and files that cannot be used
 */
export function imageCreateCommand(
  file: string,
  size: string | undefined,
  options: ImageCreateOptions,
): string {
  const { format, backing, backingFormat: word } = options;
  if (format !== 'qcow2')
    throw new InputError(
      `-f ${format}: images are made in the format qcow2. \`truncate -s 4G ${file}\` makes a raw disk.`,
    );
  const backingFormat = DRIVE_FORMATS.find((known) => known === word);
  if (word !== undefined && backingFormat === undefined)
    throw new InputError(`-F ${word} is not possible; hartvisor has ${DRIVE_FORMATS.join(', ')}.`);
  if (word !== undefined && backing === undefined)
    throw new InputError(`-F ${word} says what a backing file is. Name it by -b.`);
  const bytes = createImage({
    ...{ file, backing, backingFormat },
    size: size === undefined ? undefined : parseDiskSize(size),
  });
  const below = backing === undefined ? '' : `, over ${backing}`;
  return `${file}: a disk of ${bytes} bytes${below}.\n`;
}
