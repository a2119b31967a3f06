import { SBI, type SbiCall, type SbiExtension } from './call.ts';

const TYPE = { shutdown: 0, coldReboot: 1, warmReboot: 2 } as const;
const REASON = { none: 0, systemFailure: 1 } as const;

/** Chapter "System Reset Extension". */
export const srstExtension: SbiExtension = {
  id: 0x5352_5354,
  name: 'SRST',
  call(functionId: number, call: SbiCall): boolean {
    if (functionId !== 0) return false;
    const type = call.low(0);
    const reason = call.low(1);
    if (type < 0 || type > TYPE.warmReboot || reason < 0 || reason > REASON.systemFailure) {
      call.fail(SBI.invalidParameter);
      return true;
    }
    if (type !== TYPE.shutdown) call.domain.end('reboot');
    else call.domain.end(reason === REASON.systemFailure ? 'failure' : 'shutdown');
    call.outcome = 'stop';
    return true;
  },
};
