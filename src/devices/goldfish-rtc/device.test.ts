import { beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../../test/fixtures/manual-clock.ts';
import { GoldfishRtc } from './device.ts';
import { REG } from './registers.ts';

const START = 1_800_000_000_123_456_789n;
let clock = new ManualClock();
let level = false;
let alarmChanges = 0;

function makeRtc(): GoldfishRtc {
  level = false;
  alarmChanges = 0;
  clock = new ManualClock();
  clock.setWall(START);
  return new GoldfishRtc(new Int32Array(new SharedArrayBuffer(4 * GoldfishRtc.WORDS)), {
    clock,
    irq: {
      set(value) {
        level = value;
      },
    },
    onAlarmChange() {
      alarmChanges++;
    },
  });
}

let rtc = makeRtc();
const get = (offset: number) => rtc.read(offset, 4);
const put = (offset: number, value: number) => rtc.write(offset, 4, value);

/** The order of rtc-goldfish.c: goldfish_rtc_read_time. */
function readTime(): bigint {
  const low = BigInt(get(REG.TIME_LOW));
  return (BigInt(get(REG.TIME_HIGH)) << 32n) | low;
}

/** The order of rtc-goldfish.c for setting both time and alarm: the high half first. */
function writeHighFirst(high: number, low: number, value: bigint): void {
  put(high, Number(value >> 32n));
  put(low, Number(value & 0xffff_ffffn));
}

beforeEach(() => {
  rtc = makeRtc();
});

test('shows the host clock, the high half latched by the low one', () => {
  expect(readTime()).toBe(START);
  clock.setWall(0x1_ffff_ffffn);
  expect(get(REG.TIME_LOW)).toBe(0xffff_ffff);
  clock.setWall(0x2_0000_0000n);
  expect(get(REG.TIME_HIGH)).toBe(1);
});

test('the guest may set the time, forwards and backwards', () => {
  for (const time of [1_000_000_000n, 3_000_000_000_000_000_000n]) {
    writeHighFirst(REG.TIME_HIGH, REG.TIME_LOW, time);
    expect(readTime()).toBe(time);
    clock.setWall(START + 5n);
    expect(readTime()).toBe(time + 5n);
    clock.setWall(START);
  }
});

test('the alarm fires at its time and not before, until it is acknowledged', () => {
  put(REG.IRQ_ENABLED, 1);
  writeHighFirst(REG.ALARM_HIGH, REG.ALARM_LOW, START + 2_500_000n);
  expect(alarmChanges).toBe(1);
  expect([get(REG.ALARM_STATUS), rtc.alarmDelay(), level]).toEqual([1, 3, false]);
  clock.setWall(START + 2_499_999n);
  rtc.checkAlarm();
  expect(level).toBe(false);
  clock.setWall(START + 2_500_000n);
  expect(rtc.alarmDelay()).toBe(0);
  rtc.checkAlarm();
  expect([get(REG.ALARM_STATUS), rtc.alarmDelay(), level]).toEqual([0, Number.POSITIVE_INFINITY, true]);
  put(REG.CLEAR_INTERRUPT, 1);
  expect(level).toBe(false);
  rtc.checkAlarm();
  expect(level).toBe(false);
});

test('an alarm in the past fires at once; a disabled one waits for the enable bit', () => {
  writeHighFirst(REG.ALARM_HIGH, REG.ALARM_LOW, START - 1n);
  expect([get(REG.ALARM_STATUS), level]).toEqual([0, false]);
  put(REG.IRQ_ENABLED, 0xffff_ffff);
  expect([get(REG.IRQ_ENABLED), level]).toEqual([1, true]);
  put(REG.IRQ_ENABLED, 0);
  expect(level).toBe(false);
});

test('a cleared alarm never fires', () => {
  put(REG.IRQ_ENABLED, 1);
  writeHighFirst(REG.ALARM_HIGH, REG.ALARM_LOW, START + 1n);
  put(REG.CLEAR_ALARM, 1);
  clock.setWall(START + 10n);
  rtc.checkAlarm();
  expect([get(REG.ALARM_STATUS), level, alarmChanges]).toEqual([0, false, 2]);
});

test('setting the time past the alarm fires it', () => {
  put(REG.IRQ_ENABLED, 1);
  writeHighFirst(REG.ALARM_HIGH, REG.ALARM_LOW, START + 10_000_000_000n);
  writeHighFirst(REG.TIME_HIGH, REG.TIME_LOW, START + 20_000_000_000n);
  expect(level).toBe(true);
});

test('a half-written time or alarm fires nothing', () => {
  put(REG.IRQ_ENABLED, 1);
  writeHighFirst(REG.ALARM_HIGH, REG.ALARM_LOW, 0x7000_0000_0000_0000n);
  put(REG.ALARM_HIGH, Number(START >> 32n));
  expect([get(REG.ALARM_STATUS), level]).toEqual([1, false]);
  put(REG.ALARM_LOW, 0xffff_ffff);
  put(REG.TIME_HIGH, Number(START >> 32n) + 1);
  expect([get(REG.ALARM_STATUS), level]).toEqual([1, false]);
  put(REG.TIME_LOW, 0);
  expect([get(REG.ALARM_STATUS), level]).toEqual([0, true]);
});

test('the alarm reads back; other offsets read 0 and ignore writes', () => {
  writeHighFirst(REG.ALARM_HIGH, REG.ALARM_LOW, 0xfedc_ba98_7654_3210n);
  expect([get(REG.ALARM_LOW), get(REG.ALARM_HIGH)]).toEqual([0x7654_3210, 0xfedc_ba98]);
  for (const offset of [REG.CLEAR_ALARM, REG.CLEAR_INTERRUPT, 0x20, 0xffc]) expect(get(offset)).toBe(0);
  const before = rtc.save();
  put(0x20, 1);
  put(0xffc, 1);
  put(REG.ALARM_STATUS, 0);
  expect(rtc.save()).toEqual(before);
  expect(rtc.widths).toBe(4);
});

test('reset, save and restore', () => {
  put(REG.IRQ_ENABLED, 1);
  writeHighFirst(REG.ALARM_HIGH, REG.ALARM_LOW, START);
  expect(level).toBe(true);
  const saved = structuredClone(rtc.save());
  rtc.reset();
  expect([level, get(REG.IRQ_ENABLED), readTime()]).toEqual([false, 0, START]);
  rtc.restore(saved);
  expect(level).toBe(true);
});
