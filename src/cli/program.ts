import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { CONSOLES } from '../boot/command-line.ts';
import { AIA, DOMAIN_AIA, VIRTIO_TRANSPORTS } from '../devices/descriptor.ts';
import { IMSIC } from '../devices/imsic/facts.ts';
import { PROTOCOLS } from '../interrupts/protocols.ts';
import type { MachineConfig } from '../machine/config.ts';
import { CPU_NAMES, DEFAULT_CPU, readCpu } from '../machine/cpu.ts';
import { DEFAULT_ENGINE, ENGINES } from '../machine/engine.ts';
import { DRIVE_FORMATS } from '../node/drives/formats.ts';
import { GUEST_NAMES } from '../node/guests/load-guest.ts';
import type { NodeHost } from '../node/node-host.ts';
import { defaultMemory, maximumCpus } from './choices.ts';
import { execStatusHelp, exitStatusHelp, machineStatusHelp } from './exit-status.ts';
import type { Finished } from './finished.ts';
import { GDB_FORMS } from './gdb-option.ts';
import { IMAGE_DEFAULTS } from './image-defaults.ts';
import { SERIAL_FORMS } from './serial-option.ts';
import { addStress, addVerify } from './verify-program.ts';

const protocols = PROTOCOLS.map((protocol) => protocol.name).join(', ');

const cpuHelp = `the harts: ${CPU_NAMES.join(', ')}; behind it extensions as ,zba=false or ,zba=true`;

const keysHelp = `
Your terminal is the guest's serial console:
  Ctrl-A x       quit
  Ctrl-A s       save the machine to the file of --save; Ctrl-A z: and quit
  Ctrl-A h       help
  Ctrl-A Ctrl-A  send Ctrl-A`;

const shareHelp = 'a folder of the host, which the guest mounts by its tag: DIR[:TAG][:ro]; again for more';
const netHelp = 'a network card, with a way to the public addresses of the Internet: --netdev user';
const netdevHelp =
  'the same with more words: user[,hostfwd=tcp:127.0.0.1:2222-:22][,allow=HOST[:PORT]][,restrict=on][,dump=FILE]';
const consoleHelp = `where the guest's terminal is: ${CONSOLES.join(', ')}`;
const terminalHelp =
  'one more terminal of the guest (hvc0 and so on): a place as for --serial; again for more';
const channelHelp = 'a channel that the guest finds by its name, NAME=PLACE, with a place as for --serial';
const balloonHelp = 'the guest tells what memory it does without, so that snapshots are small';
const vsockHelp = 'sockets between guest and host: socket=PATH[,cid=N], as Firecracker has them';
const serialHelp = `where the console leads: ${SERIAL_FORMS}`;
const gdbHelp = `wait for gdb: ${GDB_FORMS}`;
const stoppedHelp = 'with --gdb: start nothing until the debugger says so';
const saveHelp = 'where Ctrl-A s, Ctrl-A z and the signal USR1 save the machine to';
const restoreHelp = 'go on with a machine that was saved to this file';
const virtioHelp = `how the guest reaches its disks, folders and network: ${VIRTIO_TRANSPORTS.join(', ')}`;
const traceHelp =
  'record what the machine does, and each interrupt on its way, in a file for ui.perfetto.dev';
const systemMapHelp = "with --trace: the System.map of the guest's kernel, for names of its functions";
const driveHelp =
  "the same in QEMU's words: file=disk.img[,format=raw|qcow2][,readonly=on][,snapshot=on][,serial=NAME]";

function collect(word: string, before: readonly string[] = []): readonly string[] {
  return [...before, word];
}

/**
 * The command line's grammar. The parser leaves a command's exit status in `finished`.
 *
 * @param version - of the package
 */
