import { expect } from 'vitest';
import { dispatchSbi, SBI, SbiCall } from '../../src/hypervisor/sbi/index.ts';
import type { Vcpu } from '../../src/hypervisor/vcpu.ts';
import { HSM } from '../../src/hypervisor/vcpu-layout.ts';
import { dispatchVcpu } from '../../src/interrupts/run-state.ts';
import type { Xlen } from '../../src/isa/index.ts';
import { DomainBed, loadVcpu, RAM } from './domain-bed.ts';

/** All bits: base -1 of a hart mask, no memory, ... */
export const ALL = -1n;

/** Numbers of the extensions. */
export const EID = {
  base: 0x10,
  time: 0x5449_4d45,
  ipi: 0x73_5049,
  rfence: 0x5246_4e43,
  hsm: 0x48_534d,
  srst: 0x5352_5354,
  dbcn: 0x4442_434e,
  susp: 0x5355_5350,
  sta: 0x53_5441,
  fwft: 0x4657_4654,
  pmu: 0x50_4d55,
  sse: 0x53_5345,
} as const;

type Argument = number | bigint;

/** A domain whose vCPU 0 is loaded on pCPU 0 and makes SBI calls; the others are stopped. */
export class SbiBed extends DomainBed {
  constructor(vcpus = 3, xlen: Xlen = 64) {
    super({ vcpus, pcpus: Math.min(vcpus, 2), xlen });
    this.loadVcpu(0, 0);
  }

  /** Starts a vCPU and loads it on a pCPU. */
  loadVcpu(index: number, pcpu: number): void {
    const vcpu = this.vcpus[index] as Vcpu;
    this.start(RAM, index);
    this.scheduler.dequeue();
    dispatchVcpu(vcpu.interrupts.words);
    vcpu.changeHsm(HSM.startPending, HSM.started);
    vcpu.applyStart();
    loadVcpu(vcpu, this.harts[pcpu] ?? this.hart, pcpu);
  }

  /** Makes a call in the registers of a vCPU, which is loaded on the pCPU of the same number. */
  callOf(index: number, extension: Argument, id: Argument, ...args: readonly Argument[]): SbiCall {
    const hart = this.harts[index] ?? this.hart;
    const set = (register: number, value: Argument) => {
      const wide = BigInt(value);
      hart.state.setX(register, Number(BigInt.asIntN(32, wide)), Number(BigInt.asIntN(32, wide >> 32n)));
    };
    for (let argument = 0; argument < 6; argument++) set(10 + argument, args[argument] ?? 0);
    set(16, id);
    set(17, extension);
    const made = new SbiCall(hart, this.vcpus[index] as Vcpu, this.domain);
    dispatchSbi(made);
    return made;
  }

  call(extension: Argument, id: Argument, ...args: readonly Argument[]): SbiCall {
    return this.callOf(0, extension, id, ...args);
  }

  error(extension: Argument, id: Argument, ...args: readonly Argument[]): number {
    return this.call(extension, id, ...args).error;
  }

  /** The value of a call that succeeds, all 64 bits of it. */
  value(extension: Argument, id: Argument, ...args: readonly Argument[]): bigint {
    const made = this.call(extension, id, ...args);
    expect(made.error).toBe(SBI.success);
    return (BigInt(made.valueHigh) << 32n) | BigInt(made.valueLow >>> 0);
  }

  write64(address: number, value: Argument): void {
    new DataView(this.memory.buffer).setBigInt64(
      this.hostOf(address),
      BigInt.asIntN(64, BigInt(value)),
      true,
    );
  }
}
