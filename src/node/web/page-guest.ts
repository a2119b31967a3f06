import { createHash, randomBytes } from 'node:crypto';
import { existsSync, renameSync, statSync } from 'node:fs';
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Vm } from '../../api/vm.ts';
import { OWN_GUEST_WORDS } from '../../boot/command-line.ts';
import { InputError } from '../../errors/input-error.ts';
import { buildLayout } from '../../machine/snapshot/build-layout.ts';
import { SNAPSHOT_VERSION } from '../../machine/snapshot/format.ts';
import { boot } from '../api/boot.ts';
import { nodePlatform } from '../api/node-platform.ts';
import type { FetchProgress } from '../debian/debian-guest.ts';
import { packageVersion } from '../package-version.ts';
import { deflateCodec } from '../snapshots/deflate-codec.ts';
import { openSnapshot, saveSnapshot } from '../snapshots/snapshot-file.ts';
import { digestOf } from '../snapshots/warm-images.ts';
import { guestFiles } from './guest-files.ts';
import { guestFolder } from './guest-folder.ts';

/** The machine of which a page has an image. Telephones have little memory. */
const SHAPE = { cpus: 2, memoryMiB: 256, protocol: 'take-mirror', aia: 'none' } as const;
const APPEND = OWN_GUEST_WORDS.join(' ');
/** Milliseconds that the guest has to boot. */
const PATIENCE_MS = 240_000;
const PROMPT = '~ # ';
const MANIFEST = 'guest.json';
/** Of gzip: the highest takes three times as long, and makes two files in a thousand less of it. */
const LEVEL = 6;

/** A file of a guest, beside its list. */
export interface GuestFile {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
}

/** The file `guest/guest.json`, by which a page knows the guest that lies beside it. */
export interface GuestManifest {
  readonly format: 1;
  /** For people. */
  readonly name: string;
  readonly kernel: GuestFile;
  readonly initrd: GuestFile;
  /** Words for its kernel when it boots. */
  readonly append?: string;
  /** A machine that has booted, for pages whose user wants just this one. */
  readonly image?: GuestFile & typeof SHAPE;
}

/** The guest of a page. */
export interface PageGuest {
  readonly manifest: GuestManifest;
  /** Where each of its files is on this host, by its name beside the page's list. */
  readonly files: ReadonlyMap<string, string>;
}

/** How the guest of a page is made. */
export interface PageGuestOptions {
  /** Without an image of a machine that has booted. */
  readonly cold?: boolean;
  readonly onProgress?: (progress: FetchProgress) => void;
}

/**
 * Makes the guest that a page starts unless it is told of another one: the one of `hartvisor run`, of files that are
 * fetched the first time, and an image of it that has booted. All of it is kept in the cache directory.
 *
 * @throws InputError when files cannot be had, or the guest does not boot
 */
export async function pageGuest({ cold = false, onProgress }: PageGuestOptions = {}): Promise<PageGuest> {
  const { version, kernelPath, initrd } = await guestFiles(onProgress === undefined ? {} : { onProgress });
  const kernel = await readFile(kernelPath);
  const build = [packageVersion(), SNAPSHOT_VERSION, buildLayout()];
  const facts = [...build, digestOf(kernel), digestOf(initrd), SHAPE, APPEND];
  const folder = guestFolder(digestOf(Buffer.from(JSON.stringify(facts))).slice(0, 32));
  const files = new Map<string, string>();
  const add = (name: string, path: string): GuestFile => {
    files.set(name, path);
    return { file: name, size: statSync(path).size };
  };
  const kernelFile = await packed(folder, 'kernel', kernel, onProgress);
  const initrdFile = await packed(folder, 'initrd', initrd, onProgress);
  const image = cold ? undefined : await imageOf(folder, kernelPath, initrd, onProgress);
  const manifest: GuestManifest = {
    format: 1,
    name: `Debian's kernel ${version}`,
    kernel: add(...kernelFile),
    initrd: add(...initrdFile),
    append: APPEND,
    ...(image === undefined ? {} : { image: { ...add(...image), ...SHAPE } }),
  };
  const list = join(folder, MANIFEST);
  await writeWhole(list, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  files.set(MANIFEST, list);
  return { manifest, files };
}

/** A file, packed, by a name that changes with its content. */
async function packed(
  folder: string,
  role: string,
  content: Uint8Array,
  onProgress: PageGuestOptions['onProgress'],
): Promise<[name: string, path: string]> {
  // Without an ending that servers would take as a reason to have browsers unpack it.
  const name = `${role}-${digestOf(content).slice(0, 8)}.bin`;
  const path = join(folder, name);
  if (existsSync(path)) return [name, path];
  onProgress?.({ step: 'install', message: `Packing the ${role} for pages` });
  await writeWhole(path, await promisify(gzip)(content, { level: LEVEL }));
  return [name, path];
}

async function imageOf(
  folder: string,
  kernel: string,
  initrd: Uint8Array,
  onProgress: PageGuestOptions['onProgress'],
): Promise<[name: string, path: string]> {
  const path = join(folder, 'image.snapshot');
  if (!(await isUsable(path))) {
    onProgress?.({ step: 'install', message: 'Booting the guest once, for an image that pages go on from' });
    await makeImage(path, kernel, Uint8Array.from(initrd));
  }
  const digest = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  return [`image-${digest.slice(0, 8)}.snapshot`, path];
}

/** An image of a build with other layouts, or one that a full disk has cut off, is of no use. */
async function isUsable(path: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  try {
    await (await openSnapshot(path)).machine();
    return true;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    await unlink(path);
    return false;
  }
}

async function makeImage(path: string, kernel: string, initrd: Uint8Array<ArrayBuffer>): Promise<void> {
  // A machine of a program keeps nobody waiting, and there may be nothing else.
  const release = nodePlatform.hold();
  try {
    const { cpus, memoryMiB, protocol, aia } = SHAPE;
    const vm = await boot({ kernel, initrd, cpus, memory: `${memoryMiB}M`, protocol, aia, append: APPEND });
    await saveBooted(vm, path).finally(() => vm.stop());
  } finally {
    release();
  }
}

async function saveBooted(vm: Vm, path: string): Promise<void> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    await vm.console.waitFor(PROMPT, { signal });
    await vm.agent.connection.ready(signal);
    // The cache of files, which can be read again, would make the image larger for every page.
    await vm.commands.run('sync; echo 3 > /proc/sys/vm/drop_caches', { signal });
    await vm.machine.save((saved) => saveSnapshot(path, saved, { name: 'busybox' }, deflateCodec));
  } catch (error) {
    if (error instanceof InputError) throw error;
    const last = vm.console.text.trimEnd().split('\n').slice(-5).join('\n');
    throw new InputError(
      `The guest did not boot, so that there is no image for pages (--cold does without one).\n${last}`,
    );
  }
}

/** A file is there as a whole or not at all, also when two programs write it. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, bytes, { mode: 0o600 });
  renameSync(temporary, path);
}
