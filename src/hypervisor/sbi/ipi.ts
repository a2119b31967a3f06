import { SBI, type SbiCall, type SbiExtension } from './call.ts';

/** Chapter "IPI Extension": a supervisor software interrupt for each hart of a mask. */
export const ipiExtension: SbiExtension = {
  id: 0x73_5049,
  name: 'IPI',
  call(functionId: number, call: SbiCall): boolean {
    if (functionId !== 0) return false;
    const targets = call.targets(0);
    if (targets === undefined) {
      call.fail(SBI.invalidParameter);
      return true;
    }
    for (const vcpu of targets) {
      vcpu.setSoftInterrupt();
      if (vcpu === call.vcpu) continue;
      call.vcpu.firmware.count('ipiSent');
      vcpu.firmware.count('ipiReceived');
    }
    call.succeed();
    return true;
  },
};
