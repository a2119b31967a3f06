/**
 * A guest's network: the same kernel, initrd, vCPUs and memory on hartvisor (as many threads as vCPUs) and on QEMU with
 * its user network, in turns, against servers in this process.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initramfs } from '../../src/boot/initramfs.ts';
import { guestSetUp } from '../../src/node/guests/guest-parts.ts';
import { type Contender, hartvisorCommand, prepareField, qemuCommand } from '../contenders.ts';
import { debianFiles } from '../debian-files.ts';
import { measuredRun, RunFailure } from '../measured-run.ts';
import type { NetOptions } from '../options.ts';
import { describeSetting, readSetting, type Setting } from '../setting.ts';
import { formatSeconds } from '../table.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { takeTurns } from '../turns.ts';
import { formatWorkRows, type WorkRow, workRows } from '../work-rows.ts';
import { Servers, TRAFFIC } from './servers.ts';

const HOST = '10.0.2.2';
const words = 'console=ttyS0 earlycon=sbi panic=-1';

/** Everything that was measured. */
export interface NetResult {
  readonly setting: Setting;
  readonly rows: readonly WorkRow[];
}

/**
 * Measures the network.
 *
 * @param onProgress gets a line for people from time to time
 * @throws InputError when QEMU or the guest is missing; RunFailure when a guest does not do its work
 */
export async function runNetBench(
  options: NetOptions,
  onProgress: (line: string) => void,
): Promise<NetResult> {
  using directory = temporaryDirectory('net');
  const field = await prepareField(options, directory.path, onProgress);
  const files = await debianFiles(onProgress);
  const network = await guestSetUp(files.version, { virtio: 'pci', network: true }, {});
  const busybox = readFileSync(files.busyboxPath);
  const rows: WorkRow[] = [];
  for (const vcpus of options.smp) {
    const runs = await takeTurns(field, options.runs, async (contender, turn) => {
      const servers = new Servers();
      await servers.open();
      const run = TRAFFIC.map((each) => `port=${servers.portOf(each)}; ${each.script}`).join('\n');
      const initrd = join(directory.path, 'initrd');
      const own = { busybox, extraFiles: network.files, setUp: network.setUp };
      writeFileSync(initrd, initramfs({ ...own, run: `host=${HOST}\n${run}\n` }));
      const guest = { kernel: files.kernelPath, initrd, ports: TRAFFIC.map((each) => servers.portOf(each)) };
      const { status, output } = await measuredRun(commandFor(contender, vcpus, guest, options), {
        timeout: options.timeout,
      });
      servers.close();
      const { seconds } = servers;
      if (status !== 0 || seconds.size < TRAFFIC.length) {
        throw new RunFailure(
          `The network of ${contender.label} carried ${seconds.size} of ${TRAFFIC.length} kinds of traffic; ` +
            `status ${status}; the end of its output: ${output.slice(-2000).trim()}`,
        );
      }
      const all = [...seconds].map(([name, each]) => `${name} ${formatSeconds(each)} s`);
      onProgress(`turn ${turn + 1}/${options.runs}, ${vcpus} vCPUs, ${contender.label}: ${all.join(', ')}`);
      return seconds;
    });
    rows.push(...workRows(field, vcpus, TRAFFIC, runs));
  }
  return { setting: readSetting(field), rows };
}

interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string;
  /** Of the host, which the guest may reach. */
  readonly ports: readonly number[];
}

function commandFor(
  contender: Contender,
  vcpus: number,
  { kernel, initrd, ports }: GuestFiles,
  options: NetOptions,
) {
  if (contender.kind === 'qemu') {
    const shape = ['-smp', `${vcpus}`, '-m', options.memory];
    const card = ['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='];
    return qemuCommand(contender, ...shape, ...card, '-kernel', kernel, '-initrd', initrd, '-append', words);
  }
  const shape = ['--smp', `${vcpus}`, '--pcpus', `${vcpus}`, '--memory', options.memory];
  const card = ['--netdev', `user,${ports.map((port) => `allow=127.0.0.1:${port}`).join(',')}`];
  const files = ['--kernel', kernel, '--initrd', initrd];
  return hartvisorCommand(contender, 'run', ...shape, ...card, ...files, '--append', words);
}

/** The result for people. */
export function formatNetResult(result: NetResult): string {
  const labels = result.setting.contenders.map(({ label }) => label);
  return [
    "A guest's network: speed relative to QEMU's user network (above 1: faster than QEMU)",
    describeSetting(result.setting),
    `medians of ${result.rows[0]?.samples[labels[0]].length ?? 0} turns`,
    '',
    formatWorkRows('traffic', labels, result.rows),
  ].join('\n');
}
