import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of the names of Debian's programs that make code for RISC-V. */
export const PREFIX = 'riscv64-linux-gnu-';

/** The programs that made an ELF file, as they name themselves. */
export interface Toolchain {
  readonly compiler: string;
  readonly linker: string;
}

const firstLine = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0];

/** The cross compiler and linker of this machine, or undefined where one of them is not installed. */
export function findToolchain(): Toolchain | undefined {
  try {
    return {
      compiler: firstLine(`${PREFIX}gcc`, ['--version']),
      linker: firstLine(`${PREFIX}ld`, ['--version']),
    };
  } catch {
    return undefined;
  }
}

/** Runs one of them. @throws when it is missing, or fails; its messages go to standard error */
export type RunTool = (tool: string, words: readonly string[]) => void;

/**
 * Has `work` run programs in a folder so that they leave the same bytes wherever that is: in plain words, and with
 * their own files elsewhere.
 */
export function withTools(directory: string, work: (run: RunTool) => void): void {
  const scratch = mkdtempSync(join(tmpdir(), 'guest-build-'));
  const env = { ...process.env, TMPDIR: scratch, LC_ALL: 'C' };
  try {
    work((tool, words) =>
      execFileSync(`${PREFIX}${tool}`, words, {
        ...{ cwd: directory, env },
        stdio: ['ignore', 'inherit', 'inherit'],
      }),
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
