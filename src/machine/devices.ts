import { interruptSource, memoryMap } from '../boot/machine-tree.ts';
import { Bus } from '../devices/bus.ts';
import { Clint } from '../devices/clint/device.ts';
import type { Clock } from '../devices/device.ts';
import { GoldfishRtc } from '../devices/goldfish-rtc/device.ts';
import { Plic } from '../devices/plic/device.ts';
import { type Finish, TestFinisher } from '../devices/test-finisher/device.ts';
import { Uart16550 } from '../devices/uart16550/device.ts';
import type { DeviceSpace } from '../hart/platform.ts';
import type { Control } from './control.ts';
import { type MachinePlan, plicContexts } from './plan.ts';

/** What devices tell the rest of the machine, in the thread where it happens. */
export interface DeviceEvents {
  /** The level of an interrupt controller context may have changed. */
  contextChanged(context: number): void;
  /** A bare hart's software or timer interrupt may have changed. */
  coreLocalChanged(hart: number): void;
  finish(finish: Finish): void;
  output(): void;
  inputSpace(): void;
  alarm(): void;
}

/** A machine's devices, as one thread sees them. */
export interface Devices {
  readonly bus: Bus;
  readonly uart: Uart16550;
  readonly plic: Plic;
  readonly rtc: GoldfishRtc;
  /** Bare machines only. */
  readonly clint: Clint | undefined;
}

/** Makes this thread's device objects over the shared words of linear memory. */
export function createDevices(
  memory: WebAssembly.Memory,
  plan: MachinePlan,
  clock: Clock,
  events: DeviceEvents,
): Devices {
  const words = (address: number, count: number): Int32Array => new Int32Array(memory.buffer, address, count);
  const contexts = plicContexts(plan);
  const plic = new Plic(words(plan.plic, Plic.wordsFor(contexts)), {
    contexts,
    onContextChange: (context) => events.contextChanged(context),
  });
  const uart = new Uart16550(words(plan.uart, Uart16550.WORDS), {
    irq: plic.line(interruptSource.uart),
    onOutput: () => events.output(),
    onInputSpace: () => events.inputSpace(),
    holdInput: plan.kind === 'domain',
  });
  const rtc = new GoldfishRtc(words(plan.rtc, GoldfishRtc.WORDS), {
    irq: plic.line(interruptSource.rtc),
    clock,
    onAlarmChange: () => events.alarm(),
  });
  const bus = new Bus();
  bus.attach(memoryMap.uart.base, uart);
  bus.attach(memoryMap.plic.base, plic);
  bus.attach(memoryMap.rtc.base, rtc);
  bus.attach(memoryMap.testFinisher.base, new TestFinisher((finish) => events.finish(finish)));
  let clint: Clint | undefined;
  if (plan.kind === 'bare') {
    clint = new Clint(words(plan.clint, Clint.wordsFor(plan.cpus)), {
      harts: plan.cpus,
      clock,
      onChange: (hart) => events.coreLocalChanged(hart),
    });
    bus.attach(memoryMap.clint.base, clint);
  }
  return { bus, uart, plic, rtc, clint };
}

const PAUSE_MS = 1;

/**
 * Puts bytes into the console's output, and waits for room where there is none: whoever shows the output may be slow.
 *
 * @returns false if the machine ended meanwhile
 */
export function emitAll(uart: Uart16550, bytes: Uint8Array, control: Control): boolean {
  for (let rest = bytes; ; ) {
    rest = rest.subarray(uart.emit(rest));
    if (rest.length === 0) return true;
    if (!control.running) return false;
    // A word of our own that nobody notifies: a pause.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
}

/** The bus as a hart sees it. */
export function deviceSpace(bus: Bus): DeviceSpace {
  return {
    read: (address, width) => isWidth(width) && bus.read(address, width),
    write: (address, width, low, high) => isWidth(width) && bus.write(address, width, low, high),
    get low() {
      return bus.lo;
    },
    get high() {
      return bus.hi;
    },
  };
}

function isWidth(width: number): width is 1 | 2 | 4 | 8 {
  return width === 1 || width === 2 || width === 4 || width === 8;
}
