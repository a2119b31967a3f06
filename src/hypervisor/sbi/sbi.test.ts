import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadVcpu, RAM } from '../../../test/hypervisor/domain-bed.ts';
import { ALL, EID, SbiBed } from '../../../test/hypervisor/sbi-bed.ts';
import { CSR } from '../../hart/index.ts';
import { dispatchVcpu, hasRequests, takeRequests } from '../../interrupts/run-state.ts';
import type { Vcpu } from '../vcpu.ts';
import { HSM, REQUEST } from '../vcpu-layout.ts';
import { SBI, type SbiCall } from './index.ts';

const VCPUS = 3;

let bed: SbiBed;
let caller: Vcpu;

beforeEach(() => {
  bed = new SbiBed(VCPUS);
  caller = bed.vcpu;
});

type Call = Parameters<SbiBed['call']>;
const call = (...args: Call): SbiCall => bed.call(...args);
const error = (...args: Call): number => bed.error(...args);
const value = (...args: Call): number => Number(bed.value(...args));
const pending = (vcpu: number): boolean =>
  Atomics.load(bed.vcpus[vcpu]?.interrupts.words ?? new Int32Array(1), 0) !== 0;

describe('BASE', () => {
  test('is version 3.0, with zero for the machine ids', () => {
    expect(value(EID.base, 0)).toBe(0x0300_0000);
    for (const id of [4, 5, 6]) expect(value(EID.base, id)).toBe(0);
    expect(value(EID.base, 1)).toBeGreaterThan(11);
  });

  test('probes what there is, and nothing else', () => {
    for (const id of Object.values(EID)) expect(value(EID.base, 3, id)).toBe(1);
    // Legacy, CPPC, NACL, DBTR, MPXY, a number above 32 bits, one below zero.
    const missing = [0, 1, 4, 8, 0x4350_5043, 0x4e41_434c, 0x4442_5452, 0x4d50_5859];
    for (const id of [...missing, (1n << 32n) | 0x10n, -1n]) {
      expect(value(EID.base, 3, id)).toBe(0);
    }
  });
});

describe('numbers that nobody knows', () => {
  test('extensions are not supported, whatever their number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (id) => {
        fc.pre(!Object.values(EID).includes(Number(id) as never));
        expect(error(id, 0)).toBe(SBI.notSupported);
      }),
    );
    expect(bed.ended).toBeUndefined();
  });

  test.each(Object.entries(EID))('functions of %s neither', (_, extension) => {
    for (const id of [10, 11, 1000, -1, 1n << 32n, 0x8000_0000n]) {
      expect(error(extension, id)).toBe(SBI.notSupported);
    }
  });
});

describe('TIME', () => {
  test('sets the deadline of the caller, 64 bits wide (36-39, 43)', () => {
    expect(error(EID.time, 0, 0x1234_5678_9abc_def0n)).toBe(SBI.success);
    const { csr } = bed.hart.state;
    expect([csr[CSR.vstimecmp], csr[CSR.vstimecmp + 1]]).toEqual([0x9abc_def0 | 0, 0x1234_5678]);
    expect(caller.runDeadline(bed.hart)).toBe(Number(0x1234_5678_9abc_def0n));
    call(EID.time, 0, ALL);
    expect(caller.runDeadline(bed.hart)).toBe(2 ** 64);
  });
});

describe('IPI (66)', () => {
  test.each([
    ['a mask', [0b101n, 0n], [0, 2]],
    ['a mask from a base on', [0b11n, 1n], [1, 2]],
    ['itself', [1n, 0n], [0]],
    ['nobody', [0n, 0n], []],
    ['nobody, at a base that is no hart', [0n, 77n], []],
    ['all, the mask does not matter', [0n, ALL], [0, 1, 2]],
    ['all, whatever the mask', [1n << 40n, ALL], [0, 1, 2]],
  ] as const)('reaches %s', (_, [mask, base], expected) => {
    expect(error(EID.ipi, 0, mask, base)).toBe(SBI.success);
    expect([0, 1, 2].filter(pending)).toEqual(expected);
    for (const vcpu of bed.vcpus) {
      expect(vcpu.stat('setSoft')).toBe((expected as readonly number[]).includes(vcpu.index) ? 1 : 0);
    }
  });

  test.each([
    [0b1000n, 0n],
    [1n, 3n],
    [1n << 63n, 0n],
    [0b11n, 2n],
    [1n, 1n << 32n],
    [1n, -2n],
  ])('to a hart that does not exist (mask %d, base %d) reaches nobody', (mask, base) => {
    expect(error(EID.ipi, 0, mask, base)).toBe(SBI.invalidParameter);
    expect([0, 1, 2].filter(pending)).toEqual([]);
  });

  test('twice before delivery is one interrupt (67)', () => {
    call(EID.ipi, 0, 1, 0);
    call(EID.ipi, 0, 1, 0);
    caller.interrupts.enterGuest();
    caller.interrupts.flushInterrupts();
    expect(caller.interrupts.hvipLo).toBe(4);
    caller.interrupts.exitGuest();
    caller.interrupts.syncInterrupts(0, 0);
    caller.interrupts.enterGuest();
    caller.interrupts.flushInterrupts();
    expect(caller.interrupts.hvipLo).toBe(0);
  });
});

