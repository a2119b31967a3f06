import { InputError } from '../errors/input-error.ts';
import type { GdbPlace } from '../node/gdb/gdb-server.ts';

/** For people. */
export const GDB_FORMS = 'tcp::PORT, tcp:HOST:PORT, unix:PATH';

/** The words about a debugger as they were typed. */
export interface GdbWords {
  readonly gdb?: string | undefined;
  readonly stopped?: true | undefined;
  readonly engine?: string | undefined;
}

/** Where a debugger can connect to a machine. */
export interface GdbOptions {
  readonly place: GdbPlace;
  /** As it was typed. */
  readonly word: string;
  /** The machine stands still until a debugger has it go on. */
  readonly stopped: boolean;
}

/**
 * Reads `--gdb`, in QEMU's words, and `-S`.
 *
 * @returns undefined for a machine without a debugger
 * @throws InputError with the possible values
 */
export function readGdb({ gdb, stopped, engine }: GdbWords): GdbOptions | undefined {
  if (gdb === undefined) {
    if (stopped !== true) return undefined;
    throw new InputError(
      '-S: nobody could have the machine go on. Add --gdb tcp::1234, and connect with gdb.',
    );
  }
  if (engine === 'lockstep')
    throw new InputError(
      '--engine lockstep: two harts in lock step cannot be debugged. Leave --gdb or --engine out.',
    );
  return { place: readPlace(gdb), word: gdb, stopped: stopped === true };
}

function readPlace(word: string): GdbPlace {
  const [, path] = /^unix:(.+)$/.exec(word) ?? [];
  if (path !== undefined) return { path };
  const [, host = '', digits] = /^tcp:(?:(.*):)?(\d{1,5})$/.exec(word) ?? [];
  const port = digits === undefined ? Number.NaN : Number(digits);
  if (port <= 0xffff) {
    const inBrackets = /^\[(.*)\]$/.exec(host)?.[1];
    // All who reach the port own the guest, so it is this machine's alone unless a host is said.
    return { host: (inBrackets ?? host) || '127.0.0.1', port };
  }
  throw new InputError(`--gdb ${word} is not possible; there are ${GDB_FORMS}, as in --gdb tcp::1234`);
}
