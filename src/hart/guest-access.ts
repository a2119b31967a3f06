/** What an hlv, hlvx or hsv instruction accesses; width in bytes. */
export interface GuestAccess {
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
export const GUEST_ACCESS: Readonly<Record<string, GuestAccess>> = {
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