describe('RFENCE', () => {
  const requests = (): number[] => bed.vcpus.map(({ interrupts }) => takeRequests(interrupts.words));

  test.each([
    ['fence.i', 0, REQUEST.fenceI],
    ['sfence.vma', 1, REQUEST.fence],
    ['sfence.vma with an ASID', 2, REQUEST.fence],
  ])('%s is asked of the harts named, also of those that have stopped', (_, id, request) => {
    expect(error(EID.rfence, id, 0b100, 0, 0x1000, 0x1000, 1)).toBe(SBI.success);
    expect(requests()).toEqual([0, 0, request]);
    expect(error(EID.rfence, id, 0, ALL, 0, ALL, 1)).toBe(SBI.success);
    expect(requests()).toEqual([request, request, request]);
  });

  test('is refused as a whole when one of the harts does not exist', () => {
    expect(error(EID.rfence, 1, 0b1001, 0, 0, 0)).toBe(SBI.invalidParameter);
    expect(requests()).toEqual([0, 0, 0]);
  });

  test('the functions for hypervisors are not supported', () => {
    for (const id of [3, 4, 5, 6]) expect(error(EID.rfence, id, 1, 0, 0, 0, 0)).toBe(SBI.notSupported);
  });

  test('does not wait for a guest that nobody runs when the domain has ended', () => {
    const other = bed.vcpus[1] as Vcpu;
    bed.start(RAM, 1);
    bed.scheduler.dequeue();
    dispatchVcpu(other.interrupts.words);
    loadVcpu(other, bed.hart, 1);
    other.interrupts.enterGuest();
    bed.ended = 'stopped';
    expect(error(EID.rfence, 0, 0b10, 0)).toBe(SBI.success);
    expect(hasRequests(other.interrupts.words)).toBe(true);
  });
});

describe('HSM', () => {
  test('start puts a stopped hart on the run queue, once', () => {
    expect(error(EID.hsm, 0, 2, RAM + 8, 0x1_0000_0002n)).toBe(SBI.success);
    expect(value(EID.hsm, 2, 2)).toBe(HSM.startPending);
    expect(bed.scheduler.dequeue()).toBe(2);
    expect(error(EID.hsm, 0, 2, RAM + 8, 0)).toBe(SBI.alreadyAvailable);
    expect(bed.scheduler.dequeue()).toBe(-1);
  });

  test.each([
    ['a hart that does not exist', [VCPUS, RAM, 0], SBI.invalidParameter],
    ['a hart number above 32 bits', [1n << 32n, RAM, 0], SBI.invalidParameter],
    ['hart -1', [-1n, RAM, 0], SBI.invalidParameter],
    ['itself', [0, RAM, 0], SBI.alreadyAvailable],
    ['an address below RAM', [1, 0x1000, 0], SBI.invalidAddress],
    ['an address behind RAM', [1, RAM + (1 << 20), 0], SBI.invalidAddress],
    ['an address above 32 bits', [1, (1n << 32n) | BigInt(RAM), 0], SBI.invalidAddress],
    ['an odd address', [1, RAM + 1, 0], SBI.invalidAddress],
  ] as const)('start refuses %s', (_, args, expected) => {
    expect(error(EID.hsm, 0, ...args)).toBe(expected);
    expect(bed.scheduler.waiting).toBe(0);
    expect(bed.vcpus[1]?.hsm).toBe(HSM.stopped);
  });

  test('start fails for a hart that is about to stop', () => {
    const other = bed.vcpus[1] as Vcpu;
    other.hsm = HSM.stopPending;
    expect(error(EID.hsm, 0, 1, RAM, 0)).toBe(SBI.failed);
  });

  test('status tells of every hart', () => {
    expect(value(EID.hsm, 2, 0)).toBe(HSM.started);
    expect(value(EID.hsm, 2, 1)).toBe(HSM.stopped);
    expect(error(EID.hsm, 2, VCPUS)).toBe(SBI.invalidParameter);
  });

  test('stop does not return', () => {
    expect(call(EID.hsm, 1).outcome).toBe('stop');
  });

  test('suspend has the two default types only', () => {
    expect(call(EID.hsm, 3, 0)).toMatchObject({ error: 0, outcome: 'suspend', returns: true });
    expect(call(EID.hsm, 3, 0x8000_0000, RAM, 5)).toMatchObject({ outcome: 'suspend', returns: false });
    expect(error(EID.hsm, 3, 0x8000_0000, 0x10, 5)).toBe(SBI.invalidAddress);
    // Reserved, and of platforms that have more of them; the type is 32 bits wide.
    for (const type of [1, 0x0fff_ffff, 0x1000_0000, 0x7fff_ffff, 0x8000_0001, 0x9000_0000, 0xffff_ffff]) {
      expect(call(EID.hsm, 3, type, RAM, 0)).toMatchObject({
        error: SBI.invalidParameter,
        outcome: 'return',
      });
    }
    expect(call(EID.hsm, 3, 1n << 32n).outcome).toBe('suspend');
  });
});