export function createProgram(version: string, finished: Finished): Command {
  const program = new Command('hartvisor')
    .description('A RISC-V hypervisor: runs unmodified SMP guests on virtual CPUs.')
    .version(version)
    .helpCommand(false)
    .showHelpAfterError('Try: hartvisor --help')
    .addHelpText(
      'after',
      "\nhartvisor run starts Debian's kernel with a shell, hartvisor run --guest debian a whole Debian, " +
        'hartvisor run --guest tick a guest that needs no network.',
    );
  addRun(program, finished);
  addExec(program, finished);
  addMachine(program, finished);
  addImage(program);
  addWeb(program, finished);
  addVerify(program, finished);
  addStress(program, finished);
  addTrace(program);
  return program;
}

/** The options that choose a guest and its machine. */
function withGuest(command: Command) {
  return command
    .option(
      '--kernel <file>',
      'kernel: Image or EFI zboot, also packed by gzip, xz or zstd, RISC-V ELF, or raw',
    )
    .option('--initrd <file>', 'initial RAM disk')
    .option(
      '--append <words>',
      'kernel command line, behind console=ttyS0 earlycon=sbi panic=-1 as far as it does not set these itself',
    )
    .option('--append-only', 'the words of --append are the whole kernel command line, as with QEMU')
    .option('--boot <what>', "disk: the first disk's own kernel, which is also taken where no guest is named")
    .option('--guest <name>', `a guest that hartvisor brings: ${GUEST_NAMES.join(', ')}`)
    .option('--persistent', 'with --guest debian: what the guest changes on its disk is kept')
    .option('--cpu <words>', cpuHelp, DEFAULT_CPU)
    .option('--smp <n>', `virtual CPUs, 1 to ${maximumCpus} (default: 2)`)
    .option('--pcpus <n>', 'threads that run them (default: as many as processors and vCPUs, at most 2)')
    .option('-m, --memory <size>', 'guest memory, as 512M or 1.5G; a plain number counts MiB', defaultMemory)
    .option('--disk <file>', 'a disk, which is this file; again for more', collect)
    .option('--drive <words>', driveHelp, collect)
    .option('--share <dir>', shareHelp, collect)
    .option('--net', netHelp)
    .option('--netdev <words>', netdevHelp, collect)
    .option('--virtio <name>', virtioHelp, 'pci')
    .option('--balloon', balloonHelp)
    .option(
      '--protocol <name>',
      `how interrupts reach a vCPU: ${protocols}, or a file with a protocol of your own`,
    )
    .option(
      '--aia <name>',
      `how devices' interrupts reach it, the PLIC being none: ${DOMAIN_AIA.join(', ')}`,
      'none',
    )
    .option('--engine <name>', `how guest code is carried out: ${ENGINES.join(', ')}`, DEFAULT_ENGINE)
    .option('--timeout <seconds>', 'stop the guest after this time')
    .option('--debug', 'check the rules of the vCPU loop while it runs');
}

function addRun(program: Command, finished: Finished): void {
  const command = program
    .command('run')
    .description("Run a guest on virtual CPUs: without --kernel, Debian's kernel with a shell.");
  withGuest(command)
    .option('--console <name>', consoleHelp, 'serial')
    .option('--serial <word>', serialHelp, 'stdio')
    .option('--terminal <word>', terminalHelp, collect)
    .option('--channel <words>', channelHelp, collect)
    .option('--vsock <words>', vsockHelp)
    .option(
      '--schedule <id>',
      'force the order of accesses of a counterexample, as published/ipi-after-round, whenever sync and set meet',
    )
    .option('--save <file>', saveHelp)
    .option('--restore <file>', restoreHelp)
    .option('--cold', 'boot the guest, also where an image of an earlier boot is kept')
    .option('--stats', 'print counters of vCPUs and the network, and what was compiled, at the end')
    .option('--gdb <place>', gdbHelp)
    .option('-S, --stopped', stoppedHelp)
    .option('--trace <file>', traceHelp)
    .option('--system-map <file>', systemMapHelp)
    .option('--dumpdtb <file>', "write the guest's device tree to a file and end")
    .addHelpText('after', keysHelp + exitStatusHelp)
    .action(async (options, command) => {
      const host = await prepareHost('domain', options);
      if (options.restore !== undefined) {
        const { restoreCommand } = await import('./restore-command.ts');
        const typed = typedOptions(command);
        finished.status = await restoreCommand('domain', options.restore, options, typed, host);
        return;
      }
      const { runCommand } = await import('./run-command.ts');
      finished.status = await runCommand(options, host, typedOptions(command));
    });
}

