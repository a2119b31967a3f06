import type { AccessWidth, Clock, LineSink } from '../device.ts';
import { SharedDevice } from '../shared-device.ts';
import { GOLDFISH_RTC } from './facts.ts';
import { REG } from './registers.ts';
import { WORD, WORDS } from './words.ts';

const NANOSECONDS_PER_MILLISECOND = 1e6;

/** Writes after which the alarm may be due at another moment than before. */
const MOVES_ALARM: ReadonlySet<number> = new Set([REG.TIME_LOW, REG.ALARM_LOW, REG.CLEAR_ALARM]);

/** Drivers write the high half first: time and alarm are not to be compared until the low half is there. */
function isHighHalf(offset: number): boolean {
  return offset === REG.TIME_HIGH || offset === REG.ALARM_HIGH;
}

/** The wires of the clock. */
export interface GoldfishRtcWiring {
  readonly irq: LineSink;
  readonly clock: Clock;
  /**
   * The alarm was armed, moved or disarmed: the keeper of time calls {@link GoldfishRtc.checkAlarm} after {@link
   * GoldfishRtc.alarmDelay} milliseconds. Called outside the device's lock.
   */
  onAlarmChange?(): void;
}

/**
 * The goldfish real-time clock. Its time is the host's plus an offset that the guest may set; guests read it a few
 * times in their life, so BigInt does the arithmetic.
 */
export class GoldfishRtc extends SharedDevice {
  static readonly WORDS = WORDS;
  readonly name = 'goldfish-rtc';
  readonly size = GOLDFISH_RTC.size;
  readonly widths = 4;
  readonly #wiring: GoldfishRtcWiring;

  /** @param words - `GoldfishRtc.WORDS` shared words */
  constructor(words: Int32Array, wiring: GoldfishRtcWiring) {
    super(words, WORDS, 'goldfish-rtc');
    this.#wiring = wiring;
  }

  read(offset: number, _width: AccessWidth): number {
    return this.guard.change(() => this.#readRegister(offset)) >>> 0;
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    this.guard.change(() => {
      this.#writeRegister(offset, value);
      if (!isHighHalf(offset)) this.#settle();
    });
    if (MOVES_ALARM.has(offset)) this.#wiring.onAlarmChange?.();
  }

  /** Milliseconds until the alarm is due: 0 if it is due now, Infinity if none is armed. */
  alarmDelay(): number {
    return this.guard.locked(() => {
      if (this.words[WORD.ARMED] === 0) return Number.POSITIVE_INFINITY;
      const nanoseconds = Number(this.#get64(WORD.ALARM) - this.#time());
      return Math.max(0, Math.ceil(nanoseconds / NANOSECONDS_PER_MILLISECOND));
    });
  }

  /** Fires the alarm if its time has come; any thread may call it at any time. */
  checkAlarm(): void {
    this.guard.change(() => this.#settle());
  }

  protected override driveOutputs(): void {
    this.#settle();
  }

  #readRegister(offset: number): number {
    const words = this.words;
    switch (offset) {
      case REG.TIME_LOW: {
        const time = this.#time();
        words[WORD.LATCH] = Number(BigInt.asIntN(32, time >> 32n));
        return Number(BigInt.asIntN(32, time));
      }
      case REG.TIME_HIGH:
        return words[WORD.LATCH];
      case REG.ALARM_LOW:
        return words[WORD.ALARM];
      case REG.ALARM_HIGH:
        return words[WORD.ALARM + 1];
      case REG.IRQ_ENABLED:
        return words[WORD.ENABLED];
      case REG.ALARM_STATUS:
        return words[WORD.ARMED];
      default:
        return 0;
    }
  }

  #writeRegister(offset: number, value: number): void {
    const words = this.words;
    switch (offset) {
      case REG.TIME_LOW:
        this.#setTime(((this.#time() >> 32n) << 32n) | BigInt(value));
        break;
      case REG.TIME_HIGH:
        this.#setTime((BigInt(value) << 32n) | BigInt.asUintN(32, this.#time()));
        break;
      case REG.ALARM_LOW:
        words[WORD.ALARM] = value;
        words[WORD.ARMED] = 1;
        break;
      case REG.ALARM_HIGH:
        words[WORD.ALARM + 1] = value;
        break;
      case REG.IRQ_ENABLED:
        words[WORD.ENABLED] = value & 1;
        break;
      case REG.CLEAR_ALARM:
        words[WORD.ARMED] = 0;
        break;
      case REG.CLEAR_INTERRUPT:
        words[WORD.PENDING] = 0;
        break;
    }
  }

  #settle(): void {
    const words = this.words;
    if (words[WORD.ARMED] !== 0 && this.#get64(WORD.ALARM) <= this.#time()) {
      words[WORD.ARMED] = 0;
      words[WORD.PENDING] = 1;
    }
    this.#wiring.irq.set((words[WORD.PENDING] & words[WORD.ENABLED]) !== 0);
  }

  #time(): bigint {
    return BigInt.asUintN(64, this.#wiring.clock.wallNanoseconds() + this.#get64(WORD.OFFSET));
  }

  #setTime(time: bigint): void {
    const offset = BigInt.asUintN(64, time - this.#wiring.clock.wallNanoseconds());
    this.words[WORD.OFFSET] = Number(BigInt.asIntN(32, offset));
    this.words[WORD.OFFSET + 1] = Number(BigInt.asIntN(32, offset >> 32n));
  }

  #get64(index: number): bigint {
    return (BigInt(this.words[index + 1] >>> 0) << 32n) | BigInt(this.words[index] >>> 0);
  }
}