describe('SRST', () => {
  test.each([
    [0, 0, 'shutdown'],
    [0, 1, 'failure'],
    [1, 0, 'reboot'],
    [2, 1, 'reboot'],
  ] as const)('type %i for reason %i is a %s', (type, reason, expected) => {
    expect(call(EID.srst, 0, type, reason).outcome).toBe('stop');
    expect(bed.ended).toBe(expected);
  });

  test.each([
    [3, 0],
    [0xefff_ffff, 0],
    [0xf000_0000, 0],
    [0xffff_ffff, 0],
    [0, 2],
    [0, 0xdfff_ffff],
    [0, 0xe000_0000],
    [0, 0xf000_0000],
  ])('type 0x%x, reason 0x%x is reserved, or of a platform that is not ours', (type, reason) => {
    expect(call(EID.srst, 0, type, reason)).toMatchObject({ error: SBI.invalidParameter, outcome: 'return' });
    expect(bed.ended).toBeUndefined();
  });
});

describe('DBCN', () => {
  const TEXT = 'hello';
  beforeEach(() => {
    bed.bytes.set(new TextEncoder().encode(TEXT), bed.hostOf(RAM + 0x100));
  });

  test('writes what is in RAM', () => {
    expect(value(EID.dbcn, 0, TEXT.length, RAM + 0x100, 0)).toBe(TEXT.length);
    expect(bed.output).toBe(TEXT);
  });

  test('writes less when there is no room', () => {
    bed.room = 2;
    expect(value(EID.dbcn, 0, TEXT.length, RAM + 0x100, 0)).toBe(2);
    expect(bed.output).toBe('he');
  });

  test('reads the input that is there, without waiting', () => {
    expect(value(EID.dbcn, 1, 10, RAM + 0x200, 0)).toBe(0);
    bed.input = 'typed';
    expect(value(EID.dbcn, 1, 3, RAM + 0x200, 0)).toBe(3);
    expect(value(EID.dbcn, 1, 10, RAM + 0x203, 0)).toBe(2);
    expect(new TextDecoder().decode(bed.bytes.slice(bed.hostOf(RAM + 0x200), bed.hostOf(RAM + 0x205)))).toBe(
      'typed',
    );
  });

  test.each([
    ['below RAM', 1, 0, 0],
    ['behind RAM', 1, RAM + (1 << 20), 0],
    ['partly behind RAM', 2, RAM + (1 << 20) - 1, 0],
    ['longer than RAM', 1n << 32n, RAM, 0],
    ['without end', ALL, RAM, 0],
    ['above 32 bits', 1, (1n << 32n) | BigInt(RAM), 0],
    ['above 64 bits', 1, RAM, 1],
  ])('refuses memory %s', (_, bytes, low, high) => {
    bed.input = 'x';
    for (const id of [0, 1]) expect(error(EID.dbcn, id, bytes, low, high)).toBe(SBI.invalidParameter);
    expect(bed.output).toBe('');
    expect(bed.input).toBe('x');
  });

  test('writes a byte, or is to be made again while there is no room', () => {
    expect(value(EID.dbcn, 2, 0x141)).toBe(0);
    expect(bed.output).toBe('A');
    bed.room = 0;
    expect(bed.call(EID.dbcn, 2, 0x41).outcome).toBe('repeat');
    expect(bed.output).toBe('A');
  });
});
