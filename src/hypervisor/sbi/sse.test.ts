import { beforeEach, describe, expect, test } from 'vitest';
import { DomainBed, RAM, SHUTDOWN } from '../../../test/hypervisor/domain-bed.ts';
import { EID, SbiBed } from '../../../test/hypervisor/sbi-bed.ts';
import { hasRequests, takeRequests } from '../../interrupts/run-state.ts';
import { deliverEvent } from '../deliver-event.ts';
import { SBI } from './index.ts';

const FID = {
  read: 0,
  write: 1,
  register: 2,
  unregister: 3,
  enable: 4,
  disable: 5,
  complete: 6,
  inject: 7,
  unmask: 8,
  mask: 9,
} as const;
const LOCAL = 0xffff_0000;
const GLOBAL = 0xffff_8000;
const BOTH = [LOCAL, GLOBAL];
const NAMED = [
  ['local', LOCAL],
  ['global', GLOBAL],
] as const;
const ATTRIBUTES = RAM + 0x4000;
const HANDLER = RAM + 0x100;
const [STATUS, PRIORITY, CONFIG, PREFERRED, ENTRY, ARGUMENT, SEPC, FLAGS, A6, A7] = Array.from(
  { length: 10 },
  (_, attribute) => attribute,
) as [number, number, number, number, number, number, number, number, number, number];

type Argument = number | bigint;
let bed: SbiBed;
beforeEach(() => {
  bed = new SbiBed();
});

const sse = (id: number, ...args: Argument[]): number => bed.error(EID.sse, id, ...args);
function read(event: number, attribute: number): bigint {
  expect(sse(FID.read, event, attribute, 1, ATTRIBUTES, 0)).toBe(SBI.success);
  return bed.read64(ATTRIBUTES);
}
function write(event: number, attribute: number, value: Argument): number {
  bed.write64(ATTRIBUTES, value);
  return sse(FID.write, event, attribute, 1, ATTRIBUTES, 0);
}
const state = (event: number): number => Number(read(event, STATUS)) & 3;
const pending = (event: number): boolean => (read(event, STATUS) & 4n) !== 0n;
function prepare(event: number, priority = 0): void {
  expect(write(event, PRIORITY, priority)).toBe(SBI.success);
  expect(sse(FID.register, event, HANDLER, 77)).toBe(SBI.success);
  expect(sse(FID.enable, event)).toBe(SBI.success);
}
/** The step of a vCPU's pCPU before it enters the guest. */
const deliver = (vcpu = 0): boolean => deliverEvent(bed.harts[vcpu] ?? bed.hart, vcpu, bed.domain.events);

describe('event numbers', () => {
  test('of events without a source here are not supported, all others invalid; they are 32 bits wide', () => {
    const calls = (event: Argument): number[] => [
      sse(FID.read, event, 0, 1, ATTRIBUTES, 0),
      sse(FID.write, event, 1, 1, ATTRIBUTES, 0),
      sse(FID.register, event, HANDLER, 0),
      sse(FID.unregister, event),
      sse(FID.enable, event),
      sse(FID.disable, event),
      sse(FID.inject, event, 0),
    ];
    for (const event of [0, 1, 0x8000, 0x1_0000, 0x10_0000, 0x10_8000]) {
      expect(new Set(calls(event))).toEqual(new Set([SBI.notSupported]));
    }
    for (const event of [2, 0x4000, 0xc000, 0xffff_0001, 0xffff_4000, 0xffff_ffff, 0x2_0000]) {
      expect(new Set(calls(event))).toEqual(new Set([SBI.invalidParameter]));
    }
    expect(sse(FID.register, (1n << 32n) | BigInt(LOCAL), HANDLER, 0)).toBe(SBI.success);
    expect(state(LOCAL)).toBe(1);
  });
});

