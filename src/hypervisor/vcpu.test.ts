import { describe, expect, test } from 'vitest';
import { DomainBed, loadVcpu, RAM } from '../../test/hypervisor/domain-bed.ts';
import { CSR, FIELD, type Hart } from '../hart/index.ts';
import { csrName, OUTCOME } from '../hart/privileged/index.ts';
import { dispatchVcpu } from '../interrupts/run-state.ts';
import { createDecoder } from '../isa/index.ts';
import { allExtensions } from '../machine/extensions.ts';
import type { Vcpu } from './vcpu.ts';
import { STAT } from './vcpu-layout.ts';

const decode = createDecoder({ extensions: new Set(allExtensions(64)), xlen: 64 });
/** Goes on by itself. */
const TIME = 'time';
/** Read-only bits that follow the clock: STIP. */
const STIP = 32n;

/** Numbers that look random, the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state ^ (state >>> 13);
  };
}

/** Enters the guest by hand, lets `inside` work on the hart in VS-mode, and leaves it. */
function visit(hart: Hart, vcpu: Vcpu, inside: () => void): void {
  const { csr } = hart.state;
  expect(vcpu.interrupts.enterGuest()).toBe(true);
  vcpu.interrupts.flushInterrupts();
  csr[CSR.hvip] = vcpu.interrupts.hvipLo;
  hart.resumeGuest();
  inside();
  hart.interruptGuest();
  vcpu.interrupts.exitGuest();
  vcpu.interrupts.syncInterrupts((csr[CSR.hvip] as number) >>> 0, 0);
}

function execute(hart: Hart, bits: number): boolean {
  const decoded = decode(bits);
  if (decoded === undefined) throw new Error('not an instruction');
  return hart.privileged.execute(decoded) === OUTCOME.next;
}

const A0 = 10;
const CYCLE = 0xc00;
const INSTRET = 0xc02;
const MCYCLE = 0xb00;
const MINSTRET = 0xb02;
const MCOUNTINHIBIT = 0x320;
/** csrrs a0, number, zero */
function read(hart: Hart, number: number): bigint | undefined {
  if (!execute(hart, (number << 20) | (2 << 12) | (A0 << 7) | 0x73)) return undefined;
  return (BigInt(hart.state.xHigh(A0) >>> 0) << 32n) | BigInt(hart.state.xLow(A0) >>> 0);
}

/** csrrw zero, number, a0 */
function write(hart: Hart, number: number, low: number, high: number): void {
  hart.state.setX(A0, low, high);
  execute(hart, (number << 20) | (A0 << 15) | (1 << 12) | 0x73);
}

/** The CSRs that a guest in VS-mode can read, by name. */
function visible(hart: Hart): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (let number = 0; number < 4096; number++) {
    const name = csrName(number) ?? '';
    const value = name === TIME ? undefined : read(hart, number);
    if (value !== undefined) found.set(name, name === 'sip' ? value & ~STIP : value);
  }
  return found;
}

function scramble(hart: Hart, next: () => number): void {
  const { state } = hart;
  for (const number of [0x003, 0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144]) {
    write(hart, number, number === 0x100 ? next() | 0x6000 : next(), next());
  }
  // Far in the future; and Sv39 with some address space and root.
  write(hart, 0x14d, next(), 0x7000_0000 | (next() >>> 8));
  write(hart, 0x180, next(), (8 << 28) | (next() & 0x0fff_ffff));
  for (let index = 1; index < 32; index++) state.setX(index, next(), next());
  for (let word = FIELD.f >> 2; word < FIELD.slot >> 2; word++) state.words[word] = next();
  state.setPc(next() & ~1, next());
  retire(hart, next());
}

/** Makes the hart look as if it had executed more instructions: at most 2^31, with a carry now and then. */
function retire({ state: { words } }: Hart, count: number): void {
  const at = FIELD.instret >> 2;
  const low = ((words[at] as number) >>> 0) + (count >>> 1);
  words[at] = low;
  if (low >= 2 ** 32) words[at + 1] = (words[at + 1] as number) + 1;
}

function registers({ state }: Hart): number[] {
  return [...state.x.subarray(2), ...state.f, state.pcLow, state.pcHigh];
}

