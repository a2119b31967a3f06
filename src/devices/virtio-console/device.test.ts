import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BUFFER_BYTES, QUEUE_SIZE, QueuesDriver } from '../../../test/devices/queues-driver.ts';
import { createRam } from '../../../test/devices/virtio-driver.ts';
import type { PortFacts } from '../descriptor.ts';
import { VirtioMmio } from '../virtio/mmio.ts';
import { INTERRUPT, REG } from '../virtio/registers.ts';
import { virtioWords } from '../virtio/words.ts';
import { virtioConsole } from './descriptor.ts';
import { VirtioConsole } from './device.ts';
import { CONSOLE_FEATURE, CONTROL, CONTROL_IN, CONTROL_OUT, inputQueue, outputQueue } from './facts.ts';
import { consoleWords } from './words.ts';

const SIZE = QUEUE_SIZE;
const BYTES = BUFFER_BYTES;

/** A driver of a console. */
class ConsoleDriver extends QueuesDriver {
  control(port: number, event: number, value: number): void {
    const message = new DataView(new ArrayBuffer(8));
    message.setUint32(0, port, true);
    message.setUint16(4, event, true);
    message.setUint16(6, value, true);
    this.send(CONTROL_OUT, new Uint8Array(message.buffer));
  }

  /** Port, event, value, and what follows. */
  messages(): (readonly [number, number, number, ...number[]])[] {
    return this.received(CONTROL_IN).map((bytes) => {
      const view = new DataView(bytes.slice().buffer);
      const more = [...bytes.subarray(8)];
      return [view.getUint32(0, true), view.getUint16(4, true), view.getUint16(6, true), ...more] as const;
    });
  }
}

function create(
  ports: readonly PortFacts[],
  features: number = CONSOLE_FEATURE.MULTIPORT | CONSOLE_FEATURE.SIZE,
) {
  const memory = createRam();
  const sizes = virtioConsole.queues({ kind: 'domain', cpus: 1, ports });
  const words = virtioWords(sizes.length);
  const shared = new Int32Array(new SharedArrayBuffer(4 * (words + consoleWords(ports))));
  const told = vi.fn<() => void>();
  const irq = { set: vi.fn<(level: boolean) => void>() };
  const device = new VirtioConsole(shared.subarray(words), { memory, ports, onNotify: told });
  const transport = new VirtioMmio(shared, device, sizes, { memory, irq });
  const outputs = ports.map((): number[] => []);
  const slow = Promise.withResolvers<void>();
  let busy = false;
  let deaf = false;
  const backends = outputs.map((output) => ({
    output: vi.fn((bytes: Uint8Array) => {
      output.push(...bytes);
      return busy ? slow.promise : undefined;
    }),
    opened: vi.fn<(open: boolean) => void>(),
    inputSpace: vi.fn<() => void>(),
  }));
  const side = transport.connect({ console: { output: () => undefined }, ports: backends });
  if (side?.ports === undefined) throw new Error('there is no host side');
  // The machine's owner hears when the access is over.
  const access: Pick<VirtioMmio, 'write'> = {
    write: (offset, width, value) => {
      transport.write(offset, width, value);
      if (told.mock.calls.length === 0) return;
      told.mockClear();
      if (!deaf) side.hear(0);
    },
  };
  const driver = new ConsoleDriver(access, memory, sizes.length, features);
  return {
    ...{ transport, access, driver, side, backends, outputs, memory },
    ports: side.ports,
    deafen: () => {
      deaf = true;
    },
    hold: () => {
      busy = true;
    },
    release: () => {
      busy = false;
      slow.resolve();
      return slow.promise.then(() => undefined);
    },
  };
}

/** With the ports announced, ready, and open in the guest. */
function createOpen(facts: readonly PortFacts[]) {
  const rig = create(facts);
  for (let index = 0; index < SIZE; index++) rig.driver.offer(CONTROL_IN);
  rig.driver.control(0xffff_ffff, CONTROL.DEVICE_READY, 1);
  for (const port of facts.keys()) {
    rig.driver.control(port, CONTROL.PORT_READY, 1);
    rig.driver.control(port, CONTROL.PORT_OPEN, 1);
  }
  rig.driver.messages();
  return rig;
}

const text = (bytes: readonly number[]) => String.fromCharCode(...bytes);
const bytes = (content: string) => new TextEncoder().encode(content);

