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
        domain.consolePut(call.low(0) & 0xff);
        call.succeed();
        return true;
      default:
        return false;
    }
  },
};

function transfer(call: SbiCall, move: (low: number, high: number, bytes: number) => number): void {
  const bytes = call.high(0) === 0 ? Math.min(call.low(0) >>> 0, LONGEST) : LONGEST;
  const moved = move(call.low(1), call.high(1), bytes);
  if (moved < 0) call.fail(SBI.invalidParameter);
  else call.succeed(moved);
}
