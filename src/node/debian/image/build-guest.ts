import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { OWN_GUEST_WORDS } from '../../../boot/command-line.ts';
import { type ExtraFile, initramfs } from '../../../boot/initramfs.ts';
import { readKernel } from '../../../boot/kernel-image.ts';
import { Machine } from '../../../machine/machine.ts';
import type { MachineEnd } from '../../../machine/machine-end.ts';
import { openDrives } from '../../drives/open-drives.ts';
import { NodeHost } from '../../node-host.ts';
import { unpackers } from '../../unpackers.ts';
import { type DebianGuest, type FetchOptions, fetchDebianGuest } from '../debian-guest.ts';
import { debianModules, MODULES_PATH } from '../debian-modules.ts';
import { KEEP_WORD } from './second-stage.ts';

/** In the order in which they are loaded. */
const MODULES = [
  ...['virtio_blk', 'crc16', 'crc32c_generic', 'mbcache', 'jbd2', 'ext4', 'cdrom', 'isofs'],
] as const;
const WHOLE = new RegExp(`^${KEEP_WORD} (\\d+)\\r?$`);
const MEMORY = 2 ** 30;
const MOST_PROCESSORS = 2;

/** The parts of the guest that makes an image. */
export interface BuildGuestParts {
  readonly guest: DebianGuest;
  readonly modules: readonly ExtraFile[];
}

/**
 * Fetches the guest that makes images.
 *
 * @throws InputError when it cannot be fetched
 */
export async function buildGuestParts(options: FetchOptions): Promise<BuildGuestParts> {
  const guest = await fetchDebianGuest(options);
  return { guest, modules: await debianModules(guest.version, MODULES, options) };
}

/** The work of the guest. */
export interface BuildWork {
  /** The image, which becomes `/dev/vda`. */
  readonly image: string;
  /** The disc with the packages, `/dev/vdb`. */
  readonly disc: string;
  readonly files: readonly ExtraFile[];
  readonly script: string;
  readonly onLine: (line: string) => void;
  /** Is told that so many stages are whole, and on the image's file. The guest waits for its end; it may not fail. */
  readonly onWhole: (stages: number) => Promise<void>;
  /** For people: trouble with the files of the disks. */
  readonly onNotice: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Runs a script in the guest, to the end of the machine. */
export async function runBuildGuest(parts: BuildGuestParts, work: BuildWork): Promise<MachineEnd> {
  const host = new NodeHost();
  const drives = openDrives([
    { file: work.image, readOnly: false, snapshot: false, serial: 'image', format: 'qcow2' },
    { file: work.disc, readOnly: true, snapshot: false, serial: 'packages', format: 'raw' },
  ]);
  try {
    host.loadFirst(drives.module);
    const config = { ...(await buildMachine(parts, work)), drives: drives.facts };
    let typed = new Uint8Array();
    const type = () => {
      typed = typed.subarray(machine.input(typed));
    };
    const hear = (line: string) => {
      const [, stages] = WHOLE.exec(line) ?? [];
      if (stages === undefined) return work.onLine(line);
      void work.onWhole(Number(stages)).then(() => {
        typed = new TextEncoder().encode('\n');
        type();
      });
    };
    const { onNotice } = work;
    const machine = new Machine(config, host, {
      console: { output: lines(hear), inputSpace: type },
      onNotice,
    });
    const stop = () => machine.stop();
    work.signal?.addEventListener('abort', stop, { once: true });
    machine.start();
    if (work.signal?.aborted === true) stop();
    const end = await machine.ended;
    work.signal?.removeEventListener('abort', stop);
    return end;
  } finally {
    drives.close();
  }
}

async function buildMachine({ guest, modules }: BuildGuestParts, work: BuildWork) {
  const processors = Math.min(MOST_PROCESSORS, availableParallelism());
  const names = MODULES.join(' ');
  return {
    kind: 'domain',
    vcpus: processors,
    pcpus: processors,
    memoryBytes: MEMORY,
    protocol: 'take-mirror',
    kernel: await readKernel(await readFile(guest.kernelPath), guest.kernelPath, unpackers),
    initrd: initramfs({
      busybox: await readFile(guest.busyboxPath),
      extraFiles: [...modules, ...work.files],
      setUp: `for module in ${names}; do insmod /${MODULES_PATH}/$module.ko; done\n`,
      run: work.script,
    }),
    bootArgs: ['console=ttyS0 panic=-1 quiet', ...OWN_GUEST_WORDS].join(' '),
    detachFiles: true,
  } as const;
}

/** A console that gives its output line by line. */
function lines(onLine: (line: string) => void): (bytes: Uint8Array) => undefined {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const whole = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = whole.pop() ?? '';
    for (const line of whole) onLine(line);
    return undefined;
  };
}
