import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../../src/errors/input-error.ts';
import { unpackMembers } from '../../../src/node/debian/command.ts';
import { privateApt } from '../../../src/node/debian/private-apt.ts';

/** The last release with a kernel for processors of 32 bits. */
const SUITE = 'bookworm';
/** It depends on the kernel of the day. */
const KERNEL = 'linux-image-686';
/** Firmware, as QEMU has it. */
const FIRMWARE = 'seabios';

/** The files that a PC starts with. */
export interface PcFiles {
  /** The package with the kernel. */
  readonly name: string;
  readonly kernel: Uint8Array;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
}

/**
 * Fetches Debian's kernel and firmware for a PC of 32 bits: 52 MB, most of it drivers that are not unpacked.
 *
 * @param directory in which apt has its state
 * @throws InputError where they cannot be had
 */
export async function fetchPcFiles(directory: string, onProgress: (line: string) => void): Promise<PcFiles> {
  onProgress(`Fetching ${KERNEL} and ${FIRMWARE} of Debian ${SUITE}`);
  const apt = await privateApt(directory, { suite: SUITE, architecture: 'i386' });
  await apt.update();
  const [name] = (await apt.dependencies(KERNEL)).filter((each) => each.startsWith('linux-image-'));
  if (name === undefined) throw new InputError(`Debian ${SUITE} has a package ${KERNEL} without a kernel.`);
  const packages = join(directory, 'packages');
  const tree = join(directory, 'tree');
  for (const folder of [packages, tree]) mkdirSync(folder);
  await apt.download([name, FIRMWARE], packages, () => undefined);
  for (const file of readdirSync(packages)) {
    const members = file.startsWith(FIRMWARE) ? './usr/share/seabios/*' : './boot/vmlinuz-*';
    await unpackMembers(join(packages, file), tree, [members]);
  }
  const [kernel] = readdirSync(join(tree, 'boot'));
  const firmware = (file: string) => readFileSync(join(tree, 'usr/share/seabios', file));
  return {
    name,
    kernel: readFileSync(join(tree, 'boot', kernel)),
    bios: firmware('bios.bin'),
    vgaBios: firmware('vgabios-stdvga.bin'),
  };
}
