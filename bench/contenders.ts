/**
 * The contenders of a comparison: QEMU, which is the yardstick, and hartvisor on one or more versions of Node with one
 * or more engines. A second QEMU may be measured against the first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../src/errors/input-error.ts';
import { fetchQemu, isDebianRelease } from './fetched/debian-qemu.ts';
import { fetchNode, isNodeVersion } from './fetched/npm-node.ts';
import type { CommandLine } from './measured-run.ts';

/** The contenders that a person chose. */
export interface ContenderOptions {
  /** QEMU programs, the yardstick first; `trixie` stands for that Debian release's. */
  readonly qemus: readonly string[];
  /** Programs of Node; a version stands for the npm registry's. */
  readonly nodes: readonly string[];
  /** hartvisor's engines; empty leaves the choice to hartvisor. */
  readonly engines: readonly string[];
  /** Other checkouts of hartvisor, measured beside this one: folders. */
  readonly checkouts: readonly string[];
  /** Interrupt controllers, in QEMU's words for the AIA: each QEMU and each hartvisor is measured with each. */
  readonly aias?: readonly string[];
}

/** One who is measured. */
export interface Contender {
  /** Head of its column; no two are the same. */
  readonly label: string;
  readonly kind: 'qemu' | 'hartvisor';
  /** QEMU, or the Node that runs hartvisor. */
  readonly program: string;
  /** The version that the program prints. */
  readonly version: string;
  /** Options for `hartvisor run` and `hartvisor machine`. */
  readonly words: readonly string[];
  /** The folder of a hartvisor's sources. */
  readonly checkout: string;
  /** The word for the AIA, where one was chosen. */
  readonly aia?: string;
}

/** All who are measured; each of the others is compared with the yardstick. */
export interface Field {
  readonly yardstick: Contender;
  readonly others: readonly Contender[];
}

/** A program and what it says for `--version`. */
export interface Program {
  readonly program: string;
  readonly version: string;
}

const ownCheckout = fileURLToPath(new URL('..', import.meta.url));

/** hartvisor as its users run it. */
export function hartvisorCommand(
  { program, words, checkout, aia }: Contender,
  command: string,
  ...args: string[]
): CommandLine {
  const controller = aia === undefined ? [] : ['--aia', aia];
  return [program, commandFile(checkout), command, ...words, ...controller, ...args];
}

/** The first module of a checkout's command: older ones have no start.js. */
function commandFile(checkout: string): string {
  const folder = join(checkout, 'src', 'cli');
  const start = join(folder, 'start.js');
  return existsSync(start) ? start : join(folder, 'main.ts');
}

/** QEMU's `virt` with its serial port on standard output. */
export function qemuCommand({ program, aia }: Contender, ...args: string[]): CommandLine {
  const machine = aia === undefined ? 'virt' : `virt,aia=${aia}`;
  return [program, '-M', machine, '-accel', 'tcg', '-nographic', '-monitor', 'none', '-no-reboot', ...args];
}

/**
 * Finds the programs, and fetches those that are not on this machine.
 *
 * @param directory for what is fetched; the caller removes it
 * @throws InputError when one cannot be run or fetched
 */
export async function prepareField(
  { qemus, nodes, engines, checkouts, aias }: ContenderOptions,
  directory: string,
  onProgress: (line: string) => void,
): Promise<Field> {
  const prepared: { qemu: Program[]; node: Program[] } = { qemu: [], node: [] };
  for (const name of qemus) {
    const program = isDebianRelease(name) ? await fetchQemu(name, directory, onProgress) : name;
    const wayOut = 'Install qemu-system-misc (Debian 12) or qemu-system-riscv (Debian 13)';
    prepared.qemu.push({ program, version: versionOf(program, '--qemu', wayOut) });
  }
  for (const name of nodes) {
    const program = isNodeVersion(name) ? await fetchNode(name, directory, onProgress) : name;
    prepared.node.push({ program, version: versionOf(program, '--node', 'Install Node 24') });
  }
  for (const checkout of checkouts) {
    if (!existsSync(commandFile(checkout))) {
      throw new InputError(
        `--checkout ${checkout} has no src/cli/main.ts. Name a folder with hartvisor's sources.`,
      );
    }
  }
  return nameField(prepared.qemu, prepared.node, engines, checkouts, aias);
}

/**
 * Gives each contender the shortest name that tells it from the others.
 *
 * @param qemus the yardstick first
 * @throws InputError when two cannot be told apart
 */
export function nameField(
  qemus: readonly Program[],
  nodes: readonly Program[],
  engines: readonly string[],
  checkouts: readonly string[] = [],
  aias: readonly string[] = [],
): Field {
  const emulators = qemus.map(({ program, version }): Contender => {
    const number = /\d+\.\d+(\.\d+)?/.exec(version)?.[0] ?? version;
    return {
      label: qemus.length > 1 ? `QEMU ${number}` : 'QEMU',
      kind: 'qemu',
      program,
      version,
      words: [],
      checkout: '',
    };
  });
  const ways = nodes.flatMap((node) =>
    (engines.length > 0 ? engines : [undefined]).flatMap((engine) =>
      [undefined, ...checkouts].map((checkout) => ({ node, engine, checkout })),
    ),
  );
  const onNodes = ways.map(({ node: { program, version }, engine, checkout }): Contender => {
    const onNode = nodes.length > 1 ? `Node ${version.replace(/^v/, '')}` : '';
    const parts = [checkout === undefined ? '' : basename(resolve(checkout)), engine ?? '', onNode];
    const label = parts.filter((part) => part !== '').join(', ') || 'hartvisor';
    const words = engine === undefined ? [] : ['--engine', engine];
    const folder = checkout ?? ownCheckout;
    return { label, kind: 'hartvisor', program, version: `Node ${version}`, words, checkout: folder };
  });
  const [yardstick, ...others] = [...emulators, ...onNodes].flatMap((one) => withEach(one, aias));
  const labels = [yardstick, ...others].map(({ label }) => label);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) {
    throw new InputError(`${twice} is to be measured twice. Name each QEMU, Node, engine and checkout once.`);
  }
  return { yardstick, others };
}

/** A contender with each of some interrupt controllers; as it is if none are given. */
function withEach(contender: Contender, aias: readonly string[]): readonly Contender[] {
  if (aias.length === 0) return [contender];
  const suffix = (aia: string): string => (aias.length > 1 ? ` ${aia}` : '');
  return aias.map((aia) => ({ ...contender, aia, label: `${contender.label}${suffix(aia)}` }));
}

/** The yardstick and all others, in the order of a turn. */
export function everyone({ yardstick, others }: Field): readonly Contender[] {
  return [yardstick, ...others];
}

function versionOf(program: string, option: string, wayOut: string): string {
  const { error, status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (status !== 0) {
    throw new InputError(
      `${program} cannot be run (${error?.message ?? `status ${status}`}). ${wayOut}, or name one with ${option}.`,
    );
  }
  return stdout.split('\n')[0].trim();
}