function addExec(program: Command, finished: Finished): void {
  const command = program
    .command('exec')
    .description('Run a command in a guest that is started for it, with its own streams and exit status.');
  withGuest(command)
    .argument('<command...>', 'a program and its arguments, behind --')
    .option('-t, --tty', 'at a terminal of its own, for programs that a person talks to')
    .option('--cwd <folder>', "where it runs (default: its user's home)")
    .option('--env <word>', 'a variable: NAME=VALUE, or NAME for that of hartvisor; again for more', collect)
    .option(
      '--user <name>',
      'whose rights it has: a name or a number, and a group behind a colon (default: root)',
    )
    .option('--cold', 'boot the guest, also where an image of an earlier boot is kept')
    .addHelpText('after', execStatusHelp)
    .action(async (words, options, command) => {
      const host = await prepareHost('domain', options);
      const { execCommand } = await import('./exec-command.ts');
      finished.status = await execCommand(words, options, host, typedOptions(command));
    });
}

function addTrace(program: Command): void {
  program
    .command('trace')
    .description('Look into a file that --trace has written.')
    .command('summary')
    .description('Print how long each vCPU was where, and how long interrupts were on their way.')
    .argument('<file>', 'the trace')
    .option('--top <n>', 'lines for each track', '8')
    .option('--json', 'all of it, as JSON')
    .action(async (file, options) => {
      const { traceSummaryCommand } = await import('./trace-command.ts');
      await traceSummaryCommand(file, options);
    });
}

function addMachine(program: Command, finished: Finished): void {
  program
    .command('machine')
    .description("Run a program in M-mode on bare harts, laid out as QEMU's virt machine.")
    .argument(
      '[file]',
      'RISC-V ELF or raw firmware; with --bios the kernel for it, or else that of the first disk',
    )
    .option('--bios <file>', 'firmware to start, such as OpenSBI fw_dynamic or fw_jump, ELF or raw')
    .option('--initrd <file>', 'initial RAM disk for the kernel')
    .option('--append <words>', 'boot arguments in the device tree')
    .option('--cpu <words>', cpuHelp, DEFAULT_CPU)
    .option('--smp <n>', `harts, 1 to ${maximumCpus}`, '1')
    .option('-m, --memory <size>', 'memory, as 512M or 1.5G; a plain number counts MiB', defaultMemory)
    .option('--disk <file>', 'a disk, which is this file; again for more', collect)
    .option('--drive <words>', driveHelp, collect)
    .option('--share <dir>', shareHelp, collect)
    .option('--net', netHelp)
    .option('--netdev <words>', netdevHelp, collect)
    .option('--virtio <name>', virtioHelp, 'pci')
    .option('--console <name>', consoleHelp, 'serial')
    .option('--serial <word>', serialHelp, 'stdio')
    .option('--terminal <word>', terminalHelp, collect)
    .option('--channel <words>', channelHelp, collect)
    .option('--vsock <words>', vsockHelp)
    .option('--balloon', balloonHelp)
    .option('--aia <name>', `how interrupts reach the harts, the PLIC being none: ${AIA.join(', ')}`, 'none')
    .option('--aia-guests <n>', `guest interrupt files of each hart, 0 to ${IMSIC.maxGuests} (default: 0)`)
    .option('--engine <name>', `how guest code is carried out: ${ENGINES.join(', ')}`, DEFAULT_ENGINE)
    .option('--save <file>', saveHelp)
    .option('--restore <file>', restoreHelp)
    .option('--stats', 'print what was compiled at the end')
    .option('--gdb <place>', gdbHelp)
    .option('-S, --stopped', stoppedHelp)
    .option('--trace <file>', traceHelp)
    .option('--system-map <file>', systemMapHelp)
    .option('--timeout <seconds>', 'stop the machine after this time')
    .option('--dumpdtb <file>', 'write the device tree to a file and end')
    .addHelpText('after', keysHelp + machineStatusHelp)
    .action(async (file, options, command) => {
      const { restore } = options;
      if (restore === undefined ? (file ?? options.bios) === undefined : file !== undefined)
        command.error('error: give the program to start, or --restore FILE to go on with a machine');
      const host = await prepareHost('bare', options);
      if (restore !== undefined) {
        const { restoreCommand } = await import('./restore-command.ts');
        const typed = typedOptions(command);
        finished.status = await restoreCommand('bare', restore, options, typed, host);
        return;
      }
      const { machineCommand } = await import('./run-command.ts');
      finished.status = await machineCommand(file, options, host);
    });
}

