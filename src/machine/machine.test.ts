import { afterEach, describe, expect, test, vi } from 'vitest';
import { bareProgram, finish, guestProgram, reset } from '../../test/machine/programs.ts';
import { type MachineRun, runMachine } from '../../test/machine/run-machine.ts';
import { InputError } from '../errors/input-error.ts';
import { NodeHost } from '../node/node-host.ts';
import type { MachineConfig } from './config.ts';
import { Machine } from './machine.ts';
import type { MachineHost } from './machine-host.ts';
import type { WorkerMessage, WorkerStart } from './worker.ts';

const LIMIT_MS = 240_000;
const MIB = 2 ** 20;
const SPIN = 'stay: j stay\n';
const PARK = 'park: wfi; j park\n';

function domain(source: string, vcpus = 1, pcpus = vcpus): MachineConfig {
  const kernel = guestProgram(source);
  const memoryBytes = 16 * MIB;
  return {
    kind: 'domain',
    vcpus,
    pcpus,
    memoryBytes,
    protocol: 'take-mirror',
    kernel,
    bootArgs: '',
    debug: true,
  };
}

const bare = (source: string, harts = 1): MachineConfig => ({
  kind: 'bare',
  harts,
  memoryBytes: 16 * MIB,
  program: bareProgram(source),
});

const run = (config: MachineConfig, limit = LIMIT_MS): Promise<MachineRun> => runMachine(config, limit);

describe('a domain ends', () => {
  test.each([
    ['by SBI shutdown', reset(0, 0), { reason: 'poweroff' }],
    ['by SBI shutdown for a failure', reset(0, 1), { reason: 'failure', code: 1 }],
    ['by SBI reboot', reset(1, 0), { reason: 'reboot' }],
    ['by the finisher', finish(0x5555), { reason: 'poweroff' }],
    ['by the finisher with a code', finish(0x0007_3333), { reason: 'failure', code: 7 }],
    ['by the finisher’s reset', finish(0x7777), { reason: 'reboot' }],
  ])('%s', async (_, source, end) => {
    expect((await run(domain(source + SPIN))).end).toEqual(end);
  });

  test.each([
    ['spins', SPIN],
    ['sleeps', PARK],
    ['traps for ever', 'la t0, stay; csrw stvec, t0; .align 4\nstay: sret\n'],
  ])('from outside while its guest %s', async (_, source) => {
    expect((await run(domain(source, 2), 300)).end).toEqual({ reason: 'stopped' });
  });

  test('while one vCPU waits for the others: sleeping, running, in a remote fence', async () => {
    const source = `
      bnez a0, other
      li s0, 3
    next: li a7, 0x48534d; li a6, 0; add a0, s0, zero; la a1, other; li a2, 0; ecall
      addi s0, s0, -1; bnez s0, next
      li s0, 300
    fences: li a7, 0x52464e43; li a6, 1; li a0, 0; li a1, -1; li a2, 0; li a3, 0; ecall
      addi s0, s0, -1; bnez s0, fences
      ${reset(0, 0)}
    other: andi t0, a0, 1; bnez t0, busy
      ${PARK}
    busy: li a7, 0x52464e43; li a6, 0; li a0, 0; li a1, -1; ecall; j busy`;
    expect((await run(domain(source, 4, 2))).end).toEqual({ reason: 'poweroff' });
  });

  test('because the guest is stuck, and says where', async () => {
    const { end } = await run(domain('li t0, 0x5000; jr t0'));
    expect(end.reason).toBe('stuck');
    expect(end).toMatchObject({
      message: expect.stringContaining('vCPU 0 takes one exception after the other'),
    });
    expect(end).toMatchObject({ message: expect.stringContaining('at pc 0x5000') });
  });
});

describe('a domain', () => {
  test('tells a guest how long its vCPUs wait for a pCPU, and hands software events to another thread’s vCPU', async () => {
    const source = `
      bnez a0, other
      li a7, 0x48534d; li a6, 0; li a0, 1; la a1, other; li a2, 0; ecall
      li a7, 0x48534d; li a6, 0; li a0, 2; la a1, other; li a2, 0; ecall
      li s0, 0x80800000
      li a7, 0x535441; li a6, 0; add a0, s0, zero; li a1, 0; li a2, 0; ecall
    stolen: ld t0, 8(s0); beqz t0, stolen
      li a7, 0x535345; li a6, 7
    inject: li a0, 0xffff0000; li a1, 2; ecall; bnez a0, inject
    stay: j stay
    other: li a7, 0x535345; li a6, 2; li a0, 0xffff0000; la a1, handler; li a2, 0; ecall
      li a6, 4; li a0, 0xffff0000; ecall
      li a6, 8; ecall
    spin: j spin
    handler: ${reset(0, 0)}`;
    expect((await run(domain(source, 3, 2))).end).toEqual({ reason: 'poweroff' });
  });
});