describe.each(NAMED)('the states of the %s event', (_, event) => {
  test('follow each other, and only that way', () => {
    const invalid = (...ids: number[]): void => {
      for (const id of ids) expect(sse(id, event, HANDLER, 0), `function ${id}`).toBe(SBI.invalidState);
    };
    invalid(FID.unregister, FID.enable, FID.disable);
    expect(sse(FID.register, event, HANDLER + 1, 0)).toBe(SBI.invalidParameter);
    expect(sse(FID.register, event, HANDLER, 0)).toBe(SBI.success);
    invalid(FID.register, FID.disable);
    expect(sse(FID.enable, event)).toBe(SBI.success);
    invalid(FID.register, FID.unregister, FID.enable);
    sse(FID.unmask);
    expect(sse(FID.inject, event, 0)).toBe(SBI.success);
    expect(deliver()).toBe(true);
    expect(state(event)).toBe(3);
    invalid(FID.register, FID.unregister, FID.enable, FID.disable);
    expect(bed.call(EID.sse, FID.complete).returns).toBe(false);
    expect(state(event)).toBe(2);
    expect(sse(FID.disable, event)).toBe(SBI.success);
    expect(sse(FID.unregister, event)).toBe(SBI.success);
    expect(state(event)).toBe(0);
  });

  test('an event that is not enabled cannot be injected', () => {
    expect(sse(FID.inject, event, 0)).toBe(SBI.failed);
    sse(FID.register, event, HANDLER, 0);
    expect(sse(FID.inject, event, 0)).toBe(SBI.failed);
    expect(pending(event)).toBe(false);
  });

  test('an event for once is registered, not enabled, after its handler', () => {
    write(event, CONFIG, 1);
    prepare(event);
    sse(FID.unmask);
    sse(FID.inject, event, 0);
    deliver();
    sse(FID.complete);
    expect(state(event)).toBe(1);
  });

  test('one that comes again while it is handled is delivered afterwards', () => {
    prepare(event);
    sse(FID.unmask);
    sse(FID.inject, event, 0);
    expect(deliver()).toBe(true);
    sse(FID.inject, event, 0);
    sse(FID.inject, event, 0);
    expect(deliver()).toBe(false);
    takeRequests(bed.vcpu.interrupts.words);
    sse(FID.complete);
    expect(hasRequests(bed.vcpu.interrupts.words)).toBe(true);
    expect(deliver()).toBe(true);
    sse(FID.complete);
    expect(deliver()).toBe(false);
  });
});

describe('masks', () => {
  test('are closed at first; twice the same is an error', () => {
    expect(sse(FID.mask)).toBe(SBI.alreadyStopped);
    expect(sse(FID.unmask)).toBe(SBI.success);
    expect(sse(FID.unmask)).toBe(SBI.alreadyStarted);
    expect(sse(FID.mask)).toBe(SBI.success);
  });

  test.each(NAMED)('keep the %s event pending until they open', (_, event) => {
    prepare(event);
    sse(FID.inject, event, 0);
    expect([pending(event), deliver()]).toEqual([true, false]);
    takeRequests(bed.vcpu.interrupts.words);
    sse(FID.unmask);
    expect(hasRequests(bed.vcpu.interrupts.words)).toBe(true);
    expect([deliver(), pending(event)]).toEqual([true, false]);
  });

  test('complete without a handler that runs does nothing', () => {
    expect(bed.call(EID.sse, FID.complete)).toMatchObject({ error: SBI.success, returns: true });
  });
});

