import type { SbiCall, SbiExtension } from './call.ts';

/** Chapter "Timer Extension": set_timer clears the pending timer interrupt by moving the deadline it follows from. */
export const timeExtension: SbiExtension = {
  id: 0x5449_4d45,
  name: 'TIME',
  call(functionId: number, call: SbiCall): boolean {
    if (functionId !== 0) return false;
    call.vcpu.setDeadline(call.hart, call.low(0), call.highOfWide(0));
    call.vcpu.firmware.count('setTimer');
    call.succeed();
    return true;
  },
};
