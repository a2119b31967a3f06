import { ByteRing } from '../byte-ring.ts';
import type { AccessWidth, LineSink } from '../device.ts';
import { SharedDevice } from '../shared-device.ts';
import { UART16550 } from './facts.ts';
import { FCR, FIFO_SIZE, IER, IIR, LCR, LSR, MCR, MSR, REG, TRIGGER_LEVELS } from './registers.ts';
import {
  INPUT_CAPACITY,
  LOOKS_WITHOUT_ANSWER,
  MUCH_OUTPUT,
  OUTPUT_CAPACITY,
  OUTPUT_SLACK,
  POLLS_FOR_INPUT,
  POLLS_OF_OUTPUT,
  WORD,
  WORDS,
} from './words.ts';

/** The wires of the port. The functions are called on the thread that made the access. */
export interface Uart16550Wiring {
  readonly irq: LineSink;
  /**
   * There is output to {@link Uart16550.drain}. Called once until the next drain, and once more when there is much,
   * outside the device's lock.
   */
  onOutput?(): void;
  /** There is room again after {@link Uart16550.receive} took fewer bytes than it was given. */
  onInputSpace?(): void;
  /**
   * Hold input back on the wire until the guest listens: it enables the receive interrupt, or polls for input. Linux
   * throws away bytes that arrive before (drivers/tty/serial/8250/8250_port.c, serial8250_do_startup clears the FIFO
   * and reads RBR), which would eat the first bytes of piped input. It never polls: each of its looks at LSR is
   * followed by output or by a write to a control register, whereas a guest that waits for input looks again and again
   * ({@link POLLS_FOR_INPUT}). Where the chip is all that a guest has, `false`, the default, has no exceptions.
   */
  readonly holdInput?: boolean;
}

/**
 * A 16550A serial port, as Linux's 8250 driver probes and uses it.
 *
 * Bytes take no time on the wire: the transmitter is empty again as soon as a byte is in the output ring, and a
 * character timeout is due at once when bytes below the trigger level wait. Nothing is lost: THRE stays 0 while the
 * output ring is short of room, and input beyond the receiver FIFO waits on the wire. The interrupt
 * line is not gated by MCR.OUT2, as on QEMU's `virt`.
 */
export class Uart16550 extends SharedDevice {
  static readonly WORDS = WORDS;
  readonly name = 'uart16550';
  readonly size = UART16550.size;
  readonly widths = 1 | 2 | 4;
  readonly #wiring: Uart16550Wiring;
  readonly #output: ByteRing;
  readonly #input: ByteRing;
  /** Set under the lock, acted upon by #tell after it: the callbacks this thread owes. */
  #outputNews = false;
  #inputNews = false;

  /** @param words - `Uart16550.WORDS` shared words */
  constructor(words: Int32Array, wiring: Uart16550Wiring) {
    super(words, WORDS, 'uart16550', { to: WORD.CABLE });
    this.#wiring = wiring;
    this.#output = new ByteRing(words, WORD.OUTPUT, OUTPUT_CAPACITY);
    this.#input = new ByteRing(words, WORD.INPUT, INPUT_CAPACITY);
  }

  /** Wider accesses see the byte register at the offset; above the eight registers reads give 0. */
  read(offset: number, _width: AccessWidth): number {
    const value = this.guard.change(() => {
      const result = this.#readRegister(offset);
      this.#settle();
      return result;
    });
    this.#tell();
    return value;
  }

  /** Wider accesses write their low byte to the register at the offset; above the registers writes do nothing. */
  write(offset: number, _width: AccessWidth, value: number): void {
    this.guard.change(() => {
      this.#writeRegister(offset, value & 0xff);
      this.#settle();
    });
    this.#tell();
  }

  /**
   * Puts bytes on the wire to the guest.
   *
   * @returns how many were taken; the caller keeps the rest and gives it again when `onInputSpace` is called
   */
  receive(bytes: Uint8Array): number {
    return this.guard.change(() => {
      const taken = this.#input.write(bytes);
      if (taken < bytes.length) this.words[WORD.INPUT_WANTED] = 1;
      this.#settle();
      return taken;
    });
  }

  /** Output is better taken now than together with what follows. */
  get hasMuchOutput(): boolean {
    return this.#output.length >= MUCH_OUTPUT;
  }

