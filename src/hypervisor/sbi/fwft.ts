import { delegateMisaligned, delegatesMisaligned } from '../guest-environment.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';

const FUNCTION = { set: 0, get: 1 } as const;
const MISALIGNED_EXC_DELEG = 0;
/**
 * LANDING_PAD, SHADOW_STACK, DOUBLE_TRAP and POINTER_MASKING_PMLEN need extensions that our harts lack.
 * PTE_AD_HW_UPDATING is for harts with Svade and Svadu; a guest has Svadu alone: hardware updates from the start.
 */
const LAST_DEFINED = 5;
const LOCK = 1;

/** Chapter "SBI Firmware Features Extension". The one feature here is local: it is reset when its hart starts. */
export const fwftExtension: SbiExtension = {
  id: 0x4657_4654,
  name: 'FWFT',
  call(functionId: number, call: SbiCall): boolean {
    if (functionId > FUNCTION.get) return false;
    const feature = call.low(0);
    if (feature !== MISALIGNED_EXC_DELEG) {
      const defined = feature > 0 && feature <= LAST_DEFINED;
      call.fail(defined ? SBI.notSupported : SBI.denied);
    } else if (functionId === FUNCTION.get) {
      call.succeed(delegatesMisaligned(call.hart) ? 1 : 0);
    } else {
      call.finish(set(call));
    }
    return true;
  },
};

function set(call: SbiCall): number {
  const { hart, vcpu } = call;
  const [value, flags] = [call.low(1), call.low(2)];
  if (call.high(2) !== 0 || (flags & ~LOCK) !== 0) return SBI.invalidParameter;
  if (vcpu.firmware.isLocked(MISALIGNED_EXC_DELEG)) return SBI.deniedLocked;
  if (call.high(1) !== 0 || (value & ~1) !== 0) return SBI.invalidParameter;
  delegateMisaligned(hart, value === 1);
  if (flags === LOCK) vcpu.firmware.lock(MISALIGNED_EXC_DELEG);
  return SBI.success;
}
