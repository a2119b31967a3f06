import type { GuestPhysical } from '../../memory/guest-memory.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';

const FUNCTION = { write: 0, read: 1, writeByte: 2 } as const;
/** More in one call would keep the caller out of its guest for long; calls may take less than they are given. */
const LONGEST = 0x1_0000;
const NOTHING = new Uint8Array();

/** Chapter "Debug Console Extension": the output of earlycon=sbi. */
export const dbcnExtension: SbiExtension = {
  id: 0x4442_434e,
  name: 'DBCN',
  call(functionId: number, call: SbiCall): boolean {
    const { domain } = call;
    const { memory } = domain;
    switch (functionId) {
      case FUNCTION.write:
        transfer(call, (from, count) => domain.consoleWrite(memory.copyOut(from, count) ?? NOTHING));
        return true;
      case FUNCTION.read:
        transfer(call, (to, count) => {
          const input = domain.consoleRead(count);
          return memory.copyIn(to, input) ? input.length : 0;
        });
        return true;
      case FUNCTION.writeByte:
        // The call waits for room, which nobody may make while the machine is paused.
        if (domain.consolePut(call.low(0) & 0xff)) call.succeed();
        else call.outcome = 'repeat';
        return true;
      default:
        return false;
    }
  },
};

/** num_bytes, base_addr_lo, base_addr_hi: all of the range must be RAM, however much of it is moved now. */
function transfer(call: SbiCall, move: (address: GuestPhysical, count: number) => number): void {
  const bytes = call.unsigned(0);
  const address = call.unsigned(1);
  if (call.isNotZero(2) || !call.domain.memory.contains(address, bytes)) call.fail(SBI.invalidParameter);
  else call.succeed(move(address, Math.min(bytes, LONGEST)));
}
