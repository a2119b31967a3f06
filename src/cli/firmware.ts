import { isElf } from '../boot/elf.ts';
import { describeFile, isUnmarked } from '../boot/file-kind.ts';
import { readKernel, readKernelElf } from '../boot/kernel-image.ts';
import { InputError } from '../errors/input-error.ts';
import type { BareProgram, FirmwareImage } from '../machine/bare/boot.ts';
import type { Xlen } from '../machine/cpu.ts';
import { readInputFile } from '../node/files.ts';
import { readInitrd, readKernelFile } from '../node/guests/load-guest.ts';
import { unpackers } from '../node/unpackers.ts';

/** The options that choose the software of a bare machine. */
export interface ProgramChoice {
  readonly file: string;
  readonly bios?: string | undefined;
  readonly initrd?: string | undefined;
  /** Bytes of memory that the machine will have. */
  readonly memoryBytes: number;
  /** Width of the harts. */
  readonly xlen: Xlen;
}

/**
 * Reads the files that a bare machine starts: a program, or with `--bios` firmware and the kernel for it.
 *
 * @throws InputError when files are missing or are not as they should be
 */
export async function loadProgram(choice: ProgramChoice): Promise<BareProgram> {
  const { file, bios, initrd, memoryBytes, xlen } = choice;
  if (bios === undefined) {
    if (initrd !== undefined) {
      throw new InputError(
        `--initrd ${initrd} is for a kernel, and a kernel needs firmware: give it with --bios.`,
      );
    }
    return { kind: 'program', image: await readFirmware(file, xlen, 'The program', 'FILE') };
  }
  const image = await readFirmware(bios, xlen, 'The firmware', '--bios');
  const kernel = await readKernelFile(file, 'FILE', xlen);
  return {
    kind: 'firmware',
    image,
    kernel,
    ...(initrd === undefined ? {} : { initrd: await readInitrd(initrd, memoryBytes) }),
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