describe('attributes', () => {
  test('have values that the specification gives them at reset', () => {
    expect(sse(FID.read, LOCAL, 0, 10, ATTRIBUTES, 0)).toBe(SBI.success);
    const values = Array.from({ length: 10 }, (_, index) => bed.read64(ATTRIBUTES + 8 * index));
    // Injectable, and not used.
    expect(values).toEqual([8n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]);
  });

  test.each([
    ['none', [STATUS, 0, ATTRIBUTES, 0], SBI.invalidParameter],
    ['one behind the last', [10, 1, ATTRIBUTES, 0], SBI.badRange],
    ['more than there are', [PRIORITY, 10, ATTRIBUTES, 0], SBI.badRange],
    ['so many that numbers wrap', [1, 0xffff_ffff, ATTRIBUTES, 0], SBI.badRange],
    ['an address that is not aligned', [PRIORITY, 1, ATTRIBUTES + 4, 0], SBI.invalidAddress],
    ['memory below RAM', [PRIORITY, 1, 0x1000, 0], SBI.invalidAddress],
    ['memory partly behind RAM', [PRIORITY, 2, RAM + (1 << 20) - 8, 0], SBI.invalidAddress],
    ['an address above 64 bits', [PRIORITY, 1, ATTRIBUTES, 1], SBI.invalidAddress],
  ] as const)('%s is refused', (_, args, expected) => {
    for (const id of [FID.read, FID.write]) {
      expect(sse(id, LOCAL, ...args)).toBe(expected);
      // Number and count are 32 bits wide.
      const [first, count, ...rest] = args;
      const wide = [BigInt(first) | (1n << 32n), BigInt(count) | (5n << 32n)] as const;
      expect(sse(id, LOCAL, ...wide, ...rest)).toBe(expected);
    }
  });

  test.each([STATUS, ENTRY, ARGUMENT])('number %i is read-only', (attribute) => {
    for (const event of BOTH) expect(write(event, attribute, 0)).toBe(SBI.denied);
  });

  test.each([
    ['a priority above 32 bits', PRIORITY, 1n << 32n],
    ['a reserved bit of the configuration', CONFIG, 2],
    ['a high bit of the configuration', CONFIG, 1n << 32n],
    ['a hart that does not exist', PREFERRED, 3],
    ['a hart above 32 bits', PREFERRED, 1n << 32n],
  ])('%s is invalid', (_, attribute, value) => {
    expect(write(GLOBAL, attribute, value)).toBe(SBI.invalidParameter);
  });

  test('cannot be changed while the event is enabled, and the preferred hart of a local one never', () => {
    expect(write(LOCAL, PREFERRED, 0)).toBe(SBI.denied);
    prepare(GLOBAL);
    for (const attribute of [PRIORITY, CONFIG, PREFERRED]) {
      expect(write(GLOBAL, attribute, 0)).toBe(SBI.invalidState);
    }
    expect(write(GLOBAL, SEPC, 0)).toBe(SBI.invalidState);
  });

  test('are written all or not at all, and the first one that is refused is the error', () => {
    for (const [index, value] of [5, 2, 9].entries()) bed.write64(ATTRIBUTES + 8 * index, value);
    expect(sse(FID.write, GLOBAL, PRIORITY, 3, ATTRIBUTES, 0)).toBe(SBI.invalidParameter);
    expect(read(GLOBAL, PRIORITY)).toBe(0n);
    for (const [index, value] of [5, 1, 2].entries()) bed.write64(ATTRIBUTES + 8 * index, value);
    expect(sse(FID.write, GLOBAL, PRIORITY, 3, ATTRIBUTES, 0)).toBe(SBI.success);
    expect([PRIORITY, CONFIG, PREFERRED].map((each) => read(GLOBAL, each))).toEqual([5n, 1n, 2n]);
  });

  test('of what was interrupted are the handler’s, on the hart that runs it', () => {
    prepare(GLOBAL);
    sse(FID.unmask);
    sse(FID.inject, GLOBAL, 0);
    deliver();
    for (const attribute of [SEPC, A6, A7]) {
      expect(write(GLOBAL, attribute, 0x1234_5678_9abc_def0n)).toBe(SBI.success);
      expect(read(GLOBAL, attribute)).toBe(0x1234_5678_9abc_def0n);
    }
    expect(write(GLOBAL, FLAGS, 0x3f)).toBe(SBI.success);
    for (const flags of [0x40, 1n << 32n]) expect(write(GLOBAL, FLAGS, flags)).toBe(SBI.invalidParameter);
    bed.loadVcpu(1, 1);
    bed.write64(ATTRIBUTES, 0);
    expect(bed.callOf(1, EID.sse, FID.write, GLOBAL, A6, 1, ATTRIBUTES, 0).error).toBe(SBI.invalidState);
  });
});

