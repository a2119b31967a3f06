import { HSM } from '../vcpu-layout.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';

const FUNCTION = { start: 0, stop: 1, status: 2, suspend: 3 } as const;
const SUSPEND = { retentive: 0, nonRetentive: -0x8000_0000 } as const;

/** Chapter "Hart State Management Extension". */
export const hsmExtension: SbiExtension = {
  id: 0x48_534d,
  name: 'HSM',
  call(functionId: number, call: SbiCall): boolean {
    switch (functionId) {
      case FUNCTION.start:
        start(call);
        return true;
      case FUNCTION.stop:
        call.outcome = 'stop';
        return true;
      case FUNCTION.status:
        status(call);
        return true;
      case FUNCTION.suspend:
        suspend(call);
        return true;
      default:
        return false;
    }
  },
};

function target(call: SbiCall) {
  return call.high(0) === 0 ? call.domain.vcpus[call.low(0) >>> 0] : undefined;
}

function start(call: SbiCall): void {
  const vcpu = target(call);
  if (vcpu === undefined) return call.fail(SBI.invalidParameter);
  if (!call.domain.isRam(call.low(1), call.high(1))) return call.fail(SBI.invalidAddress);
  if (!vcpu.changeHsm(HSM.stopped, HSM.startPending)) {
    return call.fail(vcpu.hsm === HSM.stopPending ? SBI.failed : SBI.alreadyAvailable);
  }
  vcpu.setStart(call.low(1), call.high(1), call.low(2), call.high(2));
  call.domain.start(vcpu);
  call.succeed();
}

function status(call: SbiCall): void {
  const vcpu = target(call);
  if (vcpu === undefined) return call.fail(SBI.invalidParameter);
  call.succeed(vcpu.hsm);
}

/** Retentive suspend is WFI under another name; the non-retentive one begins anew at the address given. */
function suspend(call: SbiCall): void {
  const type = call.low(0);
  if (type === SUSPEND.retentive) {
    call.succeed();
    call.outcome = 'sleep';
    return;
  }
  if (type !== SUSPEND.nonRetentive) {
    return call.fail(type > 0 && type < 0x1000_0000 ? SBI.notSupported : SBI.invalidParameter);
  }
  if (!call.domain.isRam(call.low(1), call.high(1))) return call.fail(SBI.invalidAddress);
  call.vcpu.resumeAt(call.hart, call.low(1), call.high(1), call.low(2), call.high(2));
  call.returns = false;
  call.outcome = 'sleep';
}
