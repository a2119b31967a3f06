import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScheduler } from '../../src/machine/domain/vcpus.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { SavedMachine } from '../../src/machine/snapshot/saved-machine.ts';
import { NodeHost } from '../../src/node/node-host.ts';
import { GdbClient } from './gdb-client.ts';
import { COUNTING, debugged } from './programs.ts';

const S1 = 9;
const A0 = 10;
const S2 = 18;
const PRIVILEGE = 65 + 4096;

const hex = (value: bigint): string => value.toString(16);

describe.each(['bare', 'domain'] as const)('a debugger of a machine (%s)', (kind) => {
  const { config, address } = debugged(kind, COUNTING);
  const machine = new Machine(config, new NodeHost(), { console: { output: () => undefined } });
  let client: GdbClient;

  beforeAll(async () => {
    machine.start();
    client = new GdbClient(await machine.debug());
  });

  afterAll(async () => {
    machine.stop();
    await machine.ended;
  });

  it('stops the machine when it comes, and shows where that is', async () => {
    expect(await client.ask('?')).toBe('T05thread:01;');
    expect(await client.ask('qSupported:swbreak+;hwbreak+')).toContain('vContSupported+');
    expect(await client.ask('qfThreadInfo')).toBe('m1,2');
    expect(await client.register(PRIVILEGE)).toBe(kind === 'bare' ? 3n : 1n);
    expect((await client.ask('g')).length).toBe(2 * (33 * 8 + 32 * 8));
  });

  it('stops at code that has been compiled, before its instruction', async () => {
    client.send('vCont;c');
    // Long enough for regions in most runs; the test holds without them, too.
    await progress(client, 3_000_000n);
    expect(await client.ask(`Z0,${hex(address('leaf'))},4`)).toBe('OK');
    expect(await client.ask('vCont;c')).toBe('T05thread:1;swbreak:;');
    expect(await client.pc()).toBe(address('leaf'));
    expect(await client.register(S1)).toBe((await client.register(S2)) + 1n);
  });

  it('steps over a breakpoint, instruction by instruction, whether others go on or not', async () => {
    expect(await client.ask('vCont;s:1;c')).toBe('T05thread:1;');
    expect(await client.pc()).toBe(address('load'));
    expect(await client.ask('vCont;s:1')).toBe('T05thread:1;');
    expect(await client.pc()).toBe(address('behind'));
    expect(await client.ask('vCont;s:1')).toBe('T05thread:1;');
    expect(await client.pc()).toBe(address('leaf') - 4n);
    expect(await client.ask(`vCont;r${hex(address('loop'))},${hex(address('leaf'))}:1`)).toBe('T05thread:1;');
    expect(await client.pc()).toBe(address('leaf'));
    expect(await client.ask(`z0,${hex(address('leaf'))},4`)).toBe('OK');
  });

  it('stops before accesses to memory that is watched, as gdb expects it of RISC-V', async () => {
    const data = address('data');
    expect(await client.ask(`Z2,${hex(data)},8`)).toBe('OK');
    expect(await client.ask('vCont;c')).toBe(`T05thread:1;watch:${hex(data)};`);
    expect(await client.pc()).toBe(address('store'));
    expect(await client.read64(data)).toBe((await client.register(S1)) - 1n);
    await client.ask(`z2,${hex(data)},8`);
    expect(await client.ask(`Z3,${hex(data + 12n)},1`)).toBe('OK');
    expect(await client.ask('vCont;c')).toBe(`T05thread:1;rwatch:${hex(data + 12n)};`);
    expect(await client.pc()).toBe(address('load'));
    await client.ask(`z3,${hex(data + 12n)},1`);
    expect(await client.ask(`Z4,${hex(data)},1`)).toBe('OK');
    expect(await client.ask('vCont;c')).toBe(`T05thread:1;awatch:${hex(data)};`);
    await client.ask(`z4,${hex(data)},1`);
  });

  it('shows vectors and their length, and changes them', async () => {
    const register = (4162 + 3).toString(16);
    const value = Array.from({ length: 32 }, (_, index) => (200 + index).toString(16)).join('');
    expect(await client.ask(`p${register}`)).toBe('00'.repeat(32));
    expect(await client.ask(`P${register}=${value}`)).toBe('OK');
    expect(await client.ask(`p${register}`)).toBe(value);
    expect(await client.ask(`p${(4162 + 2).toString(16)}`)).toBe('00'.repeat(32));
    expect(await client.ask(`P${register}=${value}00`)).toBe('E22');
    const [vstart, vcsr, vlenb] = [0x008, 0x00f, 0xc22];
    await client.ask(`P${(65 + vcsr).toString(16)}=07${'00'.repeat(7)}`);
    await client.ask('vCont;s:1');
    expect(await client.ask(`p${register}`)).toBe(value);
    expect(await Promise.all([vstart, vcsr, vlenb].map((csr) => client.register(65 + csr)))).toEqual([
      0n,
      7n,
      32n,
    ]);
  });

  it('changes registers and memory', async () => {
    await client.ask(`P9=${'00'.repeat(8)}`);
    expect(await client.register(S1)).toBe(0n);
    const data = hex(address('data') + 16n);
    expect(await client.ask(`M${data},4:01020304`)).toBe('OK');
    expect(await client.ask(`m${data},4`)).toBe('01020304');
    expect(await client.ask('m10,4')).toBe('E14');
    expect(await client.ask('Qqemu.PhyMemMode:1')).toBe('OK');
    expect(await client.ask(`m${data},4`)).toBe('01020304');
    expect(await client.ask('Qqemu.PhyMemMode:0')).toBe('OK');
  });

  it('takes an ebreak that it has written for a breakpoint', async () => {
    const leaf = hex(address('leaf'));
    const original = await client.ask(`m${leaf},4`);
    expect(await client.ask(`M${leaf},4:73001000`)).toBe('OK');
    expect(await client.ask('vCont;c')).toBe('T05thread:1;swbreak:;');
    expect(await client.pc()).toBe(address('leaf'));
    expect(await client.ask(`M${leaf},4:${original}`)).toBe('OK');
    const before = await client.register(S2);
    await client.ask('vCont;s:1');
    expect(await client.register(S2)).toBe(before + 1n);
  });

  it('executes code that it has written', async () => {
    // addi s2, s2, 5
    expect(await client.ask(`M${hex(address('leaf'))},4:13095900`)).toBe('OK');
    expect(await client.ask(`Z1,${hex(address('load'))},4`)).toBe('OK');
    expect(await client.ask('vCont;c')).toBe('T05thread:1;hwbreak:;');
    const before = await client.register(S2);
    await client.ask('vCont;s:1');
    expect(await client.ask('vCont;c')).toBe('T05thread:1;hwbreak:;');
    expect(await client.register(S2)).toBe(before + 5n);
    await client.ask(`z1,${hex(address('load'))},4`);
  });

  it('holds a processor back, which goes on in a copy of the machine', async () => {
    await client.ask('Hg1');
    const held = await client.register(S1);
    const saved = await machine.save((each) => each);
    client.send('vCont;c:2');
    await untilHeld(saved);
    const copy = new Machine({ kind: 'restored', saved: await machine.fork() }, new NodeHost(), {
      console: { output: () => undefined },
    });
    copy.start();
    const other = new GdbClient(await copy.debug());
    await other.ask('?');
    other.send('vCont;c');
    await progress(other, 100n);
    copy.stop();
    expect(await interrupted(client)).toBe(held);
  });

  it('interrupts the machine, and leaves it alone at last', async () => {
    client.send('vCont;c');
    expect(await client.interrupt()).toMatch(/^T02thread:/);
    expect(await client.ask('D')).toBe('OK');
    expect(client.closed).toBe(true);
    const second = new GdbClient(await machine.debug());
    expect(await second.ask('?')).toBe('T05thread:01;');
    second.send('vCont;c');
    await progress(second, 100_000n);
    machine.stop();
    second.send('vCont;c');
    expect(await second.next()).toBe('X09');
  });
});

