import { SBI, type SbiCall, type SbiExtension } from './call.ts';

const FUNCTION = { write: 0, read: 1, writeByte: 2 } as const;
/** More in one call would keep the caller out of its guest for long; calls may take less than they are given. */
const LONGEST = 0x1_0000;

/** Chapter "Debug Console Extension": what earlycon=sbi prints with. */
export const dbcnExtension: SbiExtension = {
  id: 0x4442_434e,
  name: 'DBCN',
  call(functionId: number, call: SbiCall): boolean {
    const { domain } = call;
    switch (functionId) {
      case FUNCTION.write:
        transfer(call, (low, high, bytes) => domain.consoleWrite(low, high, bytes));
        return true;
      case FUNCTION.read:
        transfer(call, (low, high, bytes) => domain.consoleRead(low, high, bytes));
        return true;
      case FUNCTION.writeByte:
        if (domain.consolePut(call.low(0) & 0xff)) call.succeed();
        else call.fail(SBI.failed);
        return true;
      default:
        return false;
    }
  },
};

/** num_bytes, base_addr_lo, base_addr_hi: all of the range must be RAM, however much of it is moved now. */
function transfer(call: SbiCall, move: (low: number, high: number, bytes: number) => number): void {
  const bytes = (call.high(0) >>> 0) * 2 ** 32 + (call.low(0) >>> 0);
  const [low, high] = [call.low(1), call.high(1)];
  if (call.isNotZero(2) || !call.domain.isRam(low, high, bytes)) call.fail(SBI.invalidParameter);
  else call.succeed(move(low, high, Math.min(bytes, LONGEST)));
}
