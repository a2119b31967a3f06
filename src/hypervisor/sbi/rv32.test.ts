/** Calls of guests on RV32, where they differ: what has 64 bits takes two registers. */
import { describe, expect, test } from 'vitest';
import { RAM } from '../../../test/hypervisor/domain-bed.ts';
import { EID, SbiBed } from '../../../test/hypervisor/sbi-bed.ts';
import { CSR } from '../../hart/layout.ts';
import { SBI } from './call.ts';

const bed = (): SbiBed => new SbiBed(3, 32);
const ALL_32 = 0xffff_ffff;

test('set_timer takes the upper half from a1', () => {
  const domain = bed();
  expect(domain.error(EID.time, 0, 0xffff_0000, 5)).toBe(SBI.success);
  const { csr } = domain.hart.state;
  expect([csr[CSR.vstimecmp], csr[CSR.vstimecmp + 1]]).toEqual([-0x1_0000, 5]);
  domain.call(EID.time, 0, ALL_32, ALL_32);
  expect(domain.vcpu.runDeadline(domain.hart)).toBe(2 ** 64);
});

describe('hart masks', () => {
  test('name 32 harts from their base on', () => {
    const domain = bed();
    expect(domain.error(EID.ipi, 0, 0b110, 0)).toBe(SBI.success);
    expect(domain.vcpus.map((vcpu) => vcpu.stat('setSoft'))).toEqual([0, 1, 1]);
    // Registers are sign-extended in the hart, which must not count as harts 32 and up.
    expect(domain.error(EID.ipi, 0, 0x8000_0000, 0)).toBe(SBI.invalidParameter);
    expect(domain.error(EID.ipi, 0, 1, 3)).toBe(SBI.invalidParameter);
  });

  test('with base -1 mean all', () => {
    const domain = bed();
    expect(domain.error(EID.ipi, 0, 0, ALL_32)).toBe(SBI.success);
    expect(domain.vcpus.map((vcpu) => vcpu.stat('setSoft'))).toEqual([1, 1, 1]);
  });
});

test('addresses above 2 GiB are not negative', () => {
  const domain = bed();
  expect(domain.error(EID.hsm, 0, 1, RAM + 4, 0x8765_4321)).toBe(SBI.success);
  expect(domain.error(EID.hsm, 0, 2, RAM + 1, 0)).toBe(SBI.invalidAddress);
  const put = domain.call(EID.dbcn, 0, 1, RAM, 0);
  expect(put).toMatchObject({ error: SBI.success, valueLow: 1 });
  expect(domain.error(EID.dbcn, 0, 1, RAM, 1)).toBe(SBI.invalidParameter);
});

test('shared memory is nowhere where both registers have all ones', () => {
  const domain = bed();
  expect(domain.error(EID.sta, 0, RAM, 0, 0)).toBe(SBI.success);
  expect(domain.vcpu.firmware.stealArea).toEqual({ low: RAM | 0, high: 0 });
  expect(domain.error(EID.sta, 0, ALL_32, 0, 0)).toBe(SBI.invalidParameter);
  expect(domain.error(EID.sta, 0, ALL_32, ALL_32, 0)).toBe(SBI.success);
  expect(domain.vcpu.firmware.stealArea).toBeUndefined();
});

test('values of counters have halves', () => {
  const domain = bed();
  const setTimer = 0xf_0005;
  const info = domain.call(EID.pmu, 1, 3);
  expect((info.valueLow >>> 0).toString(2)).toMatch(/^1/);
  expect(domain.error(EID.pmu, 2, 3, 1, 0, setTimer, 0, 1)).toBe(SBI.notSupported);
  expect(domain.call(EID.pmu, 2, 3, 1, 0, setTimer, 0, 0)).toMatchObject({ error: SBI.success, valueLow: 3 });
  expect(domain.error(EID.pmu, 3, 3, 1, 1, ALL_32, 6)).toBe(SBI.success);
  domain.call(EID.time, 0, 0, 0);
  expect(domain.call(EID.pmu, 5, 3).valueLow).toBe(0);
  expect(domain.call(EID.pmu, 6, 3).valueLow).toBe(7);
});

test('attributes of software events are words', () => {
  const domain = bed();
  const LOCAL = 0xffff_0000;
  const at = RAM + 0x1004;
  const view = new DataView(domain.memory.buffer);
  view.setUint32(domain.hostOf(at), 9, true);
  view.setUint32(domain.hostOf(at + 4), 1, true);
  expect(domain.error(EID.sse, 1, LOCAL, 1, 2, at, 0)).toBe(SBI.success);
  expect(domain.error(EID.sse, 0, LOCAL, 1, 2, at + 8, 0)).toBe(SBI.success);
  expect([view.getUint32(domain.hostOf(at + 8), true), view.getUint32(domain.hostOf(at + 12), true)]).toEqual(
    [9, 1],
  );
  expect(domain.error(EID.sse, 0, LOCAL, 1, 1, at + 2, 0)).toBe(SBI.invalidAddress);
});