describe('delivery', () => {
  test('chooses by priority, then by number, and interrupts a handler of lower priority only', () => {
    sse(FID.unmask);
    prepare(LOCAL, 5);
    prepare(GLOBAL, 4);
    sse(FID.inject, LOCAL, 0);
    sse(FID.inject, GLOBAL, 0);
    expect(deliver()).toBe(true);
    expect([state(LOCAL), state(GLOBAL)]).toEqual([2, 3]);
    expect(deliver()).toBe(false);
    sse(FID.complete);
    expect(deliver()).toBe(true);
    expect([state(LOCAL), state(GLOBAL)]).toEqual([3, 2]);
    sse(FID.inject, GLOBAL, 0);
    expect(deliver()).toBe(true);
    expect([state(LOCAL), state(GLOBAL)]).toEqual([3, 3]);
    // The one on top ends first.
    sse(FID.complete);
    expect([state(LOCAL), state(GLOBAL)]).toEqual([3, 2]);
  });

  test('of equal priorities the lower number comes first; priorities are unsigned', () => {
    sse(FID.unmask);
    prepare(LOCAL, 0xffff_ffff);
    prepare(GLOBAL, 0xffff_ffff);
    sse(FID.inject, GLOBAL, 0);
    sse(FID.inject, LOCAL, 0);
    deliver();
    expect([state(LOCAL), state(GLOBAL)]).toEqual([3, 2]);
  });

  test('a local event has a state for each hart, and is injected on the one that is named', () => {
    bed.loadVcpu(1, 1);
    expect(sse(FID.inject, LOCAL, 3)).toBe(SBI.invalidParameter);
    expect(sse(FID.inject, LOCAL, 1n << 32n)).toBe(SBI.invalidParameter);
    expect(sse(FID.inject, LOCAL, 1)).toBe(SBI.failed);
    for (const [id, ...args] of [[FID.register, HANDLER, 0], [FID.enable], [FID.unmask]] as const) {
      expect(bed.callOf(1, EID.sse, id, ...(id === FID.unmask ? [] : [LOCAL, ...args])).error).toBe(0);
    }
    takeRequests((bed.vcpus[1] ?? bed.vcpu).interrupts.words);
    expect(sse(FID.inject, LOCAL, 1)).toBe(SBI.success);
    expect(state(LOCAL)).toBe(0);
    expect(hasRequests((bed.vcpus[1] ?? bed.vcpu).interrupts.words)).toBe(true);
    expect([deliver(0), deliver(1)]).toEqual([false, true]);
  });

  test('a global event is for the hart that is preferred', () => {
    bed.loadVcpu(1, 1);
    for (const vcpu of [0, 1]) bed.callOf(vcpu, EID.sse, FID.unmask);
    write(GLOBAL, PREFERRED, 1);
    prepare(GLOBAL);
    sse(FID.inject, GLOBAL, 0);
    expect([deliver(0), deliver(1)]).toEqual([false, true]);
    expect(bed.call(EID.sse, FID.complete).returns).toBe(true);
    expect(bed.callOf(1, EID.sse, FID.complete).returns).toBe(false);
  });
});

