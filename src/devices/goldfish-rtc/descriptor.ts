import { strings } from '../../boot/device-tree.ts';
import type { DeviceDescriptor } from '../descriptor.ts';
import { deviceNode, interrupts } from '../tree.ts';
import { GoldfishRtc } from './device.ts';
import { GOLDFISH_RTC } from './facts.ts';
import { EVENT, GoldfishRtcHost } from './host.ts';
import { RTC } from './words.ts';

export const goldfishRtc: DeviceDescriptor = {
  name: 'goldfish-rtc',
  about: 'real-time clock with an alarm',
  wordsFor: () => GoldfishRtc.WORDS,
  state: () => [RTC],
  create: ({ words, line, clock, tell }) => {
    const device = new GoldfishRtc(words, { irq: line(), clock, onAlarmChange: () => tell(EVENT.alarm) });
    return { device, connect: () => new GoldfishRtcHost(device) };
  },
  describe: (place) => ({
    soc: [
      deviceNode('rtc', place, GOLDFISH_RTC.size, [
        ['compatible', strings(GOLDFISH_RTC.compatible)],
        ...interrupts(place),
      ]),
    ],
  }),
};