test('a thread that has waited long enough for its next machine gets none', async () => {
  const config = domain(reset(0, 0));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    expect((await run(config)).end).toEqual({ reason: 'poweroff' });
    // Its thread is about to end, which takes a moment.
    vi.advanceTimersByTime(60_000);
    expect((await run(config)).end).toEqual({ reason: 'poweroff' });
  } finally {
    vi.useRealTimers();
  }
});

describe('a bare machine ends', () => {
  test.each([
    ['by the finisher', `${finish(0x5555)}${SPIN}`, { reason: 'poweroff' }],
    [
      'by hart 1 while hart 0 sleeps',
      `csrr t0, mhartid; bnez t0, one\n${PARK}one: ${finish(0x5555)}${SPIN}`,
      { reason: 'poweroff' },
    ],
    [
      'because a hart is stuck',
      'csrw mtvec, zero; ebreak',
      { reason: 'stuck', message: expect.stringContaining('(mtvec) is at 0x0') },
    ],
  ])('%s', async (_, source, end) => {
    expect((await run(bare(source, 2))).end).toEqual(end);
  });

  test('from outside', async () => {
    expect((await run(bare(PARK, 2), 300)).end).toEqual({ reason: 'stopped' });
  });

  test('not because a handler takes long row after row of exceptions', async () => {
    const source = `
      la t0, handler; csrw mtvec, t0; li s0, 20000
    again: .word 0xc0001073
    .align 4
    handler: addi s0, s0, -1; beqz s0, end; la t0, again; csrw mepc, t0; mret
    end: ${finish(0x5555)}${SPIN}`;
    expect((await run(bare(source))).end).toEqual({ reason: 'poweroff' });
  });

  test.each(['mtimecmp', 'stimecmp'])(
    'no timer is missed that becomes due while a hart falls asleep: %s',
    async (timer) => {
      const source = `
      li t0, -1; csrw menvcfg, t0; li s1, 0x200bff8; li s2, 0x2004000
      li t0, ${timer === 'mtimecmp' ? 0x80 : 0x20}; csrw mie, t0
      li s0, 6000
    loop: ld t1, (s1); andi t2, s0, 255; add t1, t1, t2
      ${timer === 'mtimecmp' ? 'sd t1, (s2)' : 'csrw stimecmp, t1'}
      wfi
      addi s0, s0, -1; bnez s0, loop
      ${finish(0x5555)}${SPIN}`;
      expect((await run(bare(source))).end).toEqual({ reason: 'poweroff' });
    },
  );

  test.each(['jit', 'lockstep'] as const)(
    'a hart’s own MSIP interrupts it right behind the store: %s',
    async (engine) => {
      const source = `
      la t0, handler; csrw mtvec, t0; li t0, 8; csrw mie, t0; csrsi mstatus, 8
      li s0, 0x2000000; li s1, 1; li s2, 20000
    again: la s3, behind; sw s1, (s0)
      addi s4, s4, 1
    behind: addi s2, s2, -1; bnez s2, again
      bnez s4, bad
      ${finish(0x5555)}
    bad: ${finish(0x3333)}${SPIN}
    .align 4
    handler: sw zero, (s0); csrw mepc, s3; mret`;
      expect((await run({ ...bare(source), engine })).end).toEqual({ reason: 'poweroff' });
    },
  );

  test('a sleeping hart wakes up for its timer and for others', async () => {
    const source = `
      csrr s1, mhartid; li s2, 0x2000000
      bnez s1, one
      li t0, 8; csrw mie, t0; wfi
      ${finish(0x5555)}${SPIN}
    one: li t0, 128; csrw mie, t0
      li t0, 0x200bff8; ld t1, (t0); li t2, 50000; add t1, t1, t2; li t0, 0x2004008; sd t1, (t0)
      wfi
      li t0, 1; sw t0, (s2)
      ${PARK}`;
    expect((await run(bare(source, 2))).end).toEqual({ reason: 'poweroff' });
  });
});

describe('output', () => {
  test('of the debug console all arrives, however much there is', async () => {
    const source = `
      li s0, 3000
    loop: li a7, 0x4442434e; li a6, 2; andi a0, s0, 63; addi a0, a0, 48; ecall; bnez a0, bad
      addi s0, s0, -1; bnez s0, loop
      ${reset(0, 0)}
    bad: ${reset(0, 1)}${SPIN}`;
    const { end, output } = await run(domain(source));
    expect(end).toEqual({ reason: 'poweroff' });
    const expected = Array.from({ length: 3000 }, (_, index) =>
      String.fromCharCode(48 + ((3000 - index) & 63)),
    );
    expect(output).toBe(expected.join(''));
  });
});

/** Threads that do what a test says. */
function scriptedHost(spawn: (start: WorkerStart, exit: (error?: Error) => void) => () => void) {
  const host: MachineHost = {
    clockOffset: 0,
    spawn: (start, _onMessage: (message: WorkerMessage) => void, onExit) => {
      const terminate = spawn(start, onExit as (error?: Error) => void);
      return { terminate: async () => terminate() };
    },
  };
  return host;
}

