import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { InputError } from '../src/errors/input-error.ts';
import type { CommandLine } from './measured-run.ts';

/** The two that are compared. */
export type Side = 'qemu' | 'hartvisor';
export const sides: readonly Side[] = ['qemu', 'hartvisor'];

/** What is true of a whole measurement. */
export interface Setting {
  /** Date in ISO 8601, UTC. */
  readonly date: string;
  readonly qemu: string;
  readonly node: string;
  readonly processor: string;
  readonly processors: number;
  /** Load averages over 1, 5 and 15 minutes before the first run. */
  readonly load: readonly number[];
}

const cli = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

/** hartvisor as its users run it. */
export function hartvisorCommand(node: string, ...args: string[]): CommandLine {
  return [node, cli, ...args];
}

/** QEMU's `virt` with its serial port on standard output. */
export function qemuCommand(qemu: string, ...args: string[]): CommandLine {
  return [qemu, '-M', 'virt', '-accel', 'tcg', '-nographic', '-monitor', 'none', '-no-reboot', ...args];
}

/** Looks at both sides. @throws InputError when one cannot be run */
export function readSetting(qemu: string, node: string): Setting {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    qemu: versionOf(qemu, '--qemu', 'Install qemu-system-misc (Debian 12) or qemu-system-riscv (Debian 13)'),
    node: versionOf(node, '--node', 'Install Node 24'),
    processor: processors[0]?.model.trim() ?? 'unknown',
    processors: processors.length,
    load: loadavg().map((load) => Number(load.toFixed(2))),
  };
}

/** The setting for people. */
export function describeSetting(setting: Setting): string {
  const { date, qemu, node, processor, processors, load } = setting;
  return [
    `${date.slice(0, 10)}; ${qemu}; hartvisor on Node ${node}`,
    `${processors} processors (${processor}), load at the start ${load.join(' ')}`,
  ].join('\n');
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