describe('switching between vCPUs', () => {
  test('keeps all that a guest can see: every CSR that it can read, x, f and pc (77)', () => {
    const bed = new DomainBed({ vcpus: 2, pcpus: 2 });
    const [first, second] = bed.vcpus as [Vcpu, Vcpu];
    const [here, there] = bed.harts as [Hart, Hart];
    const next = numbers(7);
    for (const vcpu of bed.vcpus) bed.start(RAM, vcpu.index);
    const before: { csrs: Map<string, bigint>; registers: number[] }[] = [];
    for (const vcpu of [first, second]) {
      expect(dispatchVcpu(vcpu.interrupts.words)).toBe(true);
      vcpu.applyStart();
      loadVcpu(vcpu, here, 0);
      visit(here, vcpu, () => {
        scramble(here, next);
        const kept = registers(here);
        const csrs = visible(here);
        scrambleBack(here, kept);
        before.push({ csrs, registers: kept });
      });
      vcpu.save(here);
      vcpu.interrupts.yield();
    }
    const [one, two] = before;
    expect(one?.csrs).not.toEqual(two?.csrs);
    // The list is not empty, and holds what a supervisor needs.
    expect([...(one?.csrs.keys() ?? [])]).toEqual(
      expect.arrayContaining([
        'sstatus',
        'sie',
        'sip',
        'stvec',
        'satp',
        'stimecmp',
        'fcsr',
        'senvcfg',
        'instret',
      ]),
    );
    retire(there, next());
    // Back in the other order, the first one on the other hart.
    for (const [vcpu, hart, pcpu, expected] of [
      [second, here, 0, two],
      [first, there, 1, one],
    ] as const) {
      expect(dispatchVcpu(vcpu.interrupts.words)).toBe(true);
      expect(loadVcpu(vcpu, hart, pcpu)).toBe(pcpu === 1);
      visit(hart, vcpu, () => {
        expect(registers(hart)).toEqual(expected?.registers);
        expect(visible(hart)).toEqual(expected?.csrs);
      });
      vcpu.interrupts.yield();
    }
  });

  test('keeps counters apart that are stopped and that go on, whatever the harts count meanwhile', () => {
    const bed = new DomainBed({ vcpus: 2, pcpus: 2 });
    const [first, second] = bed.vcpus as [Vcpu, Vcpu];
    const [here, there] = bed.harts as [Hart, Hart];
    const on = (vcpu: Vcpu, hart: Hart, inside: () => void): void => {
      dispatchVcpu(vcpu.interrupts.words);
      if (vcpu.stat('loads') === 0) vcpu.applyStart();
      loadVcpu(vcpu, hart, hart === here ? 0 : 1);
      visit(hart, vcpu, inside);
      vcpu.save(hart);
      vcpu.interrupts.yield();
    };
    const counters = (hart: Hart) => [read(hart, CYCLE), read(hart, INSTRET)];
    for (const vcpu of bed.vcpus) bed.start(RAM, vcpu.index);
    retire(here, 5000);
    on(first, here, () => {
      expect(counters(here), 'a vCPU begins with no instructions').toEqual([0n, 0n]);
      // The host stops minstret and sets both, as it does for an SBI call.
      here.privileged.writeCsr(MCOUNTINHIBIT, 4, 0);
      here.privileged.writeCsr(MCYCLE, -1, 0);
      here.privileged.writeCsr(MINSTRET, 7, 1);
      retire(here, 200);
    });
    on(second, here, () => {
      expect(counters(here)).toEqual([0n, 0n]);
      retire(here, 60);
      expect(counters(here)).toEqual([30n, 30n]);
    });
    retire(there, 900);
    on(first, there, () => expect(counters(there)).toEqual([0x1_0000_0063n, 0x1_0000_0007n]));
    on(second, there, () => expect(counters(there)).toEqual([30n, 30n]));
    on(first, here, () => {
      here.privileged.writeCsr(MCOUNTINHIBIT, 0, 0);
      retire(here, 10);
      expect(counters(here)).toEqual([0x1_0000_0068n, 0x1_0000_000cn]);
    });
  });

  test.each([
    ['VS', 1],
    ['VU', 0],
  ])('comes back to %s-mode', (_, privilege) => {
    const bed = new DomainBed({ pcpus: 2 });
    const [here, there] = bed.harts as [Hart, Hart];
    bed.start();
    dispatchVcpu(bed.vcpu.interrupts.words);
    bed.vcpu.applyStart();
    loadVcpu(bed.vcpu, here, 0);
    visit(here, bed.vcpu, () => {
      here.state.privilege = privilege;
    });
    bed.vcpu.save(here);
    bed.vcpu.interrupts.yield();
    dispatchVcpu(bed.vcpu.interrupts.words);
    loadVcpu(bed.vcpu, there, 1);
    visit(there, bed.vcpu, () => {
      expect([there.state.virtual, there.state.privilege]).toEqual([1, privilege]);
    });
  });

  test('an interrupt for a vCPU that is not loaded does not show in the one that is (78)', () => {
    const bed = new DomainBed({ vcpus: 2 });
    const [first, second] = bed.vcpus as [Vcpu, Vcpu];
    bed.start();
    dispatchVcpu(first.interrupts.words);
    first.applyStart();
    loadVcpu(first, bed.hart, 0);
    second.setSoftInterrupt();
    visit(bed.hart, first, () => expect(read(bed.hart, 0x144)).toBe(0n));
    first.setSoftInterrupt();
    visit(bed.hart, first, () => expect(read(bed.hart, 0x144)).toBe(2n));
  });
});

