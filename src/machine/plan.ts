import { memoryMap } from '../boot/machine-tree.ts';
import { Clint } from '../devices/clint/device.ts';
import { GoldfishRtc } from '../devices/goldfish-rtc/device.ts';
import { Plic } from '../devices/plic/device.ts';
import { Uart16550 } from '../devices/uart16550/device.ts';
import { hartAreaBytes } from '../hart/area.ts';
import type { RamWindow } from '../hart/platform.ts';
import { Scheduler } from '../hypervisor/scheduler.ts';
import { SoftwareEvents } from '../hypervisor/software-events.ts';
import { VCPU_AREA_BYTES } from '../hypervisor/vcpu-layout.ts';
import { CONTROL_BYTES } from './control.ts';

const WASM_PAGE = 0x1_0000;
/** RAM starts at such a boundary of linear memory, as guest superpages do. */
const RAM_ALIGNMENT = 0x20_0000;
const CACHE_LINE = 64;
/** Linear memory has 32-bit addresses. */
const LARGEST_MEMORY = 2 ** 32;
/** Decoded pages of 20 KiB for each hart: the code that a booting Linux runs fits twice. */
const CODE_PAGES = 2048;
/** Bytes of the process for compiled code, of all harts together; but a hart has so many at least. */
const CODE_BYTES = 192 << 20;
const LEAST_CODE_BYTES = 8 << 20;

/** What decides how linear memory is divided. */
export interface MachineShape {
  readonly kind: 'domain' | 'bare';
  /** Guest processors: vCPUs of a domain, harts of a bare machine. */
  readonly cpus: number;
  /** Threads with a hart each; a bare machine has one for each of its harts. */
  readonly pcpus: number;
  /** Guest RAM in bytes, a multiple of 4096. */
  readonly ramBytes: number;
}

/** Where everything is in linear memory: byte addresses. The same in every thread. */
export interface MachinePlan extends MachineShape {
  readonly control: number;
  readonly uart: number;
  readonly plic: number;
  readonly rtc: number;
  readonly clint: number;
  readonly scheduler: number;
  readonly events: number;
  readonly vcpus: readonly number[];
  readonly harts: readonly number[];
  readonly codePages: number;
  /** Bytes outside of linear memory that the compiled code of each hart may take. */
  readonly codeBytes: number;
  readonly ram: RamWindow;
  /** Linear memory in WebAssembly pages. */
  readonly pages: number;
}

/** Contexts of the interrupt controller: one a vCPU (S-mode), two a bare hart (M- and S-mode). */
export function plicContexts(shape: MachineShape): number {
  return shape.kind === 'domain' ? shape.cpus : shape.cpus * 2;
}

class Allocator {
  #next = CACHE_LINE;

  take(bytes: number, alignment = CACHE_LINE): number {
    const address = Math.ceil(this.#next / alignment) * alignment;
    this.#next = address + bytes;
    return address;
  }
}

/** Divides linear memory. @throws RangeError when it would take more than 4 GiB */
export function planMachine(shape: MachineShape): MachinePlan {
  const memory = new Allocator();
  const words = (count: number): number => memory.take(count * Int32Array.BYTES_PER_ELEMENT);
  const control = memory.take(CONTROL_BYTES);
  const uart = words(Uart16550.WORDS);
  const plic = words(Plic.wordsFor(plicContexts(shape)));
  const rtc = words(GoldfishRtc.WORDS);
  const clint = words(Clint.wordsFor(shape.cpus));
  const scheduler = words(Scheduler.wordsFor(shape.cpus));
  const events = words(SoftwareEvents.wordsFor(shape.cpus));
  const vcpus = Array.from({ length: shape.cpus }, () => memory.take(VCPU_AREA_BYTES));
  const harts = Array.from({ length: shape.pcpus }, () => memory.take(hartAreaBytes(CODE_PAGES), 4096));
  const offset = memory.take(shape.ramBytes, RAM_ALIGNMENT);
  const bytes = offset + shape.ramBytes;
  if (bytes > LARGEST_MEMORY) {
    throw new RangeError(`${bytes} bytes of linear memory are needed, and 4 GiB is the limit`);
  }
  return {
    ...shape,
    control,
    uart,
    plic,
    rtc,
    clint,
    scheduler,
    events,
    vcpus,
    harts,
    codePages: CODE_PAGES,
    codeBytes: Math.max(LEAST_CODE_BYTES, Math.floor(CODE_BYTES / Math.max(1, shape.pcpus))),
    ram: { base: memoryMap.ramBase, size: shape.ramBytes, offset },
    pages: Math.ceil(bytes / WASM_PAGE),
  };
}

/** The most RAM, in bytes, that a machine of this shape can have; whole mebibytes. */
export function maximumMemory(shape: Omit<MachineShape, 'ramBytes'>): number {
  const { ram } = planMachine({ ...shape, ramBytes: 0 });
  return Math.floor((LARGEST_MEMORY - ram.offset) / 2 ** 20) * 2 ** 20;
}
