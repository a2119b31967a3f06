import { CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { InputError } from '../errors/input-error.ts';
import { pruneCachesLater } from '../node/cache-pruning.ts';
import { keepIgnoringHangup } from '../node/hangup.ts';
import { packageVersion } from '../node/package-version.ts';
import { printable } from '../node/printable.ts';
import { lastWords } from '../node/terminal-writer.ts';
import { EXEC_STATUS, EXIT_STATUS } from './exit-status.ts';
import { Interrupted } from './interrupted.ts';
import { defectText } from './outcome.ts';
import { createProgram } from './program.ts';
import { fromQemuWords } from './qemu-words.ts';

/**
 * Runs the command line and ends the process.
 *
 * @param args - without the program's own name
 */
export async function runCli(args: readonly string[]): Promise<void> {
  keepIgnoringHangup();
  // An error that nobody waits for ends the process as well; its exit gives the terminal back.
  process.on('uncaughtException', (error) => process.exit(reportError(error)));
  process.on('unhandledRejection', (error) => process.exit(reportError(error)));
  // Messages go unread when the other end of a pipe is closed; that is no reason to fail.
  process.stderr.on('error', () => undefined);
  pruneCachesLater();
  process.exit(await statusOf(args));
}

async function statusOf(args: readonly string[]): Promise<number> {
  const finished = { status: EXIT_STATUS.success as number };
  const program = createProgram(packageVersion(), finished);
  for (const command of withSubcommands(program)) {
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'hartvisor: ')),
    });
  }
  try {
    await program.parseAsync(fromQemuWords(args), { from: 'user' });
    return finished.status;
  } catch (error) {
    const status = reportError(error);
    // Else its own mistakes look like the command's.
    return status === EXIT_STATUS.success || args[0] !== 'exec' ? status : EXEC_STATUS.own;
  }
}

function withSubcommands(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** Tells the person of an error. @returns the exit status */
function reportError(error: unknown): number {
  // The parser has printed its message, or the help that was asked for.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? EXIT_STATUS.success : EXIT_STATUS.badInput;
  if (error instanceof Interrupted) {
    lastWords(`hartvisor: ${printable(error.message)}\n`);
    return error.status;
  }
  if (error instanceof InputError) {
    lastWords(`hartvisor: ${printable(error.message)}\n`);
    return EXIT_STATUS.badInput;
  }
  lastWords(`hartvisor: ${printable(defectText(error))}\n`);
  return EXIT_STATUS.defect;
}
