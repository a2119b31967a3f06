import type { Decoded } from '../isa/index.ts';
import { FIELD } from './layout.ts';
import type { MemoryAccess } from './memory-access.ts';
import type { HartState } from './state.ts';

/** The access of an hlv, hlvx or hsv instruction; width in bytes. */
interface GuestAccess {
  readonly bytes: number;
  readonly signed: boolean;
  readonly store: boolean;
  readonly executable: boolean;
}

const guestLoad = (bytes: number, signed: boolean, executable = false): GuestAccess => ({
  bytes,
  signed,
  store: false,
  executable,
});
const guestStore = (bytes: number): GuestAccess => ({ bytes, signed: false, store: true, executable: false });

/** The accesses of the hypervisor's load and store instructions, by name. */
const GUEST_ACCESS: Readonly<Record<string, GuestAccess>> = {
  'hlv.b': guestLoad(1, true),
  'hlv.bu': guestLoad(1, false),
  'hlv.h': guestLoad(2, true),
  'hlv.hu': guestLoad(2, false),
  'hlv.w': guestLoad(4, true),
  'hlv.wu': guestLoad(4, false),
  'hlv.d': guestLoad(8, true),
  'hlvx.hu': guestLoad(2, false, true),
  'hlvx.wu': guestLoad(4, false, true),
  'hsv.b': guestStore(1),
  'hsv.h': guestStore(2),
  'hsv.w': guestStore(4),
  'hsv.d': guestStore(8),
};

/** Carries out hlv, hlvx or hsv, whose permission has been checked. False: it raised an exception. */
export function guestAccess(state: HartState, memory: MemoryAccess, decoded: Decoded): boolean {
  const { instruction, rd, rs1, rs2 } = decoded;
  const access = GUEST_ACCESS[instruction.name];
  if (access === undefined) throw new Error(`${instruction.name} is not a guest access`);
  const { bytes, signed, store, executable } = access;
  const low = state.xLow(rs1);
  const high = state.addressHigh(rs1);
  if (store) return memory.guestStore(low, high, bytes, state.xLow(rs2), state.xHigh(rs2));
  if (!memory.guestLoad(low, high, bytes, signed, executable)) return false;
  const at = FIELD.mailboxValue >> 2;
  state.setX(rd, state.words[at] as number, state.words[at + 1] as number);
  return true;
}