function addImage(program: Command): void {
  const image = program.command('image').description('Make images of disks.').helpCommand(false);
  image
    .command('create')
    .description('Make an empty qcow2 image, which takes room only for what is written to it.')
    .argument('<file>', 'the new image')
    .argument('[size]', 'as 4G; that of the backing file, where there is one')
    .option('-f, --format <name>', 'qcow2 is the only one; `truncate -s` makes a raw disk', 'qcow2')
    .option(
      '-b, --backing <file>',
      "a disk that the image lies over, and that is never written: from the image's folder on",
    )
    .option(
      '-F, --backing-format <name>',
      `of that file: ${DRIVE_FORMATS.join(', ')} (default: what it looks like)`,
    )
    .action(async (file, size, options) => {
      const { imageCreateCommand } = await import('./image-command.ts');
      process.stderr.write(imageCreateCommand(file, size, options));
    });
  image
    .command('debian')
    .description(
      "Make a disk with a Debian on it, of packages that this machine's apt reaches. Needs no root.",
    )
    .requiredOption('-o, --output <file>', 'the new image, in the format qcow2')
    .option('--suite <name>', 'release of Debian (default: trixie)')
    .option('--package <name>', 'a package beside the usual ones; again for more', collect)
    .option(
      '--size <size>',
      'of the disk, which takes room only for what is written to it',
      IMAGE_DEFAULTS.size,
    )
    .option('--hostname <name>', 'of the new system', IMAGE_DEFAULTS.hostname)
    .option('--ssh-key <file>', 'a public key that may log in as root by ssh; again for more', collect)
    .option('--mirror <address>', "of the archive (default: that of this machine's apt)")
    .action(async (options) => {
      const { imageDebianCommand } = await import('./image-debian-command.ts');
      process.stderr.write(await imageDebianCommand(options));
    });
}

/** Names of the options that were given. */
function typedOptions(command: CommandUnknownOpts): readonly string[] {
  return Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === 'cli');
}

function addWeb(program: Command, finished: Finished): void {
  program
    .command('web')
    .description('Serve the page in which a machine runs in a browser, for this computer alone.')
    .option('--port <n>', 'where it listens, 0 for a free one (default: 8123 if it is free)')
    .option('--host <address>', 'an address of this machine: 0.0.0.0 for all of them', '127.0.0.1')
    .option('--cold', 'without an image of a guest that has booted: the page boots it')
    .option('-o, --output <folder>', 'write the page with its guest for a file host, and end')
    .action(async (options) => {
      const { webCommand } = await import('./web-command.ts');
      finished.status = await webCommand(options);
    });
}

/**
 * The machine's modules only where they are needed: help and mistakes should not wait for them. And first of all a
 * thread, so that it loads its modules while this one loads the others and reads files.
 */
async function prepareHost(
  kind: MachineConfig['kind'],
  { dumpdtb, cpu }: { readonly dumpdtb?: string | undefined; readonly cpu?: string | undefined },
): Promise<NodeHost> {
  const { NodeHost } = await import('../node/node-host.ts');
  const host = new NodeHost();
  if (dumpdtb === undefined) host.prepare(kind, readCpu(cpu).xlen);
  return host;
}