  /** Takes all output that the guest has written so far. One thread does that. */
  drain(): Uint8Array<ArrayBuffer> {
    return this.guard.change(() => {
      const bytes = this.#output.takeAll();
      this.words[WORD.OUTPUT_TOLD] = 0;
      if (this.words[WORD.STALLED] !== 0) {
        this.words[WORD.STALLED] = 0;
        this.words[WORD.EMPTY_DUE] = 1;
      }
      this.#settle();
      return bytes;
    });
  }

  /**
   * Puts bytes into the output beside the transmitter: for bytes that reach the same terminal another way (the SBI
   * debug console).
   *
   * @returns how many were taken; fewer than given when the output is not drained fast enough
   */
  emit(bytes: Uint8Array): number {
    const taken = this.guard.change(() => {
      const count = this.#output.write(bytes.subarray(0, Math.max(0, this.#output.free - OUTPUT_SLACK)));
      if (count > 0) this.#announceOutput();
      return count;
    });
    this.#tell();
    return taken;
  }

  /**
   * Takes input that the guest's driver has not read, past the receiver: for the SBI debug console, which reads the
   * same wire.
   *
   * @param limit - bytes at most
   */
  takeInput(limit: number): Uint8Array {
    const bytes = this.guard.change(() => {
      const taken: number[] = [];
      while (taken.length < limit) {
        const byte = this.words[WORD.FIFO_COUNT] > 0 ? this.#takeReceived() : this.#input.shift();
        if (byte < 0) break;
        taken.push(byte);
      }
      this.#noteInputSpace();
      this.#settle();
      return Uint8Array.from(taken);
    });
    this.#tell();
    return bytes;
  }

  protected override driveOutputs(): void {
    // The listener from before the state was replaced may be gone: the next byte tells again.
    this.words[WORD.OUTPUT_TOLD] = 0;
    this.#settle();
  }

