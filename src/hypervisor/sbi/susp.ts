import { HSM } from '../vcpu-layout.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';

/** The one sleep type that the specification defines; others are reserved, or of platforms that have more of them. */
const SUSPEND_TO_RAM = 0;

/**
 * Chapter "System Suspend Extension". The caller sleeps as in a non-retentive suspend of HSM, until an interrupt that
 * it has enabled is pending; RAM, devices and the clock stay as they are.
 */
export const suspExtension: SbiExtension = {
  id: 0x5355_5350,
  name: 'SUSP',
  call(functionId: number, call: SbiCall): boolean {
    if (functionId !== 0) return false;
    const error = refusal(call);
    if (error !== SBI.success) {
      call.fail(error);
      return true;
    }
    call.vcpu.resumeAt(call.hart, call.low(1), call.high(1), call.low(2), call.high(2));
    call.returns = false;
    call.outcome = 'suspend';
    return true;
  },
};

function refusal(call: SbiCall): number {
  if (call.low(0) !== SUSPEND_TO_RAM) return SBI.invalidParameter;
  if (!call.isEntry(1)) return SBI.invalidAddress;
  const { domain, vcpu } = call;
  // None of those that have stopped can start meanwhile: only the caller runs.
  const alone = domain.vcpus.every((other) => other === vcpu || other.hsm === HSM.stopped);
  return alone ? SBI.success : SBI.denied;
}
