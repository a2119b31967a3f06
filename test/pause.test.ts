/** Machines that are paused at any moment, and go on. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { readKernel } from '../src/boot/kernel-image.ts';
import type { MachineConfig } from '../src/machine/config.ts';
import { Machine } from '../src/machine/machine.ts';
import { LOOPBACK } from '../src/network/address.ts';
import { DEFAULT_MAC, userNetwork } from '../src/network/defaults.ts';
import { prepareNetwork } from '../src/node/network/open-network.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { bareProgram, finish } from './machine/programs.ts';

const MIB = 2 ** 20;
const LIMIT_MS = 240_000;
const kernel = await readKernel(
  readFileSync(new URL('../guests/tick/tick.elf', import.meta.url)),
  'tick.elf',
);

function tick(vcpus: number, pcpus: number, bootArgs: string): MachineConfig {
  const shape = { kind: 'domain', vcpus, pcpus, memoryBytes: 32 * MIB } as const;
  return { ...shape, protocol: 'take-mirror', kernel, bootArgs, debug: true };
}

/** Hart 0 counts to the end while hart 1 sleeps in between the ticks of its timer. */
const bare = (rounds: number): MachineConfig => ({
  kind: 'bare',
  harts: 2,
  memoryBytes: 16 * MIB,
  program: bareProgram(`
    csrr t0, mhartid; bnez t0, sleeper
    li s0, ${rounds}
  count: addi s0, s0, -1; bnez s0, count
    ${finish(0x5555)}
  stay: j stay
  sleeper: li t1, 0x0200bff8; li t2, 0x02004008; li t3, 0x80; csrw mie, t3
  next: ld t0, (t1); li t3, 5000; add t0, t0, t3; sd t0, (t2)
    wfi; j next`),
});

interface Started {
  readonly machine: Machine;
  readonly output: () => string;
}

function start(config: MachineConfig, host = new NodeHost()): Started {
  const decoder = new TextDecoder();
  let output = '';
  const machine = new Machine(config, host, {
    console: {
      output: (bytes) => {
        output += decoder.decode(bytes, { stream: true });
        return undefined;
      },
    },
  });
  machine.start();
  return { machine, output: () => output };
}

/** Pauses and goes on again and again, at moments that nobody chooses, until the machine ends. @returns how often */
async function pauseUntilEnd(machine: Machine): Promise<number> {
  let running = true;
  void machine.ended.then(() => {
    running = false;
  });
  let pauses = 0;
  for (let turns = 1; running; turns = (turns * 7) % 31) {
    await machine.pause();
    if (!running) break;
    const before = machine.stats().map(({ exits, instructions }) => [exits, instructions]);
    await setImmediate();
    expect(machine.stats().map(({ exits, instructions }) => [exits, instructions])).toEqual(before);
    machine.resume();
    pauses++;
    for (let turn = 0; turn < turns; turn++) await setImmediate();
  }
  return pauses;
}

/** Runs a machine until there were enough pauses: once, unless the host has much else to do. @returns how many */
async function pauseOften(
  config: MachineConfig,
  least: number,
): Promise<{ pauses: number; outputs: string[] }> {
  const outputs = [];
  let pauses = 0;
  while (pauses < least) {
    const { machine, output } = start(config);
    pauses += await pauseUntilEnd(machine);
    expect(await machine.ended, output()).toEqual({ reason: 'poweroff' });
    outputs.push(output());
  }
  return { pauses, outputs };
}

