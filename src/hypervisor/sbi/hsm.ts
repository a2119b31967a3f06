import { HSM } from '../vcpu-layout.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';

const SUSPEND = { retentive: 0, nonRetentive: -0x8000_0000 } as const;

/** Chapter "Hart State Management Extension". */
export const hsmExtension: SbiExtension = {
  id: 0x48_534d,
  name: 'HSM',
  call(functionId: number, call: SbiCall): boolean {
    const run = FUNCTIONS[functionId];
    if (run === undefined) return false;
    const error = run(call);
    if (error !== SBI.success) call.fail(error);
    return true;
  },
};

/** By function number: they leave a success in the call, and return an error. */
const FUNCTIONS: readonly ((call: SbiCall) => number)[] = [start, stop, status, suspend];

function start(call: SbiCall): number {
  const vcpu = call.vcpuAt(0);
  if (vcpu === undefined) return SBI.invalidParameter;
  if (!call.isEntry(1)) return SBI.invalidAddress;
  if (!vcpu.changeHsm(HSM.stopped, HSM.startPending)) {
    return vcpu.hsm === HSM.stopPending ? SBI.failed : SBI.alreadyAvailable;
  }
  vcpu.setStart(call.low(1), call.high(1), call.low(2), call.high(2));
  call.domain.start(vcpu);
  return SBI.success;
}

function stop(call: SbiCall): number {
  call.outcome = 'stop';
  return SBI.success;
}

function status(call: SbiCall): number {
  const vcpu = call.vcpuAt(0);
  if (vcpu === undefined) return SBI.invalidParameter;
  call.succeed(vcpu.hsm);
  return SBI.success;
}

/**
 * Retentive suspend is WFI under another name; the non-retentive one begins anew at the address given. The other types
 * are reserved, or of platforms that have more of them.
 */
function suspend(call: SbiCall): number {
  const type = call.low(0);
  if (type === SUSPEND.nonRetentive) {
    if (!call.isEntry(1)) return SBI.invalidAddress;
    call.vcpu.resumeAt(call.hart, call.low(1), call.high(1), call.low(2), call.high(2));
    call.returns = false;
  } else if (type !== SUSPEND.retentive) {
    return SBI.invalidParameter;
  }
  call.outcome = 'suspend';
  return SBI.success;
}