describe('ports', () => {
  test('are announced, then named or made terminals, opened and told their size', () => {
    const { driver, ports, backends } = create([{}, { name: 'a.b' }]);
    ports[0].resize(80, 24);
    for (let index = 0; index < SIZE; index++) driver.offer(CONTROL_IN);
    expect(driver.messages()).toEqual([]);
    driver.control(0xffff_ffff, CONTROL.DEVICE_READY, 1);
    expect(driver.messages()).toEqual([
      [0, CONTROL.DEVICE_ADD, 1],
      [1, CONTROL.DEVICE_ADD, 1],
    ]);
    driver.control(0, CONTROL.PORT_READY, 1);
    expect(driver.messages()).toEqual([
      [0, CONTROL.CONSOLE_PORT, 1],
      [0, CONTROL.PORT_OPEN, 1],
      [0, CONTROL.RESIZE, 0, 80, 0, 24, 0],
    ]);
    driver.control(1, CONTROL.PORT_READY, 1);
    expect(driver.messages()).toEqual([
      [1, CONTROL.PORT_NAME, 1, ...bytes('a.b')],
      [1, CONTROL.PORT_OPEN, 1],
    ]);
    driver.control(1, CONTROL.PORT_OPEN, 1);
    driver.control(1, CONTROL.PORT_OPEN, 0);
    driver.control(77, CONTROL.PORT_OPEN, 1);
    expect(backends[1].opened.mock.calls).toEqual([[true], [false]]);
    expect(backends[0].opened).not.toHaveBeenCalled();
  });

  test('take input from whoever hears that they are open', () => {
    const { driver, ports, backends } = create([{}, { name: 'a.b' }]);
    driver.control(0xffff_ffff, CONTROL.DEVICE_READY, 1);
    driver.control(1, CONTROL.PORT_READY, 1);
    driver.offer(inputQueue(1));
    backends[1].opened.mockImplementation(() => void ports[1].input(bytes('at once')));
    driver.control(1, CONTROL.PORT_OPEN, 1);
    expect(driver.received(inputQueue(1))).toEqual([bytes('at once')]);
  });

  test('are announced one by one as the driver has buffers', () => {
    const { driver } = create([{}, { name: 'x' }]);
    driver.control(0xffff_ffff, CONTROL.DEVICE_READY, 1);
    driver.offer(CONTROL_IN);
    expect(driver.messages()).toEqual([[0, CONTROL.DEVICE_ADD, 1]]);
    driver.offer(CONTROL_IN);
    expect(driver.messages()).toEqual([[1, CONTROL.DEVICE_ADD, 1]]);
  });

  test('take input only while they are open in the guest, and as much as there are buffers', () => {
    const { driver, ports, backends } = createOpen([{}, { name: 'x' }]);
    const large = new Uint8Array(300).fill(7);
    expect(ports[1].input(large)).toBe(0);
    backends[1].inputSpace.mockClear();
    driver.offer(inputQueue(1));
    driver.offer(inputQueue(1));
    expect(backends[1].inputSpace).toHaveBeenCalled();
    expect([ports[1].input(large), ports[1].input(large)]).toEqual([2 * BYTES, 0]);
    expect(driver.received(inputQueue(1)).map(({ length }) => length)).toEqual([BYTES, BYTES]);
    driver.offer(inputQueue(1));
    driver.control(1, CONTROL.PORT_OPEN, 0);
    expect(ports[1].input(large)).toBe(0);
  });

  test('without the feature of many ports, the first one is open', () => {
    const { driver, ports, outputs } = create([{}], 0);
    driver.offer(inputQueue(0));
    expect(ports[0].input(bytes('in'))).toBe(2);
    driver.send(outputQueue(0), bytes('out'));
    expect([driver.received(inputQueue(0)).map(String), text(outputs[0])]).toEqual([['105,110'], 'out']);
  });
});

describe('a size', () => {
  test('is in the configuration space, and changes are told', () => {
    const { driver, ports, transport } = createOpen([{}]);
    const size = () => [transport.read(REG.CONFIG, 2), transport.read(REG.CONFIG + 2, 2)];
    expect([...size(), transport.read(REG.CONFIG + 4, 4)]).toEqual([0, 0, 1]);
    ports[0].resize(100, 30);
    expect(size()).toEqual([100, 30]);
    expect(driver.messages()).toEqual([[0, CONTROL.RESIZE, 0, 100, 0, 30, 0]]);
    expect(transport.read(REG.INTERRUPT_STATUS, 4) & INTERRUPT.CONFIG_CHANGE).toBe(INTERRUPT.CONFIG_CHANGE);
    ports[0].resize(100, 30);
    expect(driver.messages()).toEqual([]);
  });
});

