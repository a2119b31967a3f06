import { publishSteal, STEAL_WORDS } from '../steal-time.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';

/** Chapter "Steal-time Accounting Extension": the guest reads how long its vCPU had to wait for a pCPU. */
export const staExtension: SbiExtension = {
  id: 0x53_5441,
  name: 'STA',
  call(functionId: number, call: SbiCall): boolean {
    if (functionId !== 0) return false;
    call.finish(setArea(call));
    return true;
  },
};

function setArea(call: SbiCall): number {
  const { domain, vcpu } = call;
  const { firmware } = vcpu;
  if (call.isNotZero(2)) return SBI.invalidParameter;
  if (call.isNowhere(0)) {
    firmware.stealArea = undefined;
    return SBI.success;
  }
  const [low, high] = [call.low(0), call.high(0)];
  if ((low & 63) !== 0) return SBI.invalidParameter;
  const words = call.isNotZero(1) ? undefined : domain.memory.words(call.unsigned(0), STEAL_WORDS);
  if (words === undefined) return SBI.invalidAddress;
  for (let index = 0; index < STEAL_WORDS; index++) words.store(index, 0);
  firmware.stealArea = { low, high };
  firmware.stolen = 0;
  publishSteal(firmware, domain.memory, false);
  return SBI.success;
}