  #readRegister(offset: number): number {
    const words = this.words;
    if (offset !== REG.LSR) words[WORD.LOOKS] = 0;
    switch (offset) {
      case REG.RBR:
        return this.#divisorLatch() ? words[WORD.DLL] : this.#takeReceived();
      case REG.IER:
        return this.#divisorLatch() ? words[WORD.DLM] : words[WORD.IER];
      case REG.IIR:
        return this.#identify();
      case REG.LCR:
        return words[WORD.LCR];
      case REG.MCR:
        return words[WORD.MCR];
      case REG.LSR:
        return this.#readLineStatus();
      case REG.MSR:
        return this.#readModemStatus();
      case REG.SCR:
        return words[WORD.SCR];
      default:
        return 0;
    }
  }

  #writeRegister(offset: number, value: number): void {
    const words = this.words;
    words[WORD.LOOKS] = 0;
    switch (offset) {
      case REG.THR:
        if (this.#divisorLatch()) words[WORD.DLL] = value;
        else this.#transmit(value);
        break;
      case REG.IER:
        words[WORD.POLLS] = 0;
        if (this.#divisorLatch()) words[WORD.DLM] = value;
        else this.#enableInterrupts(value & IER.ALL);
        break;
      case REG.FCR:
        words[WORD.POLLS] = 0;
        this.#controlFifos(value);
        break;
      case REG.LCR:
        words[WORD.POLLS] = 0;
        words[WORD.LCR] = value;
        break;
      case REG.MCR:
        words[WORD.POLLS] = 0;
        this.#controlModem(value & MCR.ALL);
        break;
      case REG.SCR:
        words[WORD.SCR] = value;
        break;
      // LSR and MSR are for reading; the data sheet leaves writes to factory tests.
    }
  }

  #divisorLatch(): boolean {
    return (this.words[WORD.LCR] & LCR.DLAB) !== 0;
  }

  #loopback(): boolean {
    return (this.words[WORD.MCR] & MCR.LOOPBACK) !== 0;
  }

  #fifosEnabled(): boolean {
    return (this.words[WORD.FCR] & FCR.ENABLE) !== 0;
  }

  /** Which interrupt is due, as IIR shows it in bits 3:0 (data sheet table IV). */
  #interrupt(): number {
    const words = this.words;
    const enabled = words[WORD.IER];
    if ((enabled & IER.LINE_STATUS) !== 0 && words[WORD.LINE_ERRORS] !== 0) return IIR.LINE_STATUS;
    if ((enabled & IER.RECEIVED) !== 0 && words[WORD.FIFO_COUNT] > 0) {
      const belowTrigger = this.#fifosEnabled() && words[WORD.FIFO_COUNT] < this.#trigger();
      return belowTrigger ? IIR.CHARACTER_TIMEOUT : IIR.RECEIVED;
    }
    if ((enabled & IER.TRANSMITTER_EMPTY) !== 0 && words[WORD.EMPTY_DUE] !== 0) return IIR.TRANSMITTER_EMPTY;
    if ((enabled & IER.MODEM_STATUS) !== 0 && words[WORD.MODEM_CHANGES] !== 0) return IIR.MODEM_STATUS;
    return IIR.NONE;
  }

  #trigger(): number {
    return TRIGGER_LEVELS[this.words[WORD.FCR] >> FCR.TRIGGER_SHIFT];
  }

  /** Reading IIR acknowledges the transmitter interrupt, if that is the one it shows. */
  #identify(): number {
    const id = this.#interrupt();
    if (id === IIR.TRANSMITTER_EMPTY) this.words[WORD.EMPTY_DUE] = 0;
    return this.#fifosEnabled() ? id | IIR.FIFOS_ENABLED : id;
  }

  #readLineStatus(): number {
    const words = this.words;
    this.#notePoll();
    if (this.#interrupt() === IIR.TRANSMITTER_EMPTY && ++words[WORD.LOOKS] >= LOOKS_WITHOUT_ANSWER) {
      words[WORD.EMPTY_DUE] = 0;
      words[WORD.LOOKS] = 0;
    }
    const ready = this.#received() > 0 ? LSR.DATA_READY : 0;
    const empty = words[WORD.STALLED] === 0 ? LSR.HOLDING_EMPTY | LSR.TRANSMITTER_EMPTY : 0;
    const errors = words[WORD.LINE_ERRORS];
    words[WORD.LINE_ERRORS] = 0;
    return ready | errors | empty;
  }

  /** A look while the transmitter is busy waits for that. */
  #notePoll(): void {
    const words = this.words;
    if (words[WORD.STALLED] !== 0 || words[WORD.POLLS] >= POLLS_FOR_INPUT || this.#listening()) return;
    words[WORD.POLLS]++;
    if (this.#listening()) this.#fillReceiver();
  }

  #readModemStatus(): number {
    const changes = this.words[WORD.MODEM_CHANGES];
    this.words[WORD.MODEM_CHANGES] = 0;
    return this.#modemInputs() | changes;
  }

  /** A cable with everything present; in loopback the chip's own outputs (data sheet 8.6.2, bit 4). */
  #modemInputs(): number {
    if (!this.#loopback()) return MSR.CTS | MSR.DSR | MSR.DCD;
    const outputs = this.words[WORD.MCR];
    return (
      ((outputs & MCR.RTS) !== 0 ? MSR.CTS : 0) |
      ((outputs & MCR.DTR) !== 0 ? MSR.DSR : 0) |
      ((outputs & MCR.OUT1) !== 0 ? MSR.RING : 0) |
      ((outputs & MCR.OUT2) !== 0 ? MSR.DCD : 0)
    );
  }

  #controlModem(value: number): void {
    const before = this.#modemInputs();
    this.words[WORD.MCR] = value;
    const after = this.#modemInputs();
    const changed = before ^ after;
    this.words[WORD.MODEM_CHANGES] |=
      ((changed & MSR.CTS) !== 0 ? MSR.CTS_CHANGED : 0) |
      ((changed & MSR.DSR) !== 0 ? MSR.DSR_CHANGED : 0) |
      ((before & ~after & MSR.RING) !== 0 ? MSR.RING_ENDED : 0) |
      ((changed & MSR.DCD) !== 0 ? MSR.DCD_CHANGED : 0);
  }

  /**
   * Enabling the transmitter interrupt while the transmitter is empty raises it at once; drivers rely on that
   * (8250_port.c, the UART_BUG_THRE and UART_BUG_TXEN tests of serial8250_do_startup).
   */
  #enableInterrupts(value: number): void {
    const words = this.words;
    const changed = words[WORD.IER] ^ value;
    words[WORD.IER] = value;
    if ((changed & IER.TRANSMITTER_EMPTY) !== 0) {
      const enabled = (value & IER.TRANSMITTER_EMPTY) !== 0;
      words[WORD.EMPTY_DUE] = enabled && words[WORD.STALLED] === 0 ? 1 : 0;
    }
  }

  /** Data sheet 8.4: the other bits count only with bit 0 set, and changing bit 0 empties the FIFOs. */
  #controlFifos(value: number): void {
    const toggled = ((value ^ this.words[WORD.FCR]) & FCR.ENABLE) !== 0;
    const enabled = (value & FCR.ENABLE) !== 0;
    this.words[WORD.FCR] = enabled ? value & FCR.KEPT : 0;
    const clears = toggled || (enabled && (value & FCR.CLEAR_RECEIVER) !== 0);
    if (clears && !this.#keepsInput()) this.words[WORD.FIFO_COUNT] = 0;
  }

  /** Held input is not the driver's to throw away: Linux enables the receive interrupt before it sets up the FIFOs. */
  #keepsInput(): boolean {
    return this.#wiring.holdInput === true && !this.#loopback();
  }

  /** Bytes that the guest can see in the receiver: none of the held ones while it does not listen. */
  #received(): number {
    return this.#keepsInput() && !this.#listening() ? 0 : this.words[WORD.FIFO_COUNT];
  }

  #transmit(byte: number): void {
    const words = this.words;
    if (this.#loopback()) {
      this.#loopBack(byte);
    } else if (this.#output.push(byte)) {
      if (!this.#polling()) words[WORD.POLLS] = Math.max(0, words[WORD.POLLS] - POLLS_OF_OUTPUT);
      if (this.#output.free < OUTPUT_SLACK) words[WORD.STALLED] = 1;
      this.#announceOutput();
    }
    words[WORD.EMPTY_DUE] = words[WORD.STALLED] === 0 ? 1 : 0;
  }

  #announceOutput(): void {
    const told = this.hasMuchOutput ? 2 : 1;
    if (this.words[WORD.OUTPUT_TOLD] >= told) return;
    this.words[WORD.OUTPUT_TOLD] = told;
    this.#outputNews = true;
  }

  /** A full FIFO keeps its bytes; the single buffer of the other mode is overwritten (data sheet 8.5, bit 1). */
  #loopBack(byte: number): void {
    const words = this.words;
    if (words[WORD.FIFO_COUNT] < this.#receiverCapacity()) {
      this.#putReceived(byte);
      return;
    }
    words[WORD.LINE_ERRORS] |= LSR.OVERRUN;
    if (!this.#fifosEnabled()) words[WORD.FIFO + words[WORD.FIFO_FIRST]] = byte;
  }

  #receiverCapacity(): number {
    return this.#fifosEnabled() ? FIFO_SIZE : 1;
  }

  #putReceived(byte: number): void {
    const words = this.words;
    const index = (words[WORD.FIFO_FIRST] + words[WORD.FIFO_COUNT]) % FIFO_SIZE;
    words[WORD.FIFO + index] = byte;
    words[WORD.FIFO_COUNT]++;
  }

  #takeReceived(): number {
    const words = this.words;
    if (this.#received() === 0) return 0;
    const byte = words[WORD.FIFO + words[WORD.FIFO_FIRST]];
    words[WORD.FIFO_FIRST] = (words[WORD.FIFO_FIRST] + 1) % FIFO_SIZE;
    words[WORD.FIFO_COUNT]--;
    return byte;
  }

  /** After every change: input moves from the wire to the receiver, and the interrupt line follows the state. */
  #settle(): void {
    if (this.#listening()) this.#fillReceiver();
    this.#wiring.irq.set(this.#interrupt() !== IIR.NONE);
  }

  #listening(): boolean {
    if (this.#loopback()) return false;
    if (this.#wiring.holdInput !== true) return true;
    return (this.words[WORD.IER] & IER.RECEIVED) !== 0 || this.#polling();
  }

  #polling(): boolean {
    return this.words[WORD.POLLS] >= POLLS_FOR_INPUT;
  }

  #fillReceiver(): void {
    const words = this.words;
    while (words[WORD.FIFO_COUNT] < this.#receiverCapacity()) {
      const byte = this.#input.shift();
      if (byte < 0) break;
      this.#putReceived(byte);
    }
    this.#noteInputSpace();
  }

  /** Half a ring of room, so that a long input does not come back byte by byte. */
  #noteInputSpace(): void {
    const words = this.words;
    if (words[WORD.INPUT_WANTED] !== 0 && this.#input.free >= INPUT_CAPACITY / 2) {
      words[WORD.INPUT_WANTED] = 0;
      this.#inputNews = true;
    }
  }

  #tell(): void {
    if (this.#outputNews) {
      this.#outputNews = false;
      this.#wiring.onOutput?.();
    }
    if (this.#inputNews) {
      this.#inputNews = false;
      this.#wiring.onInputSpace?.();
    }
  }
}
