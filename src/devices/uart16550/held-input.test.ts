import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Uart16550 } from './device.ts';
import { FCR, IER, LCR, LSR, MCR, REG } from './registers.ts';
import { OUTPUT_CAPACITY, OUTPUT_SLACK, POLLS_FOR_INPUT } from './words.ts';

const text = (value: string) => [...new TextEncoder().encode(value)];
const type = (value: string) => uart.receive(new TextEncoder().encode(value));
let uart: Uart16550;
const get = (offset: number) => uart.read(offset, 1);
const put = (offset: number, value: number) => uart.write(offset, 1, value);
const ready = () => (get(REG.LSR) & LSR.DATA_READY) !== 0;

beforeEach(() => {
  uart = new Uart16550(new Int32Array(new SharedArrayBuffer(4 * Uart16550.WORDS)), {
    irq: { set: () => undefined },
    holdInput: true,
  });
});

/** Polls as firmware does, a bounded number of times. */
function poll(count: number, times = 1000): number[] {
  const bytes: number[] = [];
  for (let look = 0; look < times && bytes.length < count; look++) if (ready()) bytes.push(get(REG.RBR));
  return bytes;
}

const clearFifos = () => {
  put(REG.FCR, FCR.ENABLE);
  put(REG.FCR, FCR.ENABLE | FCR.CLEAR_RECEIVER | FCR.CLEAR_TRANSMITTER);
  put(REG.FCR, 0);
};
const clearInterrupts = () => {
  for (const register of [REG.LSR, REG.RBR, REG.IIR, REG.MSR]) get(register);
};
const testTransmitter = () => {
  get(REG.LSR);
  put(REG.IER, IER.TRANSMITTER_EMPTY);
  get(REG.IIR);
  put(REG.IER, 0);
};

/** The work of Linux with the port, from drivers/tty/serial/8250/8250_port.c, as far as it matters to input. */
const linux: Readonly<Record<string, () => void>> = {
  autoconfig() {
    put(REG.IER, 0);
    put(REG.MCR, MCR.LOOPBACK | 0x0a);
    get(REG.MSR);
    put(REG.MCR, 0);
    put(REG.LCR, 0);
    put(REG.FCR, FCR.ENABLE);
    get(REG.IIR);
    clearFifos();
    get(REG.RBR);
    put(REG.IER, 0);
  },
  startup() {
    clearFifos();
    clearInterrupts();
    get(REG.LSR);
    testTransmitter();
    put(REG.LCR, 3);
    put(REG.MCR, MCR.OUT2);
    testTransmitter();
    clearInterrupts();
  },
  /** Opens the port, and closes it without having read. */
  openAndClose() {
    linux.startup();
    put(REG.IER, IER.RECEIVED | IER.LINE_STATUS);
    put(REG.LCR, LCR.DLAB | 3);
    put(REG.LCR, 3);
    put(REG.FCR, FCR.ENABLE | 0x80);
    put(REG.IER, 0);
    put(REG.MCR, 0);
    clearFifos();
    get(REG.RBR);
  },
  consoleWrite() {
    put(REG.IER, 0);
    for (const byte of text('[    0.1] x\r\n')) {
      get(REG.LSR);
      put(REG.THR, byte);
    }
    get(REG.LSR);
    put(REG.IER, 0);
  },
  /** In a FIFO's worth at a time. */
  consoleFifoWrite() {
    put(REG.IER, 0);
    get(REG.LSR);
    for (const byte of text('0123456789abcdef')) put(REG.THR, byte);
    get(REG.LSR);
    put(REG.IER, 0);
  },
  /** earlycon=uart8250: LSR behind each byte, and no control register. */
  earlyWrite() {
    for (const byte of text('early\r\n')) {
      put(REG.THR, byte);
      get(REG.LSR);
    }
  },
  /** A driver that waits on both sides of a byte, and throws away what it finds when it starts. */
  otherSystem() {
    for (const byte of text('a line of another system\r\n')) {
      get(REG.LSR);
      put(REG.THR, byte);
      get(REG.LSR);
    }
    while (ready()) get(REG.RBR);
  },
};

test('whatever Linux does with the port before it listens, no byte of input is lost', () => {
  const step = fc.oneof(
    fc.constantFrom(...Object.keys(linux)).map((name) => ({ act: linux[name], typed: '' })),
    fc.string({ maxLength: 4 }).map((typed) => ({ act: () => type(typed), typed })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      uart.reset();
      uart.takeInput(1000);
      for (const { act } of steps) {
        act?.();
        uart.drain();
      }
      linux.startup?.();
      put(REG.IER, IER.RECEIVED);
      put(REG.FCR, FCR.ENABLE | 0x80);
      const all = text(steps.map(({ typed }) => typed).join(''));
      expect(poll(all.length + 1)).toEqual(all);
    }),
    { seed: 16550, numRuns: 300 },
  );
});

test('two processors that start the port and print at the same time lose nothing', () => {
  type('ls\n');
  // Each starts with a control register, so looks of the one add to those of the other only in between.
  for (const [one, other] of [
    [REG.LSR, REG.LSR],
    [REG.RBR, REG.LSR],
    [REG.LSR, REG.LSR],
    [REG.LSR, REG.RBR],
  ] as const) {
    get(one);
    get(other);
  }
  put(REG.IER, IER.RECEIVED);
  expect(poll(3)).toEqual(text('ls\n'));
});

describe('a guest that polls', () => {
  test('sees input although it enables no interrupt', () => {
    put(REG.IER, 0);
    put(REG.FCR, 7);
    put(REG.LCR, 3);
    type('hello');
    expect(poll(6)).toEqual(text('hello'));
  });

  test('sees input that comes after it has begun to poll, also without FIFOs and in long pieces', () => {
    expect(poll(1)).toEqual([]);
    const long = 'abcdefghij'.repeat(20);
    expect([type(long), poll(200)]).toEqual([200, text(long)]);
  });

  test('may print what it reads, and between looks', () => {
    poll(1, POLLS_FOR_INPUT);
    type('echo');
    for (const byte of text('echo')) {
      expect(poll(1)).toEqual([byte]);
      get(REG.LSR);
      put(REG.THR, byte);
    }
    expect(new TextDecoder().decode(uart.drain())).toBe('echo');
  });

  test('may stop, and Linux after it gets what was not read', () => {
    type('boot\nroot\n');
    expect(poll(5)).toEqual(text('boot\n'));
    linux.autoconfig?.();
    linux.startup?.();
    put(REG.IER, IER.RECEIVED);
    expect(poll(6)).toEqual(text('root\n'));
  });

  test('is not one that waits for a slow reader of its output', () => {
    type('x');
    for (let count = 0; count < OUTPUT_CAPACITY - OUTPUT_SLACK + 1; count++) put(REG.THR, 46);
    for (let look = 0; look < 2 * POLLS_FOR_INPUT; look++) expect(get(REG.LSR)).toBe(0);
    uart.drain();
    expect(ready()).toBe(false);
    expect(poll(1)).toEqual(text('x'));
  });
});
