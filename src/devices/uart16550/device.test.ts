import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Uart16550, type Uart16550Wiring } from './device.ts';
import { FCR, FIFO_SIZE, IER, IIR, LCR, LSR, MCR, MSR, REG } from './registers.ts';
import { INPUT_CAPACITY, LOOKS_WITHOUT_ANSWER, OUTPUT_CAPACITY, OUTPUT_SLACK } from './words.ts';

const THRE_TEMT = LSR.HOLDING_EMPTY | LSR.TRANSMITTER_EMPTY;
let level = false;
let outputCalls = 0;
let spaceCalls = 0;

function makeUart(extra: Partial<Uart16550Wiring> = {}): Uart16550 {
  level = false;
  outputCalls = 0;
  spaceCalls = 0;
  return new Uart16550(new Int32Array(new SharedArrayBuffer(4 * Uart16550.WORDS)), {
    irq: {
      set(value) {
        level = value;
      },
    },
    onOutput() {
      outputCalls++;
    },
    onInputSpace() {
      spaceCalls++;
    },
    ...extra,
  });
}

const text = (value: string) => new TextEncoder().encode(value);
let uart = makeUart();
const get = (offset: number) => uart.read(offset, 1);
const put = (offset: number, value: number) => uart.write(offset, 1, value);

function readAvailable(): number[] {
  const bytes: number[] = [];
  while ((get(REG.LSR) & LSR.DATA_READY) !== 0) bytes.push(get(REG.RBR));
  return bytes;
}

beforeEach(() => {
  uart = makeUart();
});

describe('registers', () => {
  test('power-on values', () => {
    expect([REG.RBR, REG.IER, REG.IIR, REG.LCR, REG.MCR, REG.LSR, REG.MSR, REG.SCR].map(get)).toEqual([
      0,
      0,
      IIR.NONE,
      0,
      0,
      THRE_TEMT,
      MSR.CTS | MSR.DSR | MSR.DCD,
      0,
    ]);
    expect(level).toBe(false);
  });

  test('scratch and line control keep eight bits, IER four, MCR five', () => {
    for (const [register, kept] of [
      [REG.SCR, 0xff],
      [REG.LCR, 0x7f],
      [REG.IER, 0x0f],
      [REG.MCR, 0x1f],
    ] as const) {
      put(register, 0xff & (register === REG.LCR ? 0x7f : 0xff));
      expect(get(register)).toBe(kept);
      put(register, 0);
      expect(get(register)).toBe(0);
    }
  });

  test('the divisor latch hides behind DLAB and leaves the other registers alone', () => {
    put(REG.IER, 0x05);
    put(REG.LCR, LCR.DLAB | 3);
    put(REG.DLL, 0x34);
    put(REG.DLM, 0x12);
    expect([get(REG.DLL), get(REG.DLM)]).toEqual([0x34, 0x12]);
    put(REG.LCR, 3);
    expect(get(REG.IER)).toBe(0x05);
    expect(uart.drain()).toHaveLength(0);
  });

  test('wide accesses reach one register, and offsets beyond the registers nothing', () => {
    uart.write(REG.SCR, 1, 0x5a);
    uart.write(REG.MCR, 4, 0xffff_ff03);
    expect(uart.read(REG.MCR, 4)).toBe(3);
    expect(get(REG.SCR)).toBe(0x5a);
    put(8, 0xff);
    put(0xff, 0xff);
    expect([uart.read(8, 4), get(0xff)]).toEqual([0, 0]);
    expect(uart.drain()).toHaveLength(0);
  });

  test('writes to LSR and MSR do nothing', () => {
    put(REG.LSR, 0);
    put(REG.MSR, 0);
    expect([get(REG.LSR), get(REG.MSR)]).toEqual([THRE_TEMT, MSR.CTS | MSR.DSR | MSR.DCD]);
  });
});