it('shows the registers of a vCPU that waits for room in the output of the console', async () => {
  const { config, address } = debugged(
    'domain',
    `li s1, 0
  fill: li a7, 0x4442434e; li a6, 0; li a0, 4096; li a1, 0x80200000; li a2, 0; ecall
    bnez a1, fill
  next: li a7, 0x4442434e; li a6, 2; li a0, 65
  call: ecall
    addi s1, s1, 1; j next`,
  );
  const reader = Promise.withResolvers<void>();
  const machine = new Machine(config, new NodeHost(), { console: { output: () => reader.promise } });
  machine.start();
  const client = new GdbClient(await machine.debug());
  await client.ask('?');
  await client.ask('Hg1');
  // Its reader may take some more at first.
  for (let before = -1n, written = 0n; before !== written || (await client.pc()) !== address('call'); ) {
    before = written;
    client.send('vCont;c');
    written = await interrupted(client);
  }
  expect(await client.register(A0)).toBe(65n);
  reader.resolve();
  client.send('vCont;c');
  await progress(client, 1000n);
  machine.stop();
  await machine.ended;
});

/** Waits until no vCPU is left to be run. */
async function untilHeld({ memory, plan }: SavedMachine): Promise<void> {
  if (plan.kind === 'bare') return;
  const scheduler = createScheduler({ memory, plan });
  while (scheduler.waiting > 0) await setImmediate();
}

/** Interrupts the machine. @returns what the first processor has counted */
async function interrupted(client: GdbClient): Promise<bigint> {
  await client.interrupt();
  await client.ask('Hg1');
  return client.register(S1);
}

/** Lets a machine that runs count on by so much, and leaves it interrupted. */
async function progress(client: GdbClient, least: bigint): Promise<void> {
  const from = await interrupted(client);
  while ((await client.register(S1)) - from < least) {
    client.send('vCont;c');
    await client.interrupt();
  }
}