describe('a guest', () => {
  /** Registers and enables an event with `handler` and argument 0x1234, and opens the mask. */
  const ready = (event: number): string => `
      li a7, 0x535345; li a6, 2; li a0, ${event}; la a1, handler; li a2, 0x1234; ecall
      li a6, 4; li a0, ${event}; ecall
      li a6, 8; ecall`;
  const say = (text: string): string => `li a7, 0x4442434e; li a6, 2; li a0, '${text}'; ecall`;
  const complete = 'li a7, 0x535345; li a6, 6; ecall';

  test.each(NAMED)(
    'goes on after the call that injected the %s event as if there was no handler',
    (_, event) => {
      const program = new DomainBed().load(`
      la t0, trap; csrw stvec, t0
      ${ready(event)}
      li t1, 0x8abc; csrw sepc, t1; li t1, 0x100; csrc sstatus, t1; li t1, 0x20; csrs sstatus, t1; csrsi sstatus, 2
      li s4, 11; li a6, 7; li a0, ${event}; li a1, 0; li a2, 22; li a7, 0x535345; ecall
    after: bnez a0, trap
      li t0, 7; bne a6, t0, trap; li t0, 0x535345; bne a7, t0, trap
      li t0, 22; bne a2, t0, trap
      csrr t0, sepc; li t1, 0x8abc; bne t0, t1, trap
      csrr t0, sstatus; andi t0, t0, 0x122; li t1, 0x22; bne t0, t1, trap
      li t0, 33; bne s4, t0, trap
      ${say('k')}
      ${SHUTDOWN}
    .align 2
    trap: ${say('!')}; ${SHUTDOWN}
    handler: bnez a6, trap
      li t0, 0x1234; bne a7, t0, trap
      csrr t0, sepc; la t1, after; bne t0, t1, trap
      csrr t0, sstatus; andi t0, t0, 0x122; li t1, 0x120; bne t0, t1, trap
      li s4, 33
      mv s5, a0; ${say('h')}; mv a0, s5
      ${complete}`);
      program.run();
      expect(program.output).toBe('hk');
    },
  );

  test.each([
    ['WFI', 'li t0, 2; csrw sie, t0; wfi'],
    ['a retentive suspend', 'li t0, 2; csrw sie, t0; li a7, 0x48534d; li a6, 3; li a0, 0; ecall'],
    ['a loop', 'turn: la t0, done; ld t0, 0(t0); beqz t0, turn'],
  ])('is taken out of %s by an event that another hart injects', (_, waiting) => {
    const program = new DomainBed({ vcpus: 2, step: 500 }).load(`
      bnez a0, second
      li a7, 0x48534d; li a6, 0; li a0, 1; la a1, second; ecall
      la t0, waits
    poll: ld t1, 0(t0); beqz t1, poll
      li s0, 2000
    pass: addi s0, s0, -1; bnez s0, pass
      li a7, 0x535345; li a6, 7; li a0, ${LOCAL}; li a1, 1; ecall
    rest: wfi; j rest
    second: ${ready(LOCAL)}
      la t0, waits; li t1, 1; sd t1, 0(t0)
      ${waiting}
      ${say('w')}
      ${SHUTDOWN}
    handler: la t0, done; li t1, 1; sd t1, 0(t0)
      ${say('h')}
      ${complete}
    .align 3
    waits: .dword 0
    done: .dword 0`);
    program.run();
    expect(program.output).toBe('hw');
  });

  test('that stops has no events at its next start, and leaves the global one to others', () => {
    const bare = new SbiBed();
    bare.loadVcpu(1, 1);
    const call = (vcpu: number, id: number, ...args: Argument[]) => bare.callOf(vcpu, EID.sse, id, ...args);
    bare.write64(ATTRIBUTES, 1);
    call(0, FID.write, GLOBAL, PREFERRED, 1, ATTRIBUTES, 0);
    for (const event of BOTH) {
      call(1, FID.register, event, HANDLER, 0);
      call(1, FID.enable, event);
    }
    call(1, FID.unmask);
    call(0, FID.inject, GLOBAL, 0);
    expect(deliverEvent(bare.harts[1] ?? bare.hart, 1, bare.events)).toBe(true);
    bare.events.forget(1);
    expect(call(1, FID.mask).error).toBe(SBI.alreadyStopped);
    expect(call(1, FID.enable, LOCAL).error).toBe(SBI.invalidState);
    expect(call(0, FID.disable, GLOBAL).error).toBe(SBI.success);
  });
});