describe("the probes of Linux's 8250 driver", () => {
  test('interrupt enable bits read back (autoconfig)', () => {
    put(REG.IER, 0);
    expect(get(REG.IER)).toBe(0);
    put(REG.IER, 0x0f);
    expect(get(REG.IER)).toBe(0x0f);
  });

  test('loopback shows RTS and OUT2 as CTS and DCD (autoconfig)', () => {
    put(REG.MCR, MCR.LOOPBACK | MCR.OUT2 | MCR.RTS);
    expect(get(REG.MSR) & 0xf0).toBe(MSR.DCD | MSR.CTS);
    put(REG.MCR, MCR.LOOPBACK | MCR.OUT1 | MCR.DTR);
    expect(get(REG.MSR) & 0xf0).toBe(MSR.RING | MSR.DSR);
  });

  test('enabled FIFOs show in IIR bits 7:6, and no 64-byte FIFO does (autoconfig)', () => {
    put(REG.FCR, FCR.ENABLE);
    expect(get(REG.IIR) >> 5).toBe(6);
    put(REG.LCR, LCR.DLAB);
    put(REG.FCR, FCR.ENABLE | 0x20);
    put(REG.LCR, 0);
    expect(get(REG.IIR) >> 5).toBe(6);
    put(REG.FCR, 0);
    expect(get(REG.IIR)).toBe(IIR.NONE);
  });

  test('the looped-back FIFO holds 16 bytes (size_fifo)', () => {
    put(REG.FCR, FCR.ENABLE | FCR.CLEAR_RECEIVER | FCR.CLEAR_TRANSMITTER);
    put(REG.MCR, MCR.LOOPBACK);
    for (let byte = 0; byte < 256; byte++) put(REG.THR, byte);
    expect(get(REG.LSR)).toBe(THRE_TEMT | LSR.OVERRUN | LSR.DATA_READY);
    expect(readAvailable()).toEqual(Array.from({ length: FIFO_SIZE }, (_, index) => index));
    expect(uart.drain()).toHaveLength(0);
  });

  test('enabling the transmitter interrupt reasserts it each time (THRE and TXEN tests)', () => {
    for (let round = 0; round < 2; round++) {
      put(REG.IER, IER.TRANSMITTER_EMPTY);
      expect(level).toBe(true);
      expect(get(REG.IIR)).toBe(IIR.TRANSMITTER_EMPTY);
      expect(get(REG.IIR)).toBe(IIR.NONE);
      expect(level).toBe(false);
      put(REG.IER, 0);
    }
  });
});

describe('transmitter', () => {
  test('bytes come out in order and the consumer is told once a batch', () => {
    for (const byte of text('hello')) put(REG.THR, byte);
    expect(outputCalls).toBe(1);
    expect(uart.drain()).toEqual(text('hello'));
    put(REG.THR, 0x21);
    expect(outputCalls).toBe(2);
    expect(uart.drain()).toEqual(text('!'));
  });

  test('each byte raises the empty interrupt again', () => {
    put(REG.IER, IER.TRANSMITTER_EMPTY);
    get(REG.IIR);
    put(REG.THR, 0x41);
    expect(level).toBe(true);
    expect(get(REG.IIR)).toBe(IIR.TRANSMITTER_EMPTY);
  });

  test('that is never answered but by looks at LSR falls silent, until there is something new', () => {
    put(REG.IER, IER.TRANSMITTER_EMPTY);
    for (let look = 1; look < LOOKS_WITHOUT_ANSWER; look++) get(REG.LSR);
    // Whoever uses other registers is no such driver.
    get(REG.SCR);
    for (let look = 1; look < LOOKS_WITHOUT_ANSWER; look++) get(REG.LSR);
    expect(level).toBe(true);
    get(REG.LSR);
    expect([level, get(REG.IIR)]).toEqual([false, IIR.NONE]);
    put(REG.THR, 65);
    expect(level).toBe(true);
  });

  test('with a full ring THRE falls before a byte can be lost, and draining raises it with the interrupt', () => {
    put(REG.IER, IER.TRANSMITTER_EMPTY);
    let sent = 0;
    // A driver that looks at THRE once for each FIFO's worth of bytes.
    while ((get(REG.LSR) & LSR.HOLDING_EMPTY) !== 0 && sent < 2 * OUTPUT_CAPACITY) {
      for (let index = 0; index < FIFO_SIZE; index++) put(REG.THR, sent++ & 0xff);
    }
    expect(get(REG.LSR) & THRE_TEMT).toBe(0);
    expect(get(REG.IIR)).toBe(IIR.NONE);
    expect(level).toBe(false);
    // The second one at half of the ring.
    expect(outputCalls).toBe(2);
    put(REG.IER, 0);
    put(REG.IER, IER.TRANSMITTER_EMPTY);
    expect(level).toBe(false);

    // Linux writes on after 10 ms without THRE: those bytes are kept too.
    for (let index = 0; index < 4000; index++) put(REG.THR, sent++ & 0xff);
    expect(get(REG.IIR)).toBe(IIR.NONE);

    const bytes = uart.drain();
    expect(bytes).toHaveLength(sent);
    expect(sent).toBeGreaterThan(OUTPUT_CAPACITY - OUTPUT_SLACK);
    expect(bytes.every((byte, index) => byte === (index & 0xff))).toBe(true);
    expect(level).toBe(true);
    expect(get(REG.LSR) & THRE_TEMT).toBe(THRE_TEMT);
    expect(get(REG.IIR)).toBe(IIR.TRANSMITTER_EMPTY);
  });

  test('draining without having stalled raises nothing', () => {
    put(REG.IER, IER.TRANSMITTER_EMPTY);
    put(REG.THR, 0x41);
    get(REG.IIR);
    uart.drain();
    expect(level).toBe(false);
  });
});

