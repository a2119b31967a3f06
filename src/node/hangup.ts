import { constants, fstatSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** Where a process shows the settings that it was started with; those of Linux by default. */
export interface ProcessFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file below /proc, or undefined. */
  read(path: string): string | undefined;
  readonly parent: number;
  /** Whether standard input is a character device. */
  readonly inputIsDevice: boolean;
}

/**
 * Whether the process was started such that a hangup shall not end it: by `nohup`. Node sets all signals back to their
 * defaults when it starts (src/node.cc, ResetSignalHandlers), so `nohup`'s setting of SIGHUP is gone by now, and only
 * its other traces tell:
 *
 * - shells leave the program that they started in `_`, and `nohup` passes it on;
 * - in place of a terminal, GNU's gives an input that cannot be read: a device that is open for writing only;
 * - a shell that itself runs under it (`nohup sh script`) still ignores the signal.
 */
export function ignoresHangup(facts: ProcessFacts = ownFacts()): boolean {
  if (basename(facts.env._ ?? '') === 'nohup') return true;
  const flags = /^flags:\s*([0-7]+)$/m.exec(facts.read('/proc/self/fdinfo/0') ?? '')?.[1];
  if (facts.inputIsDevice && flags !== undefined && isWriteOnly(Number.parseInt(flags, 8))) return true;
  const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(facts.read(`/proc/${facts.parent}/status`) ?? '')?.[1];
  // Bit 0 is signal 1, SIGHUP.
  return ignored !== undefined && (Number.parseInt(ignored.slice(-1), 16) & 1) !== 0;
}

function isWriteOnly(flags: number): boolean {
  return (flags & (constants.O_WRONLY | constants.O_RDWR)) === constants.O_WRONLY;
}

/** Lets a hangup do nothing from here on, if it did nothing when the process was started. */
export function keepIgnoringHangup(): void {
  if (ignoresHangup()) process.on('SIGHUP', () => undefined);
}

function ownFacts(): ProcessFacts {
  return {
    env: process.env,
    read: (path) => {
      try {
        return readFileSync(path, 'latin1');
      } catch {
        return undefined;
      }
    },
    parent: process.ppid,
    inputIsDevice: inputIsDevice(),
  };
}

function inputIsDevice(): boolean {
  try {
    return fstatSync(0).isCharacterDevice();
  } catch {
    return false;
  }
}
