/** Sockets between guest and host, by Linux' own driver. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hasCompiler } from '../guests/compile.ts';
import { buildSockets } from '../guests/sockets/build.ts';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import type { GuestStream, StreamBackend, StreamEnd } from '../src/devices/backends.ts';
import type { DomainConfig } from '../src/machine/domain/config.ts';
import { Machine } from '../src/machine/machine.ts';
import { guestSetUp } from '../src/node/guests/guest-parts.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { debianModules } from './machine/debian-modules.ts';
import { countedLines, guestScript, QUICK_START } from './machine/guest-script.ts';

const LIMIT_MS = 240_000;
const ECHO_PORT = 22;
const HOST_PORT = 5000;
const ECONNRESET = 104;

const debian = hasCompiler() ? await debianModules(['vsock']) : undefined;
const folder = mkdtempSync(join(tmpdir(), 'hartvisor-sockets-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Both ends of a stream of the host: sends all that it is given, then its end, and keeps what comes. */
class HostEnd implements StreamBackend {
  readonly ended: Promise<StreamEnd>;
  stream: GuestStream | undefined;
  readonly #pieces: Uint8Array[] = [];
  readonly #resolve: (end: StreamEnd) => void;
  #rest: Uint8Array;
  /** Gives back what comes. */
  readonly #isEcho: boolean;
  /** All that is to be sent is known. */
  #hasAll: boolean;

  constructor(bytes?: Uint8Array) {
    const { promise, resolve } = Promise.withResolvers<StreamEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#rest = bytes ?? new Uint8Array();
    this.#isEcho = bytes === undefined;
    this.#hasAll = bytes !== undefined;
  }

  get hash(): string {
    return hashOf(Buffer.concat(this.#pieces));
  }

  connected(): void {
    this.inputSpace();
  }

  output(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes);
    if (this.#isEcho) {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      this.#send();
    }
    // As a reader that takes its time.
    return new Promise((resolve) => setImmediate(resolve));
  }

  outputEnded(): void {
    this.#hasAll = true;
    this.#send();
  }

  inputSpace(): void {
    this.#send();
  }

  closed(end: StreamEnd): void {
    this.#resolve(end);
  }

  #send(): void {
    this.#rest = this.#rest.subarray(this.stream?.input(this.#rest) ?? 0);
    if (this.#rest.length === 0 && this.#hasAll) this.stream?.endInput();
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe.skipIf(debian === undefined)('streams', { timeout: LIMIT_MS + 30_000 }, () => {
  test.each<[string, Pick<DomainConfig, 'virtio' | 'aia'>]>([
    ['PCI, by messages', { virtio: 'pci', aia: 'aplic-imsic' }],
    ['registers of its own', { virtio: 'mmio' }],
  ])('over %s carry what both sides say, and are refused where nobody listens', async (_, wiring) => {
    if (debian === undefined) throw new Error('there is no guest');
    const { guest } = debian;
    const parts = { sockets: true };
    const { files, setUp } = await guestSetUp(guest.version, { virtio: 'pci', ...wiring, ...parts }, {});
    const script = `
      sockets echo ${ECHO_PORT} 2
      echo "echo: $?"
      sockets connect ${HOST_PORT} < /numbers > /tmp/back
      echo "connect: $? $(cmp /numbers /tmp/back && echo same)"
      sockets connect 1 < /dev/null
      echo "refused: $?"
    `;
    const data = randomBytes(700_000);
    const server = new HostEnd();
    const clients: HostEnd[] = [];
    let output = '';
    const machine = new Machine(
      {
        // Over registers of its own on one thread, which takes a quarter less.
        ...{
          kind: 'domain',
          vcpus: 2,
          pcpus: wiring.virtio === 'mmio' ? 1 : 2,
          memoryBytes: 256 << 20,
          protocol: 'take-mirror',
        },
        kernel: await readKernel(readFileSync(guest.kernelPath), guest.kernelPath),
        initrd: initramfs({
          busybox: readFileSync(guest.busyboxPath),
          extraFiles: [
            ...files,
            { path: 'bin/sockets', data: buildSockets(folder), mode: 0o755 },
            { path: 'numbers', data: countedLines(100_000) },
          ],
          setUp,
          run: guestScript(script),
        }),
        ...{ bootArgs: `console=ttyS0 ${QUICK_START}`, vsock: { cid: 42 }, ...wiring },
      },
      new NodeHost(),
      {
        console: {
          output: (bytes) => {
            output += Buffer.from(bytes).toString();
            if (clients.length === 0 && output.includes('listening')) callTwice();
            return undefined;
          },
        },
        vsock: {
          connected: (port, stream) => {
            if (port !== HOST_PORT) return undefined;
            server.stream = stream;
            return server;
          },
        },
      },
    );
    const callTwice = () => {
      for (let index = 0; index < 2; index++) {
        const client = new HostEnd(data);
        clients.push(client);
        client.stream = machine.sockets?.connect(ECHO_PORT, client);
      }
    };
    const timer = setTimeout(() => machine.stop(), LIMIT_MS);
    machine.start();
    const end = await machine.ended;
    clearTimeout(timer);
    expect(end, output).toEqual({ reason: 'poweroff' });
    expect(output).toContain('echo: 0');
    expect(output).toContain('connect: 0 same');
    expect(output).toContain(`refused: ${ECONNRESET}`);
    for (const client of clients) expect([client.hash, await client.ended]).toEqual([hashOf(data), 'closed']);
    expect(await server.ended).toBe('closed');
  });
});