describe('receiver', () => {
  test('the line is up from the first byte to the last read', () => {
    put(REG.FCR, FCR.ENABLE);
    put(REG.IER, IER.RECEIVED);
    expect(uart.receive(text('ab'))).toBe(2);
    expect(level).toBe(true);
    expect(get(REG.RBR)).toBe(0x61);
    expect(level).toBe(true);
    expect(get(REG.RBR)).toBe(0x62);
    expect(level).toBe(false);
    expect(get(REG.LSR)).toBe(THRE_TEMT);
    expect(get(REG.RBR)).toBe(0);
  });

  test.each([
    [0, 1],
    [1, 4],
    [2, 8],
    [3, 14],
  ])('trigger setting %i: %i bytes are data, fewer are a timeout', (setting, trigger) => {
    put(REG.FCR, FCR.ENABLE | (setting << FCR.TRIGGER_SHIFT));
    put(REG.IER, IER.RECEIVED);
    uart.receive(new Uint8Array(trigger));
    expect(get(REG.IIR)).toBe(IIR.FIFOS_ENABLED | IIR.RECEIVED);
    get(REG.RBR);
    const rest = trigger === 1 ? IIR.NONE : IIR.CHARACTER_TIMEOUT;
    expect(get(REG.IIR)).toBe(IIR.FIFOS_ENABLED | rest);
  });

  test('without FIFOs bytes arrive one at a time', () => {
    put(REG.IER, IER.RECEIVED);
    uart.receive(text('xyz'));
    expect(get(REG.IIR)).toBe(IIR.RECEIVED);
    expect(readAvailable()).toEqual([...text('xyz')]);
  });

  test('received data outranks the transmitter, which is not acknowledged by it', () => {
    put(REG.IER, IER.RECEIVED | IER.TRANSMITTER_EMPTY);
    uart.receive(text('a'));
    expect(get(REG.IIR)).toBe(IIR.RECEIVED);
    get(REG.RBR);
    expect(get(REG.IIR)).toBe(IIR.TRANSMITTER_EMPTY);
  });

  test('clearing the FIFO drops what is in it and not what is on the wire', () => {
    put(REG.FCR, FCR.ENABLE);
    uart.receive(Uint8Array.from({ length: 40 }, (_, index) => index));
    put(REG.FCR, FCR.ENABLE | FCR.CLEAR_RECEIVER);
    expect(readAvailable()[0]).toBe(FIFO_SIZE);
    put(REG.FCR, 0);
    expect(get(REG.LSR) & LSR.DATA_READY).toBe(0);
  });

  test('FCR bits without bit 0 do nothing', () => {
    put(REG.FCR, FCR.ENABLE | 0xc0);
    put(REG.FCR, 0);
    uart.receive(text('a'));
    put(REG.FCR, FCR.CLEAR_RECEIVER);
    expect(readAvailable()).toEqual([...text('a')]);
  });

  test('a full wire takes no more and asks for the rest when there is room', () => {
    const input = Uint8Array.from({ length: INPUT_CAPACITY + 1000 }, (_, index) => index % 251);
    let given = uart.receive(input);
    expect(given).toBeLessThan(input.length);
    const seen: number[] = [];
    while ((get(REG.LSR) & LSR.DATA_READY) !== 0) {
      seen.push(get(REG.RBR));
      if (spaceCalls > 0 && given < input.length) {
        spaceCalls = 0;
        given += uart.receive(input.subarray(given));
      }
    }
    expect(seen).toEqual([...input]);
    expect(spaceCalls).toBe(0);
  });

  test('overrun is reported once, and by an interrupt', () => {
    put(REG.IER, IER.LINE_STATUS);
    put(REG.MCR, MCR.LOOPBACK);
    put(REG.THR, 1);
    put(REG.THR, 2);
    expect(level).toBe(true);
    expect(get(REG.IIR)).toBe(IIR.LINE_STATUS);
    expect(get(REG.LSR) & LSR.OVERRUN).toBe(LSR.OVERRUN);
    expect(level).toBe(false);
    expect(get(REG.LSR) & LSR.OVERRUN).toBe(0);
    expect(get(REG.RBR)).toBe(2);
  });

  test('input waits for the end of loopback', () => {
    put(REG.MCR, MCR.LOOPBACK);
    uart.receive(text('a'));
    expect(get(REG.LSR) & LSR.DATA_READY).toBe(0);
    put(REG.MCR, 0);
    expect(readAvailable()).toEqual([...text('a')]);
  });

  test('held input survives the start-up of the Linux driver', () => {
    uart = makeUart({ holdInput: true });
    uart.receive(text('ls\n'));
    put(REG.FCR, FCR.ENABLE | FCR.CLEAR_RECEIVER | FCR.CLEAR_TRANSMITTER);
    put(REG.FCR, 0);
    expect([get(REG.LSR), get(REG.RBR)]).toEqual([THRE_TEMT, 0]);
    put(REG.FCR, FCR.ENABLE);
    expect(level).toBe(false);
    put(REG.IER, IER.RECEIVED | IER.LINE_STATUS);
    expect(level).toBe(true);
    expect(readAvailable()).toEqual([...text('ls\n')]);
  });

  test('held input survives a driver that listens before it enables the FIFOs, and one that closes the port', () => {
    uart = makeUart({ holdInput: true });
    uart.receive(text('nproc\n'));
    put(REG.IER, IER.RECEIVED | IER.LINE_STATUS);
    put(REG.FCR, FCR.ENABLE);
    put(REG.FCR, FCR.ENABLE);
    expect(get(REG.RBR)).toBe(text('n')[0]);
    put(REG.IER, 0);
    put(REG.FCR, FCR.ENABLE | FCR.CLEAR_RECEIVER | FCR.CLEAR_TRANSMITTER);
    put(REG.FCR, 0);
    expect([get(REG.LSR), get(REG.RBR)]).toEqual([THRE_TEMT, 0]);
    put(REG.IER, IER.RECEIVED);
    put(REG.FCR, FCR.ENABLE);
    expect(readAvailable()).toEqual([...text('proc\n')]);
  });
});