describe('falling asleep', () => {
  test('finds that others have woken and run the vCPU meanwhile, although it sleeps again', () => {
    const bed = new DomainBed({ pcpus: 2 });
    const [here, there] = bed.harts as [Hart, Hart];
    const { vcpu } = bed;
    bed.start();
    expect(bed.scheduler.dequeue()).toBe(0);
    dispatchVcpu(vcpu.interrupts.words);
    vcpu.applyStart();
    loadVcpu(vcpu, here, 0);
    visit(here, vcpu, () => write(here, 0x104, 0x200, 0));
    // The same vCPU as the thread of the other pCPU sees it.
    const other = bed.vcpuOf(0, () => false);
    let step = 0;
    bed.onLine = () => {
      // The first look at the external line comes after the vCPU was published as blocked.
      if (step++ > 0) return;
      other.kick();
      expect(bed.scheduler.dequeue()).toBe(0);
      expect(dispatchVcpu(other.interrupts.words)).toBe(true);
      expect(loadVcpu(other, there, 1)).toBe(true);
      visit(there, other, () => {
        there.state.setX(5, 42, 0);
        write(there, 0x140, 43, 0);
      });
      other.save(there);
      expect(other.block()).toBe('blocked');
      bed.lines[0] = true;
    };
    vcpu.save(here);
    expect(vcpu.block()).toBe('pending');
    expect(vcpu.loadRegisters(here, 0), 'fences on the other pCPU were not made here').toBe(true);
    visit(here, vcpu, () => {
      expect(here.state.xLow(5)).toBe(42);
      expect(read(here, 0x140)).toBe(43n);
    });
  });
});

/** The last reads went through a0. */
function scrambleBack({ state }: Hart, kept: readonly number[]): void {
  state.setX(A0, kept[A0 * 2 - 2] as number, kept[A0 * 2 - 1] as number);
}

describe('a start', () => {
  test('leaves nothing of the life before but pending interrupts', () => {
    const bed = new DomainBed();
    const { vcpu, hart } = bed;
    for (const round of [1, 2]) {
      bed.start();
      bed.scheduler.dequeue();
      dispatchVcpu(vcpu.interrupts.words);
      vcpu.applyStart();
      loadVcpu(vcpu, hart, 0);
      visit(hart, vcpu, () => {
        expect(read(hart, 0x180), `satp, round ${round}`).toBe(0n);
        expect(read(hart, 0x104), 'sie').toBe(0n);
        expect(read(hart, 0x14d), 'stimecmp').toBe((1n << 64n) - 1n);
        expect((read(hart, 0x100) ?? 2n) & 2n, 'sstatus.SIE').toBe(0n);
        expect(read(hart, 0x106), 'scounteren').toBe(7n);
        scramble(hart, numbers(round));
      });
      vcpu.save(hart);
      vcpu.interrupts.stop();
    }
  });
});

describe('counters', () => {
  test('each has a place of its own', () => {
    const { vcpu } = new DomainBed();
    vcpu.count('exits', 3);
    vcpu.count('migrations');
    vcpu.setSoftInterrupt();
    vcpu.setSoftInterrupt();
    vcpu.kick();
    const counted = Object.fromEntries(
      STAT.map((name) => [name, vcpu.stat(name)]).filter(([, count]) => count),
    );
    // The second interrupt found the first one pending, and needed no kick.
    expect(counted).toEqual({ exits: 3, migrations: 1, setSoft: 2, kicks: 2 });
  });
});
