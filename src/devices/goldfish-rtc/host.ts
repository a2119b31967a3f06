import type { HostSide } from '../descriptor.ts';
import type { GoldfishRtc } from './device.ts';

/** Events for the clock's host's side: the alarm was set or cleared. */
export const EVENT = { alarm: 0 } as const;

/** The longest wait that a timer of JavaScript can have, in milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

/** Rings the alarm when it is due. */
export class GoldfishRtcHost implements HostSide {
  readonly #rtc: GoldfishRtc;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(rtc: GoldfishRtc) {
    this.#rtc = rtc;
  }

  hear(): void {
    clearTimeout(this.#timer);
    const delay = this.#rtc.alarmDelay();
    if (!Number.isFinite(delay)) return;
    this.#timer = setTimeout(
      () => {
        this.#rtc.checkAlarm();
        this.hear();
      },
      Math.min(delay, LONGEST_MS),
    );
  }

  pause(): void {
    clearTimeout(this.#timer);
  }

  /** The clock has gone on: it shows the host's. */
  resume(): void {
    this.#rtc.checkAlarm();
    this.hear();
  }

  finish(): void {
    clearTimeout(this.#timer);
  }
}