describe('modem status', () => {
  test('changes of the looped-back outputs are latched, raise an interrupt and clear on reading', () => {
    put(REG.MCR, MCR.LOOPBACK);
    get(REG.MSR);
    put(REG.IER, IER.MODEM_STATUS);
    expect(level).toBe(false);
    put(REG.MCR, MCR.LOOPBACK | MCR.RTS | MCR.OUT1);
    expect(level).toBe(true);
    expect(get(REG.IIR)).toBe(IIR.MODEM_STATUS);
    expect(get(REG.MSR)).toBe(MSR.CTS | MSR.RING | MSR.CTS_CHANGED);
    expect(level).toBe(false);
    put(REG.MCR, MCR.LOOPBACK | MCR.RTS);
    expect(get(REG.MSR)).toBe(MSR.CTS | MSR.RING_ENDED);
  });
});

describe('reset, save and restore', () => {
  test('a reset clears the chip and keeps what is on the cable', () => {
    put(REG.SCR, 1);
    put(REG.IER, IER.TRANSMITTER_EMPTY);
    put(REG.THR, 0x41);
    expect(level).toBe(true);
    uart.reset();
    expect(level).toBe(false);
    expect([get(REG.SCR), get(REG.IER), get(REG.LSR)]).toEqual([0, 0, THRE_TEMT]);
    expect(uart.drain()).toEqual(text('A'));
  });

  test('a restored port behaves as the saved one', () => {
    put(REG.FCR, FCR.ENABLE);
    put(REG.IER, IER.RECEIVED);
    uart.receive(text('abc'));
    const saved = structuredClone(uart.save());
    uart = makeUart();
    uart.restore(saved);
    expect(level).toBe(true);
    expect(readAvailable()).toEqual([...text('abc')]);
    expect(() => uart.restore({ device: 'plic', words: saved.words })).toThrow(/same configuration/);
    expect(() => uart.restore({ device: 'uart16550', words: [1] })).toThrow(/same configuration/);
  });
});

test('whatever the guest does, the line is up exactly when IIR names an interrupt', () => {
  const step = fc.oneof(
    fc.record({ offset: fc.nat(9), value: fc.nat(255) }),
    fc.record({ offset: fc.nat(9) }),
    fc.record({ input: fc.uint8Array({ maxLength: 20 }) }),
    fc.constant({ drain: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      uart = makeUart();
      for (const action of steps) {
        if ('input' in action) uart.receive(action.input);
        else if ('drain' in action) uart.drain();
        else if ('value' in action) put(action.offset, action.value);
        else get(action.offset);
      }
      const before = level;
      expect((get(REG.IIR) & 1) === 0).toBe(before);
    }),
  );
});
