/** The virtio console, by Debian's own driver: a terminal, and channels with names. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import type { GuestPort, PortBackend } from '../src/devices/backends.ts';
import type { PortFacts } from '../src/devices/descriptor.ts';
import type { DomainConfig } from '../src/machine/domain/config.ts';
import { Machine } from '../src/machine/machine.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { debianGuest } from './machine/debian-guest.ts';
import { countedLines, guestScript, QUICK_START } from './machine/guest-script.ts';

const LIMIT_MS = 240_000;

const guest = await debianGuest();
/** Files of every guest: the outputs of its terminal and of its channel. */
const FEW = countedLines(6000);
const MANY = countedLines(60_000);

/** A guest with ports, as far as it has run. */
interface Conversation {
  readonly machine: Machine;
  readonly ports: readonly GuestPort[];
  /** Text of the serial port. */
  readonly serial: () => string;
  /** Bytes of each port. */
  readonly output: (port: number) => Buffer;
  /** Resolves when the text is there; fails when the machine has ended before. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Sends everything, as there is room. */
  send(port: number, bytes: Uint8Array): Promise<void>;
}

/** @param slow ports whose reader takes its time for each piece */
async function converse(
  ports: readonly PortFacts[],
  run: string,
  body: (conversation: Conversation) => Promise<void>,
  wiring: Pick<DomainConfig, 'virtio' | 'aia'> & { readonly bootArgs?: string; readonly slow?: boolean } = {},
): Promise<Conversation> {
  if (guest === undefined) throw new Error('there is no guest');
  const { bootArgs = 'console=ttyS0', slow = false, ...rest } = wiring;
  const kernel = await readKernel(readFileSync(guest.kernelPath), guest.kernelPath);
  const initrd = initramfs({
    busybox: readFileSync(guest.busyboxPath),
    run: guestScript(run),
    extraFiles: [
      { path: 'few', data: FEW },
      { path: 'many', data: MANY },
    ],
  });
  const pieces = ports.map((): Buffer[] => []);
  let serial = '';
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const wake of [...waiting]) wake();
  };
  const backends = pieces.map(
    (list): PortBackend => ({
      output: (bytes) => {
        list.push(Buffer.from(bytes));
        changed();
        return slow ? new Promise((resolve) => setImmediate(resolve)) : undefined;
      },
      opened: changed,
      inputSpace: changed,
    }),
  );
  const base = {
    kind: 'domain',
    vcpus: 2,
    pcpus: 2,
    memoryBytes: 256 << 20,
    protocol: 'take-mirror',
  } as const;
  const machine = new Machine({ ...base, kernel, initrd, bootArgs, ports, ...rest }, new NodeHost(), {
    console: {
      output: (bytes) => {
        serial += Buffer.from(bytes).toString();
        changed();
        return undefined;
      },
    },
    ports: backends,
  });
  let ended = false;
  void machine.ended.then(() => {
    ended = true;
    changed();
  });
  const next = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => {
      waiting.delete(wake);
      resolve();
    };
    waiting.add(wake);
    return promise;
  };
  const conversation: Conversation = {
    machine,
    ports: machine.ports,
    serial: () => serial,
    output: (port) => {
      // Asked for at each event: what was put together once stays so.
      if (pieces[port].length > 1) pieces[port].splice(0, Infinity, Buffer.concat(pieces[port]));
      return pieces[port][0] ?? Buffer.alloc(0);
    },
    until: async (condition, what) => {
      while (!condition()) {
        if (ended) throw new Error(`the machine has ended without ${what}\n${serial}`);
        await next();
      }
    },
    send: async (port, bytes) => {
      for (let rest = bytes; rest.length > 0; ) {
        const taken = machine.ports[port].input(rest);
        rest = rest.subarray(taken);
        if (taken === 0) {
          if (ended) throw new Error(`the machine has ended before all was sent\n${serial}`);
          await next();
        }
      }
    },
  };
  const limit = setTimeout(() => machine.stop(), LIMIT_MS);
  machine.start();
  try {
    await body(conversation);
    expect(await machine.ended, serial + Buffer.concat(pieces[0])).toEqual({ reason: 'poweroff' });
  } finally {
    clearTimeout(limit);
    machine.stop();
    await machine.ended;
  }
  return conversation;
}

