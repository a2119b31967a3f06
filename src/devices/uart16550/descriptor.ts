import { cells, strings } from '../../boot/device-tree.ts';
import type { DeviceDescriptor } from '../descriptor.ts';
import { deviceNode, interrupts } from '../tree.ts';
import { Uart16550 } from './device.ts';
import { UART16550 } from './facts.ts';
import { EVENT, Uart16550Host } from './host.ts';
import { PORT } from './words.ts';

export const uart16550: DeviceDescriptor = {
  name: 'uart16550',
  about: '16550A serial port with FIFOs, the console of guests',
  wordsFor: () => Uart16550.WORDS,
  state: () => [PORT],
  create: ({ words, line, tell, kind }) => {
    const device = new Uart16550(words, {
      irq: line(),
      onOutput: () => tell(EVENT.output),
      onInputSpace: () => tell(EVENT.inputSpace),
      holdInput: kind === 'domain',
    });
    return { device, console: device, connect: ({ console }) => new Uart16550Host(device, console) };
  },
  describe: (place) => {
    const serial = deviceNode('serial', place, UART16550.size, [
      ['compatible', strings(UART16550.compatible)],
      ['clock-frequency', cells(UART16550.clock)],
      ...interrupts(place),
    ]);
    return { soc: [serial], console: `/soc/${serial.name}` };
  },
};