const quiet = { console: { output: () => undefined } };

describe('a thread that fails', () => {
  test('takes the machine down, and is what is reported', async () => {
    const exits: ((error?: Error) => void)[] = [];
    const machine = new Machine(
      domain(SPIN, 2),
      scriptedHost((_, exit) => {
        exits.push(exit);
        return () => exit();
      }),
      quiet,
    );
    machine.start();
    exits[0]?.(new Error('broken'));
    exits[1]?.();
    expect(await machine.ended).toMatchObject({ reason: 'defect', error: { message: 'broken' } });
  });
});

test.each([
  ['a kernel with the header of an Image', 'image', 'boot'],
  ['another program', 'raw', undefined],
] as const)('%s has all threads from its start, or one', async (_, kind, heldBack) => {
  const starts: WorkerStart[] = [];
  const exits: (() => void)[] = [];
  const host = scriptedHost((start, exit) => {
    starts.push(start);
    exits.push(exit);
    return exit;
  });
  const config = domain(SPIN, 2);
  if (config.kind !== 'domain' || config.kernel.kind === 'elf') return expect.unreachable();
  const machine = new Machine({ ...config, kernel: { ...config.kernel, kind } }, host, quiet);
  machine.start();
  machine.stop();
  for (const exit of exits) exit();
  await machine.ended;
  expect(starts).toMatchObject([
    { kind: 'domain', heldBack },
    { kind: 'domain', heldBack },
  ]);
});

describe('a machine runs once', () => {
  const again = 'This machine has been started, or stopped, before, and runs once. Make another one.';

  test('and is not started twice, nor behind its end', async () => {
    let threads = 0;
    const host = scriptedHost((_, exit) => {
      threads++;
      return () => exit();
    });
    const machine = new Machine(domain(SPIN), host, quiet);
    machine.start();
    expect(() => machine.start()).toThrow(new InputError(again));
    expect(threads).toBe(1);
  });

  test('and has ended when it was stopped before it was started', async () => {
    const host = scriptedHost(() => expect.unreachable());
    const machine = new Machine(domain(SPIN), host, quiet);
    machine.stop();
    machine.stop();
    expect(await machine.ended).toEqual({ reason: 'stopped' });
    expect(() => machine.start()).toThrow(new InputError(again));
  });
});

/** Catches what is thrown apart from all calls. */
function thrownApart(): unknown[] {
  const thrown: unknown[] = [];
  vi.stubGlobal('queueMicrotask', (call: () => void) => {
    try {
      call();
    } catch (error) {
      thrown.push(error);
    }
  });
  return thrown;
}

describe('an error of the program in what the machine tells it', () => {
  const fail = () => {
    throw new Error('mine');
  };
  afterEach(() => vi.unstubAllGlobals());

  test('is none of the machine, and its notices go on', async () => {
    const thrown = thrownApart();
    const host: MachineHost = {
      clockOffset: 0,
      spawn: (_, onMessage, onExit) => {
        setImmediate(() => {
          onMessage({ kind: 'notice', text: 'news' });
          onExit(undefined);
        });
        return { terminate: async () => undefined };
      },
    };
    const machine = new Machine(domain(SPIN), host, { ...quiet, onNotice: fail });
    machine.start();
    await machine.ended;
    expect(thrown).toEqual([new Error('mine')]);
  });

  test('does not keep the machine from its end where it takes the output', async () => {
    const thrown = thrownApart();
    const source = `li t0, 0x10000000; li t1, 65; sb t1, 0(t0)\n${finish(0x5555)}${SPIN}`;
    const machine = new Machine(bare(source), new NodeHost(), { console: { output: fail } });
    machine.start();
    expect(await machine.ended).toEqual({ reason: 'poweroff' });
    expect(thrown).toEqual([new Error('mine')]);
  });
});

describe('the files of a machine', () => {
  const threadless = scriptedHost(() => () => undefined);

  test.each([
    ['are detached when they are in its memory', true, 0],
    ['stay as they are otherwise', false, 64],
  ])('%s', (_, detachFiles, initrdLength) => {
    const kernel = guestProgram(SPIN);
    const size = kernel.bytes.length;
    const initrd = new Uint8Array(64);
    const machine = new Machine(
      { ...domain(SPIN), kernel, initrd, detachFiles } as MachineConfig,
      threadless,
      quiet,
    );
    expect(initrd).toHaveLength(initrdLength);
    expect(kernel.bytes).toHaveLength(detachFiles ? 0 : size);
    expect(machine.deviceTree.length).toBeGreaterThan(0);
  });
});

describe('a machine that cannot be put together', () => {
  test('has a kernel larger than its memory', () => {
    const kernel = { ...guestProgram(SPIN), memorySize: 64 * MIB };
    const config = { ...domain(SPIN), kernel } as MachineConfig;
    expect(
      () =>
        new Machine(
          config,
          scriptedHost(() => () => undefined),
          quiet,
        ),
    ).toThrow(InputError);
  });
});
