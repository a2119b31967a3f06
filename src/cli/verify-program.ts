/** The grammar of `hartvisor verify` and `hartvisor stress`. */
import type { Command } from '@commander-js/extra-typings';
import { InputError } from '../errors/input-error.ts';
import { verifyStatusHelp } from './exit-status.ts';
import type { Finished } from './finished.ts';

const fileText = 'a module of yours, JavaScript or TypeScript, with protocols or scenarios (docs/verify.md)';

function oneFile(path: string, before: string | undefined): string {
  if (before === undefined) return path;
  throw new InputError(
    `--file ${before} --file ${path}: one file is possible. It may export any number of protocols and scenarios, also those that it imports.`,
  );
}

const verifyHelp = `
Examples:
  hartvisor verify                                  all protocols in the default scenarios
  hartvisor verify --protocol take-mirror --scenario '*timer*'
  hartvisor verify --file mine.ts                   a protocol of your own
  hartvisor verify --memory rvwmo                   the C code on RISC-V hardware (docs/memory.md)
  hartvisor verify explain published                its shortest counterexample
  hartvisor verify explain take-mirror mail --without 'flush .aq'   what an order is for
  hartvisor verify replay published/ipi-after-round the same on real threads`;

const litmusHelp = `
Without --herd-log only tests in a folder named SAFE are judged: there the execution in question is to be forbidden.
(Not those with fencei in their name: RVWMO has no rule for fence.i, and the suite's folder assumes one.)
Annotations of plain loads and stores (lw.aq, sw.rl) are taken as RCpc, as the published RISC-V suite and herd7's
riscv.cat do; the Zalasr extension, which came later, has them RCsc.

Exit status:
   0  no judged test disagrees
   1  a test disagrees
   2  a directory or a file that cannot be used, or no test could be run`;

/** Adds `verify` with its subcommands. */
export function addVerify(program: Command, finished: Finished): void {
  const verify = addMatrix(program, finished);
  addExplain(verify, finished);
  addReplay(verify, finished);
  addLitmus(verify, finished);
}

type Verify = ReturnType<typeof addMatrix>;

/** Adds `verify` itself, which gives all verdicts. */
function addMatrix(program: Command, finished: Finished) {
  return program
    .command('verify')
    .description('Prove interrupt protocols, or refute them: explores everything that their threads can do.')
    .helpCommand(false)
    .option('--protocol <names...>', 'protocols (default: all, or those of --file)')
    .option('--scenario <names...>', 'scenarios or their groups, * stands for any text (default: default)')
    .option('--file <path>', fileText, oneFile)
    .option('--max-states <n>', 'give up a scenario after so many states (default: 50000000)')
    .option('--max-time <seconds>', 'give up a scenario after this time (default: 600)')
    .option('--memory <model>', 'sc: what JavaScript guarantees; rvwmo: the C code on RISC-V hardware', 'sc')
    .option('--weaken', 'take away each order of the C code in turn, and tell which are needed')
    .option('--list', 'show the scenarios and what they are about, and end')
    .option('--json', 'print the results as JSON')
    .addHelpText('after', verifyHelp + verifyStatusHelp)
    .action(async (options) => {
      const { verifyCommand } = await import('./verify-command.ts');
      finished.status = await verifyCommand(options);
    });
}

function addExplain(verify: Verify, finished: Finished): void {
  verify
    .command('explain')
    .description('Show the shortest counterexample of a protocol, step by step.')
    .argument('[protocol]', 'name of the protocol (default: that of --file)')
    .argument('[scenario]', 'name of the scenario (default: the one with the shortest)')
    .option('--file <path>', fileText, oneFile)
    .option(
      '--without <words>',
      'take one order of the C code away, under rvwmo: words of its row in --weaken',
    )
    .option('--c', 'show it in the C code of the protocol')
    .option('--html <path>', 'write a page with a sequence diagram')
    .option('--mermaid', 'print a Mermaid sequence diagram')
    .option('--litmus', 'print a RISC-V litmus test, as herd7 reads it')
    .option('--promela', 'print the threads as a model for SPIN; it needs no counterexample (sc only)')
    .option('--json', 'print it as JSON')
    .action(async (protocol, scenario, _options, command) => {
      const { explainCommand } = await import('./verify-explain.ts');
      finished.status = await explainCommand(protocol, scenario, command.optsWithGlobals());
    });
}

function addReplay(verify: Verify, finished: Finished): void {
  verify
    .command('replay')
    .description('Run a counterexample on real worker threads, in the order of its schedule.')
    .argument('<id>', 'PROTOCOL/SCENARIO')
    .argument('[schedule]', 'a schedule as explain prints it (default: that of the shortest counterexample)')
    .option('--file <path>', fileText, oneFile)
    .action(async (id, schedule, _options, command) => {
      const { replayCommand } = await import('./verify-replay.ts');
      finished.status = await replayCommand(id, schedule, command.optsWithGlobals());
    });
}

function addLitmus(verify: Verify, finished: Finished): void {
  verify
    .command('litmus')
    .description('Run litmus tests by the RVWMO axioms of --memory rvwmo, and compare with expected results.')
    .argument('<dir>', 'directory with .litmus files for RISC-V, anywhere below it')
    .option('--herd-log <file>', 'what herd7 prints for these tests: the expected results (default: folders)')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', litmusHelp)
    .action(async (dir, _options, command) => {
      const { litmusCommand } = await import('./verify-litmus.ts');
      finished.status = await litmusCommand(dir, command.optsWithGlobals());
    });
}

/** Adds `stress`. */
export function addStress(program: Command, finished: Finished): void {
  program
    .command('stress')
    .description(
      'Let threads send interrupts to a vCPU on another one as fast as they can, and count what arrives.',
    )
    .option('--protocol <name>', 'one protocol (default: all, one after the other)')
    .option('--seconds <n>', 'for each protocol', '10')
    .option('--senders <n>', 'sending threads', '1')
    .addHelpText('after', '\nThe exit status is 0 when nothing was lost, doubled or wrong, and 10 otherwise.')
    .action(async (options) => {
      const { stressCommand } = await import('./stress-command.ts');
      finished.status = await stressCommand(options);
    });
}
