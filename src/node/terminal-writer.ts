import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';

/** A descriptor of a standard stream that is written to. */
export type WrittenStream = 1 | 2;

/** Milliseconds to the next try where the terminal took something, and the most where it takes nothing. */
const SOON = 1;
const SELDOM = 50;

/**
 * Writes to a terminal without ever waiting for it: Node's own streams for terminals write synchronously, so that one
 * that nobody reads (a window that hangs, a multiplexer that was stopped) would hold the whole thread. What the
 * terminal does not take is tried again, and meanwhile {@link Writable.write} says that it is enough.
 */
export class TerminalWriter extends Writable {
  readonly isTTY = true;
  readonly #descriptor: number;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /** @param descriptor - one whose writes do not wait (`O_NONBLOCK`), such as {@link reopenTerminal} gives */
  constructor(descriptor: number) {
    super({ decodeStrings: true });
    this.#descriptor = descriptor;
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#put(bytes, SOON, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#retry);
    done(error);
  }

  #put(bytes: Uint8Array, pause: number, done: (error?: Error | null) => void): void {
    let taken: number;
    try {
      taken = tryWrite(this.#descriptor, bytes);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (taken === bytes.length) {
      done();
      return;
    }
    const next = taken > 0 ? SOON : Math.min(2 * pause, SELDOM);
    this.#retry = setTimeout(() => this.#put(bytes.subarray(taken), next, done), next);
  }
}

/** Writes the bytes that are taken at once. @returns how many bytes that were */
function tryWrite(descriptor: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0;
    throw error;
  }
}

/**
 * Opens the terminal behind a standard stream a second time, so that its writes do not wait while those of the shell
 * and all others that share the stream do. The descriptor lives until the process ends.
 *
 * @returns undefined where that cannot be done
 */
export function reopenTerminal(stream: WrittenStream): number | undefined {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  const { rdev } = fstatSync(stream);
  const own = tryOpen(`/proc/self/fd/${stream}`, flags);
  if (own !== undefined) {
    if (fstatSync(own).rdev === rdev) return own;
    closeSync(own);
  }
  // After a change of the user the terminal itself may not be opened, but everyone may open its second name.
  return controllingTerminal() === rdev ? tryOpen('/dev/tty', flags) : undefined;
}

function tryOpen(path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags);
  } catch {
    return undefined;
  }
}

/** The device number of the terminal that this process belongs to (proc_pid_stat(5), field 7). */
function controllingTerminal(): number | undefined {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
  } catch {
    return undefined;
  }
}

/** How long the last words of a process may take. */
const LAST_MILLISECONDS = 500;

/** Writes to stderr just before the process ends: not for ever, although a terminal may not be read. */
export function lastWords(text: string): void {
  const descriptor = process.stderr.isTTY ? reopenTerminal(2) : undefined;
  if (descriptor === undefined) {
    process.stderr.write(text);
    return;
  }
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + LAST_MILLISECONDS;
  for (let rest: Uint8Array = Buffer.from(text); rest.length > 0 && performance.now() < end; ) {
    try {
      const taken = tryWrite(descriptor, rest);
      rest = rest.subarray(taken);
      // A word of our own that nobody notifies: a pause.
      if (taken === 0) Atomics.wait(sleep, 0, 0, SOON);
    } catch {
      // The terminal is gone.
      return;
    }
  }
}