describe.each<[string, PortFacts]>([
  ['a terminal', {}],
  ['a channel', { name: 'x' }],
])('the output of %s', (_, facts) => {
  let rig: ReturnType<typeof createOpen>;
  beforeEach(() => {
    rig = createOpen([facts]);
  });

  test('comes in its order', () => {
    for (let index = 0; index < 40; index++) rig.driver.send(outputQueue(0), bytes(`${index},`));
    expect(text(rig.outputs[0])).toBe(Array.from({ length: 40 }, (_, index) => `${index},`).join(''));
  });

  test('waits for a reader that is busy, and nothing is lost', async () => {
    rig.hold();
    rig.driver.send(outputQueue(0), bytes('first,'));
    for (let index = 0; index < 10; index++) rig.driver.send(outputQueue(0), bytes(`${index},`));
    expect(text(rig.outputs[0])).toBe('first,');
    await rig.release();
    await Promise.resolve();
    expect(text(rig.outputs[0])).toBe('first,0,1,2,3,4,5,6,7,8,9,');
  });

  test('waits while the machine is paused', () => {
    rig.side.pause?.();
    rig.driver.send(outputQueue(0), bytes('later'));
    expect(rig.ports[0].input(bytes('in'))).toBe(0);
    expect(rig.outputs[0]).toEqual([]);
    rig.side.resume?.();
    expect(text(rig.outputs[0])).toBe('later');
  });

  test('is written to its end when the machine has ended', () => {
    rig.hold();
    for (let index = 0; index < 10; index++) rig.driver.send(outputQueue(0), bytes(`${index},`));
    rig.side.finish?.();
    expect(text(rig.outputs[0])).toBe('0,1,2,3,4,5,6,7,8,9,');
  });
});

test('a terminal takes what its driver writes at once, also when nobody reads, until it is full', () => {
  const { driver, deafen } = createOpen([{}]);
  deafen();
  let sent = 0;
  for (; driver.received(outputQueue(0)).length > 0 || sent === 0; sent++)
    driver.send(outputQueue(0), new Uint8Array(BYTES).fill(sent));
  // The last one has to wait.
  expect((sent - 1) * BYTES).toBe(0x4000);
});

test('whatever the driver sends as control messages and lengths, it works after a reset', () => {
  const message = fc.record({
    port: fc.oneof(fc.nat(3), fc.constant(0xffff_ffff)),
    event: fc.nat(9),
    value: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), fc.nat(12), (messages, cut) => {
      const { driver, access, memory, outputs } = createOpen([{}, { name: 'x' }]);
      for (const { port, event, value } of messages) driver.control(port, event, value);
      driver.send(CONTROL_OUT, new Uint8Array(cut + 1));
      const next = new ConsoleDriver(access, memory, 6, CONSOLE_FEATURE.MULTIPORT);
      next.offer(CONTROL_IN);
      next.control(0, CONTROL.DEVICE_READY, 1);
      expect(next.messages()).toEqual([[0, CONTROL.DEVICE_ADD, 1]]);
      next.send(outputQueue(1), bytes('x'));
      expect(outputs[1].at(-1)).toBe(bytes('x')[0]);
    }),
    { numRuns: 50 },
  );
});

describe('in a machine that is restored', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const restored = (beginsAnew = false) => {
    const rig = createOpen([{}, { name: 'x' }]);
    const { opened } = rig.backends[1];
    Object.assign(rig.backends[1], { beginsAnew });
    opened.mockClear();
    rig.side.pause?.();
    rig.side.restored?.();
    rig.side.resume?.();
    return { ...rig, opened };
  };

  test('a channel is closed, and open again when the guest has noticed; a terminal stays as it is', () => {
    const { driver, opened, ports } = restored();
    driver.offer(inputQueue(1));
    expect(driver.messages()).toEqual([[1, CONTROL.PORT_OPEN, 0]]);
    expect([opened.mock.calls, ports[1].input(bytes('lost'))]).toEqual([[], 0]);
    driver.control(1, CONTROL.PORT_OPEN, 0);
    expect(driver.messages()).toEqual([[1, CONTROL.PORT_OPEN, 1]]);
    driver.control(1, CONTROL.PORT_OPEN, 1);
    expect([opened.mock.calls, ports[1].input(bytes('here'))]).toEqual([[[false], [true]], 4]);
    vi.runAllTimers();
    expect(driver.messages()).toEqual([]);
  });

  test('it is open again after a while if nobody in the guest looks at it, but not before the guest goes on', () => {
    const { driver, side, opened } = restored();
    driver.messages();
    vi.runAllTimers();
    expect([driver.messages(), opened.mock.calls]).toEqual([[], []]);
    side.hear(0);
    vi.runAllTimers();
    expect([driver.messages(), opened.mock.calls]).toEqual([[[1, CONTROL.PORT_OPEN, 1]], [[true]]]);
  });

  test('it goes on where its outer end has the guest begin anew', () => {
    const { driver, opened, ports } = restored(true);
    driver.offer(inputQueue(1));
    expect([driver.messages(), opened.mock.calls, ports[1].input(bytes('again'))]).toEqual([[], [[true]], 5]);
  });
});
