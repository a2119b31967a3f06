/** The surroundings of a hart: time, interrupt lines, and devices behind physical addresses. */
export interface Platform {
  /** The `time` counter (mtime) in ticks of 10 MHz: a whole number below 2^53. */
  ticks(): number;
  /**
   * Levels of the interrupt lines into this hart, as mip bits: MSIP (3), MTIP (7), SEIP (9), MEIP (11).
   * They are derived from the devices whenever the hart looks, never stored in the hart.
   *
   * @param wanted the bits that matter; the others may be left 0, so that no device is asked in vain
   */
  lines(wanted: number): number;
  /** Levels of hgeip, bit per guest external interrupt. */
  guestExternalLines(): number;
  /**
   * An interrupt file of this hart's IMSIC: 0 is that of machine level, 1 that of supervisor level, 1 + n that of guest
   * external interrupt n. A hart with an IMSIC has them all; their levels are part of `lines` and `guestExternalLines`.
   */
  interruptFile?(number: number): InterruptFilePort | undefined;
  /**
   * The word that makes `run` return is not 0. True: that was only to have the hart look at its interrupt lines, which
   * it does next; the word is 0 again. Without this, `run` returns for every reason.
   */
  takeLook?(): boolean;
  /**
   * The guest has just set a deadline: instructions that may be started until somebody must look whether it has come.
   * Without this, `run` returns at once, as its caller measured the fuel by the deadline before.
   */
  fuelForTimer?(): number;
  /**
   * Ticks at which the run under way shall end, in any number of instructions: fuel is no more than a guess. Without
   * this, `run` goes by fuel alone.
   */
  runEnd?(): number;
  /**
   * A guest waits for another hart to write to its reservation set (WRS.NTO): ticks for which the hart may watch the
   * memory before it leaves the guest to its host. Without this, none.
   */
  watchTicks?(): number;
  /**
   * The hart has just taken an interrupt, for records: its handler comes next.
   *
   * @param cause as the cause register of the mode that takes it has it, without its uppermost bit
   */
  interruptTaken?(target: 'M' | 'HS' | 'VS', cause: number): void;
}

/** An interrupt file as its hart sees it (AIA specification, "Incoming MSI Controller"). */
export interface InterruptFilePort {
  /** Whether it delivers an interrupt. */
  asserts(): boolean;
  /** The smallest identity that is pending, enabled and below the threshold; 0 if there is none. */
  top(): number;
  /** Clears the pending bit of an identity that {@link top} gave; 0 does nothing. */
  claim(identity: number): void;
  /** Reads register 0x70 to 0xff; false if there is none of that number for this width. */
  read(register: number, xlen: 32 | 64, out: { low: number; high: number }): boolean;
  /** Writes such a register, of which the same instruction has read the old value: only bits that differ change. */
  write(register: number, xlen: 32 | 64, oldLow: number, oldHigh: number, low: number, high: number): void;
}

/** Physical memory outside of RAM: devices. The result of a read is left in `low` and `high`. */
export interface DeviceSpace {
  /** Width in bytes: 1, 2, 4 or 8. False: nothing answers, which is an access fault. */
  read(address: number, width: number): boolean;
  write(address: number, width: number, low: number, high: number): boolean;
  readonly low: number;
  readonly high: number;
  /** The interrupt file whose page begins at an address, if there is one that takes stores of messages as they come. */
  messagePort?(address: number): MessagePort | undefined;
}

/** An interrupt file in the view of senders of messages. */
export interface MessagePort {
  /** Address in linear memory of its pending bits, 32 a word, that of identity 0 first; a message sets its own. */
  readonly pendingAt: number;
  /** Identities that there are, from 1 on. */
  readonly identities: number;
  /** The bit of an identity was 0, and has just been set. */
  arrived(identity: number): void;
}
