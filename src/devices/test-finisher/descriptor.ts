import { cells, type DeviceTreeNode, node, ref, strings } from '../../boot/device-tree.ts';
import type { DeviceDescriptor } from '../descriptor.ts';
import { deviceNode } from '../tree.ts';
import { TestFinisher } from './device.ts';
import { TEST_FINISHER } from './facts.ts';
import { FINISH, REG } from './registers.ts';

const LABEL = 'test';

/** Linux ends the machine by a write that such a node describes (drivers/power/reset/syscon-poweroff.c). */
function powerNode(name: string, value: number): DeviceTreeNode {
  return node(name, [
    ['compatible', strings(`syscon-${name}`)],
    ['regmap', cells(ref(LABEL))],
    ['offset', cells(REG.FINISH)],
    ['value', cells(value)],
  ]);
}

export const testFinisher: DeviceDescriptor = {
  name: 'test-finisher',
  about: 'power-off, failure and reset by one store',
  wordsFor: () => 0,
  state: () => [],
  create: ({ finish }) => ({ device: new TestFinisher(finish) }),
  describe: (place) => ({
    soc: [
      deviceNode(
        'test',
        place,
        TEST_FINISHER.size,
        [['compatible', strings(...TEST_FINISHER.compatible)]],
        LABEL,
      ),
    ],
    root: [powerNode('poweroff', FINISH.PASS), powerNode('reboot', FINISH.RESET)],
  }),
};