describe('a domain that is paused again and again', () => {
  test.each([
    [1, 1],
    [4, 2],
    [8, 2],
  ])(
    'loses no interrupt on %i vCPUs over %i pCPUs',
    async (vcpus, pcpus) => {
      const { pauses, outputs } = await pauseOften(tick(vcpus, pcpus, 'seconds=1'), 50);
      for (const output of outputs) expect(output).toContain('tick: PASS');
      console.log(`${pauses} pauses on ${vcpus} vCPUs over ${pcpus} pCPUs`);
    },
    LIMIT_MS,
  );

  test(
    'finds its time where it was',
    async () => {
      const begin = performance.now();
      const { machine } = start(tick(2, 2, 'seconds=1'));
      let paused = 0;
      let running = true;
      void machine.ended.then(() => {
        running = false;
      });
      for (let count = 0; count < 3; count++) {
        await machine.pause();
        if (!running) break;
        const from = performance.now();
        while (performance.now() - from < 200) await setImmediate();
        // Read before: what is counted as paused is less than what was.
        paused += performance.now() - from;
        machine.resume();
        for (let turn = 0; turn < 1000; turn++) await setImmediate();
      }
      expect(await machine.ended).toEqual({ reason: 'poweroff' });
      expect(performance.now() - begin).toBeGreaterThan(1000 + paused);
    },
    LIMIT_MS,
  );
});

test(
  'a machine with a network stands still with it, and lets go of its ports in the end',
  async () => {
    const { guest, ...options } = userNetwork();
    const forward = { protocol: 'tcp', host: LOOPBACK, hostPort: 0, guest, guestPort: 22 } as const;
    const network = await prepareNetwork({
      ...{ ...options, guest, mac: DEFAULT_MAC, forwards: [forward], dump: undefined },
    });
    const host = new NodeHost();
    host.loadFirst(network.module);
    const { machine, output } = start({ ...tick(2, 2, 'seconds=1'), network: network.facts }, host);
    const [{ hostPort }] = network.forwards;
    // Nobody in this guest answers, so that the connection waits for as long as the machine lives.
    const ended = (async () => {
      for (;;) {
        const socket = createConnection({ host: '127.0.0.1', port: hostPort });
        const accepted = await new Promise((resolve) => {
          socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
        });
        if (accepted === true) return new Promise((resolve) => socket.on('close', resolve));
        await setImmediate();
      }
    })();
    expect(await pauseUntilEnd(machine)).toBeGreaterThan(0);
    expect(await machine.ended, output()).toEqual({ reason: 'poweroff' });
    await ended;
    await expect(once(createConnection({ host: '127.0.0.1', port: hostPort }), 'connect')).rejects.toThrow();
    network.close();
  },
  LIMIT_MS,
);

test(
  'a bare machine that is paused again and again goes on to its end',
  async () => {
    await pauseOften(bare(400_000_000), 10);
  },
  LIMIT_MS,
);

describe('a machine', () => {
  test('can be stopped while it is paused, and pauses no more after its end', async () => {
    const { machine } = start(tick(4, 2, 'seconds=60'));
    await machine.pause();
    machine.stop();
    expect(await machine.ended).toEqual({ reason: 'stopped' });
    machine.resume();
    await machine.pause();
    machine.resume();
  });

  test('goes on when a pause is taken back before it has come about, and pauses once for all who ask', async () => {
    const { machine, output } = start(tick(2, 1, 'seconds=1'));
    for (let count = 0; count < 100; count++) {
      const [one, other] = [machine.pause(), machine.pause()];
      expect(one).toBe(other);
      if (count % 3 !== 0) await other;
      machine.resume();
      await one;
    }
    expect(await machine.ended, output()).toEqual({ reason: 'poweroff' });
  });

  test('can be paused before it starts', async () => {
    const { machine } = start(tick(2, 2, 'rounds=4'));
    await machine.pause();
    machine.resume();
    expect(await machine.ended).toEqual({ reason: 'poweroff' });
  });

  test('takes what is typed after its pause, and offers room for it then', async () => {
    let offered = 0;
    const machine = new Machine(tick(1, 1, 'seconds=1'), new NodeHost(), {
      console: { output: () => undefined, inputSpace: () => offered++ },
    });
    machine.start();
    await machine.pause();
    expect(machine.input(Uint8Array.of(65))).toBe(0);
    expect(offered).toBe(0);
    machine.resume();
    expect(offered).toBe(1);
    expect(machine.input(Uint8Array.of(65))).toBe(1);
    machine.stop();
    await machine.ended;
  });
});