const values = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}: ?(.*?)\\r?$`, 'gm'))].map(([, value]) => value);

/** A terminal whose size changes, and some of its input and output. */
const TERMINAL = `
  trap 'echo "resized: $(stty size)"' WINCH
  echo "terminal: $(tty) $(stty size)"
  echo ready
  # The shell's read ends with nothing when the trap interrupts it.
  line=; while [ -z "$line" ]; do read -r line; done; echo "line: $line"
  i=0; while [ "$(stty size)" != '50 160' ] && [ $i -lt 200 ]; do sleep 0.1; i=$((i + 1)); done
  cat /few
`;

async function useTerminal({ ports, output, until, send }: Conversation): Promise<void> {
  const text = () => output(0).toString();
  ports[0].resize(132, 43);
  await until(() => text().includes('ready'), 'a word');
  ports[0].resize(160, 50);
  await send(0, Buffer.from('hello\r'));
}

function checkTerminal({ output }: Conversation): void {
  const text = output(0).toString();
  expect(values(text, 'terminal')).toEqual(['/dev/hvc0 43 132']);
  expect(values(text, 'line')).toEqual(['hello']);
  expect(values(text, 'resized')).toContain('50 160');
  expect(text).toContain(FEW.replaceAll('\n', '\r\n'));
}

describe.skipIf(guest === undefined)('the console', { timeout: LIMIT_MS + 30_000 }, () => {
  const bootArgs = `console=hvc0 earlycon=sbi ${QUICK_START}`;

  test('is a terminal with a size, by messages', async () => {
    checkTerminal(await converse([{}], TERMINAL, useTerminal, { aia: 'aplic-imsic', bootArgs }));
  });

  test('is one by its pin, and has channels, which take and give any bytes, however slow the other end is', async () => {
    const script = `
      ${TERMINAL}
      for port in /sys/class/virtio-ports/*/name; do echo "$(cat $port): $(basename $(dirname $port))"; done
      cd /dev
      exec 3<>/dev/$(basename $(grep -l org.test.echo /sys/class/virtio-ports/*/name | xargs dirname))
      exec 4>/dev/$(basename $(grep -l org.test.out /sys/class/virtio-ports/*/name | xargs dirname))
      head -c 3000000 <&3 | tee /tmp/bytes >&3 & copy=$!
      cat /many >&4
      # A machine that ends takes with it what nobody has read.
      wait $copy; head -c 4 <&3 > /dev/null; md5sum < /tmp/bytes | sed 's/^/sum: /'
    `;
    const bytes = new Uint8Array(3_000_000).map((_, index) => (index * 7 + (index >> 8)) & 0xff);
    const body = async (conversation: Conversation) => {
      const { send, output, until } = conversation;
      await useTerminal(conversation);
      await send(1, bytes);
      await until(() => output(1).length === bytes.length, 'the echo');
      await until(() => output(2).toString().endsWith('60000\n'), 'the numbers');
      await send(1, Buffer.from('done'));
    };
    const names: PortFacts[] = [{}, { name: 'org.test.echo' }, { name: 'org.test.out' }];
    const conversation = await converse(names, script, body, { slow: true, bootArgs });
    checkTerminal(conversation);
    const { output } = conversation;
    const text = output(0).toString();
    expect(values(text, 'org.test.echo')).toEqual(['vport0p1']);
    expect(output(1).equals(bytes)).toBe(true);
    expect(values(text, 'sum')[0]).toContain(createHash('md5').update(bytes).digest('hex'));
    expect(output(2).toString() === MANY).toBe(true);
  });
});
