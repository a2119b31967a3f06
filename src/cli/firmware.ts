import { type ConsoleName, diskCommandLine } from '../boot/command-line.ts';
import { isElf } from '../boot/elf.ts';
import { describeFile, isUnmarked } from '../boot/file-kind.ts';
import { readKernel, readKernelElf } from '../boot/kernel-image.ts';
import { InputError } from '../errors/input-error.ts';
import type { BareProgram, FirmwareImage } from '../machine/bare/boot.ts';
import type { Xlen } from '../machine/cpu.ts';
import type { DriveOptions } from '../node/drives/drive-options.ts';
import { readInputFile } from '../node/files.ts';
import { readInitrd, readKernelFile } from '../node/guests/load-guest.ts';
import { unpackers } from '../node/unpackers.ts';

/** The options that choose the software of a bare machine. */
export interface ProgramChoice {
  /** Without it the first disk has the kernel. */
  readonly file?: string | undefined;
  readonly bios?: string | undefined;
  readonly initrd?: string | undefined;
  readonly append?: string | undefined;
  readonly disk?: DriveOptions | undefined;
  /** Where the guest's terminal is. */
  readonly terminal: ConsoleName;
  /** Bytes of memory that the machine will have. */
  readonly memoryBytes: number;
  /** Width of the harts. */
  readonly xlen: Xlen;
}

/** The software of a bare machine. */
export interface LoadedProgram {
  /** For people. */
  readonly name: string;
  readonly program: BareProgram;
  /** The boot arguments of a kernel from a disk, with those of the person. */
  readonly bootArgs?: string;
}

/**
 * Reads the files that a bare machine starts: a program, or with `--bios` firmware and the kernel for it, which may be
 * that of the first disk.
 *
 * @throws InputError when files are missing or are not as they should be
 */
export async function loadProgram(choice: ProgramChoice): Promise<LoadedProgram> {
  const { file, bios, initrd, memoryBytes, xlen } = choice;
  if (bios === undefined) {
    if (file === undefined) throw new InputError(nothingToStart);
    if (initrd !== undefined) {
      throw new InputError(
        `--initrd ${initrd} is for a kernel, and a kernel needs firmware: give it with --bios.`,
      );
    }
    const image = await readFirmware(file, xlen, 'The program', 'FILE');
    return { name: file, program: { kind: 'program', image } };
  }
  const image = await readFirmware(bios, xlen, 'The firmware', '--bios');
  const given = initrd === undefined ? undefined : await readInitrd(initrd, memoryBytes);
  if (file === undefined) return loadFromDisk(choice, image, given);
  const kernel = await readKernelFile(file, 'FILE', xlen);
  return { name: file, program: { kind: 'firmware', image, kernel, ...(given && { initrd: given }) } };
}

const nothingToStart =
  'There is nothing to start: give a program as FILE, or firmware with --bios and a kernel as FILE or on a disk.';

async function loadFromDisk(
  { disk, memoryBytes, xlen, append, terminal }: ProgramChoice,
  image: FirmwareImage,
  given: Uint8Array | undefined,
): Promise<LoadedProgram> {
  if (disk === undefined) throw new InputError(nothingToStart);
  const { bootFromDisk } = await import('../node/guests/disk-guest.ts');
  const found = bootFromDisk(disk, memoryBytes, true);
  const kernel = await readKernel(found.kernel, found.source, unpackers, xlen);
  const initrd = given ?? found.initrd;
  return {
    name: found.source,
    program: { kind: 'firmware', image, kernel, ...(initrd && { initrd }) },
    bootArgs: diskCommandLine(found.words, append, terminal),
  };
}

async function readFirmware(path: string, xlen: Xlen, what: string, option: string): Promise<FirmwareImage> {
  const bytes = await readInputFile(path, what, option);
  if (isElf(bytes)) return { kind: 'elf', elf: readKernelElf(bytes, path, xlen), source: path };
  if (await isLinuxImage(bytes, path, xlen)) {
    throw new InputError(
      `${path} is a Linux kernel, which does not start in M-mode. Give the firmware for it with --bios, or start it ` +
        `below hartvisor's own SBI: hartvisor run --kernel ${path}.`,
    );
  }
  // Raw firmware has no mark.
  if (isUnmarked(bytes)) return { kind: 'raw', bytes, source: path };
  const kind = describeFile(bytes);
  throw new InputError(
    [`${path} cannot start in M-mode: it is ${kind.name}.`, kind.advice, wanted].filter(Boolean).join(' '),
  );
}

const wanted = 'Give a RISC-V ELF executable or raw firmware.';

async function isLinuxImage(bytes: Uint8Array, path: string, xlen: Xlen): Promise<boolean> {
  try {
    return (await readKernel(bytes, path, unpackers, xlen)).kind === 'image';
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}
