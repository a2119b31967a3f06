import type { DeviceSetting } from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import { hartAreaBytes } from '../hart/area.ts';
import { EXCLUSION } from '../hart/exclusion.ts';
import { Scheduler } from '../hypervisor/scheduler.ts';
import { SoftwareEvents } from '../hypervisor/software-events.ts';
import { VCPU_AREA_BYTES } from '../hypervisor/vcpu-layout.ts';
import type { RamWindow } from '../memory/guest-memory.ts';
import { HartWords } from './bare/hart-words.ts';
import { CONTROL_BYTES } from './control.ts';
import { DebugWords } from './debug/debug-words.ts';
import { DeviceEvents } from './device-events.ts';
import { partsOf, RAM_BASE } from './parts.ts';

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

/** The facts that decide how linear memory is divided. */
export interface MachineShape<Kind extends 'domain' | 'bare' = 'domain' | 'bare'> extends DeviceSetting {
  readonly kind: Kind;
  /** Threads with a hart each; a bare machine has one for each of its harts. */
  readonly pcpus: number;
  /** Guest RAM in bytes, a multiple of 4096. */
  readonly ramBytes: number;
}

/** Where everything that all machines have is in linear memory: byte addresses. The same in every thread. */
interface CommonPlan extends MachineShape {
  readonly control: number;
  /** The words of each device, as `partsOf` lists them. */
  readonly devices: readonly number[];
  readonly deviceEvents: number;
  /** {@link EXCLUSION} */
  readonly exclusion: number;
  /** {@link DebugWords} */
  readonly debug: number;
  readonly harts: readonly number[];
  readonly codePages: number;
  /** Bytes outside of linear memory that the compiled code of each hart may take. */
  readonly codeBytes: number;
  readonly ram: RamWindow;
  /** Linear memory in WebAssembly pages. */
  readonly pages: number;
}

/** The same with the parts of a domain. */
export interface DomainPlan extends CommonPlan {
  readonly kind: 'domain';
  readonly scheduler: number;
  readonly events: number;
  readonly vcpus: readonly number[];
}

/** The same with the parts of a bare machine. */
export interface BarePlan extends CommonPlan {
  readonly kind: 'bare';
  /** {@link HartWords} of each hart. */
  readonly hartWords: readonly number[];
}

export type MachinePlan = DomainPlan | BarePlan;

class Allocator {
  #next = CACHE_LINE;

  take(bytes: number, alignment = CACHE_LINE): number {
    const address = Math.ceil(this.#next / alignment) * alignment;
    this.#next = address + bytes;
    return address;
  }

  takeWords(count: number): number {
    return this.take(count * Int32Array.BYTES_PER_ELEMENT);
  }
}

type OfKind = Omit<DomainPlan, keyof CommonPlan> | Omit<BarePlan, keyof CommonPlan>;

function planKind({ kind, cpus }: MachineShape, memory: Allocator): OfKind {
  const each = (bytes: number): number[] => Array.from({ length: cpus }, () => memory.take(bytes));
  if (kind === 'bare') return { hartWords: each(HartWords.BYTES) };
  return {
    scheduler: memory.takeWords(Scheduler.wordsFor(cpus)),
    events: memory.takeWords(SoftwareEvents.wordsFor(cpus)),
    vcpus: each(VCPU_AREA_BYTES),
  };
}

/** Divides linear memory. @throws RangeError when it would take more than 4 GiB */
export function planMachine(shape: MachineShape<'domain'>): DomainPlan;
export function planMachine(shape: MachineShape<'bare'>): BarePlan;
export function planMachine(shape: MachineShape): MachinePlan;
export function planMachine(shape: MachineShape): MachinePlan {
  const memory = new Allocator();
  const control = memory.take(CONTROL_BYTES);
  const parts = partsOf(shape);
  const devices = parts.map(({ device }) => memory.takeWords(device.wordsFor(shape)));
  const deviceEvents = memory.takeWords(DeviceEvents.wordsFor(parts.length));
  const exclusion = memory.take(EXCLUSION.bytes);
  const debug = memory.takeWords(DebugWords.wordsFor(shape.cpus));
  const ofKind = planKind(shape, memory);
  const harts = Array.from({ length: shape.pcpus }, () => memory.take(hartAreaBytes(CODE_PAGES), 4096));
  const offset = memory.take(shape.ramBytes, RAM_ALIGNMENT);
  const bytes = offset + shape.ramBytes;
  if (bytes > LARGEST_MEMORY) {
    throw new RangeError(`${bytes} bytes of linear memory are needed, and 4 GiB is the limit`);
  }
  return {
    ...shape,
    control,
    devices,
    deviceEvents,
    exclusion,
    debug,
    ...ofKind,
    harts,
    codePages: CODE_PAGES,
    codeBytes: Math.max(LEAST_CODE_BYTES, Math.floor(CODE_BYTES / Math.max(1, shape.pcpus))),
    ram: { base: RAM_BASE, size: shape.ramBytes, offset },
    pages: Math.ceil(bytes / WASM_PAGE),
  } as MachinePlan;
}

/**
 * Linear memory for a plan, all zeroes.
 *
 * @throws InputError when the host has not that much, or does not give it to one program
 */
export function memoryFor({ pages }: MachinePlan): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(
      `This host does not give the machine ${Math.ceil((pages * WASM_PAGE) / 2 ** 20)} MiB of memory. Give the guest less, ` +
        'or end other machines of this program.',
    );
  }
}

/** Those facts of a machine that its devices may know. */
export function settingOf({
  kind,
  cpus,
  aia = 'none',
  aiaGuests = 0,
  drives = [],
  ports = [],
  shares = [],
  virtio = 'pci',
  network,
  vsock,
  balloon = false,
}: DeviceSetting): DeviceSetting {
  return {
    ...{ kind, cpus, aia, aiaGuests, drives, shares, ports, virtio, balloon },
    ...(network === undefined ? {} : { network }),
    ...(vsock === undefined ? {} : { vsock }),
  };
}

/** The most RAM, in bytes, that a machine of this shape can have; whole mebibytes. */
export function maximumMemory(shape: Omit<MachineShape, 'ramBytes'>): number {
  const { ram } = planMachine({ ...shape, ramBytes: 0 });
  return Math.floor((LARGEST_MEMORY - ram.offset) / 2 ** 20) * 2 ** 20;
}
