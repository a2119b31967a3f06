import type { DescribedDevices } from '../boot/machine-tree.ts';
import { Bus } from '../devices/bus.ts';
import type {
  ConsoleWires,
  DeviceInstance,
  DeviceServices,
  DeviceSetting,
  Finish,
  HartInputs,
  InterruptController,
  InterruptFiles,
} from '../devices/descriptor.ts';
import type { Clock, RequestWitness } from '../devices/device.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { Network } from '../network/ethernet.ts';
import type { HostFolder } from '../shared-folders/host-folder.ts';
import type { ShortStorage, Storage } from '../storage/storage.ts';
import { afterChanges } from '../sync/guarded-words.ts';
import type { Recorder } from '../trace/recorder.ts';
import type { Control } from './control.ts';
import { DeviceEvents } from './device-events.ts';
import { type Part, partsOf } from './parts.ts';
import { type MachinePlan, settingOf } from './plan.ts';
import type { WorkerHost } from './thread.ts';
import { deviceNumber } from './trace/subject.ts';

/** The rest of the machine, as its devices see it in one thread. */
export interface DeviceSurroundings {
  readonly clock: Clock;
  /** The lines of the devices to a hart may have changed. */
  hartChanged(hart: number): void;
  finish(finish: Finish): void;
  /** A device, by its number in {@link Devices.instances}, has an event for its host's side. */
  tell(device: number, event: number): void;
  /** Makes an I/O thread look for work, where the machine has some. */
  readonly wakeIo: ((lane: number) => void) | undefined;
  openDrive(drive: number): Storage;
  openShortDrive(drive: number): ShortStorage | undefined;
  openShare(share: number): HostFolder;
  openNetwork(): Network;
  notice(text: string): void;
  /** Records interrupts and requests, if the machine is traced. */
  readonly trace?: Recorder | undefined;
}

/** A machine's devices, as one thread sees them. */
export interface Devices {
  readonly bus: Bus;
  readonly instances: readonly DeviceInstance[];
  readonly inputs: readonly HartInputs[];
  readonly console: ConsoleWires;
  /** The interrupt files of the harts, where they have any. */
  readonly interruptFiles: InterruptFiles | undefined;
}

/**
 * Makes this thread's device objects over the shared words of linear memory.
 * @param memory that of the thread's hart
 */
export function createDevices(
  memory: GuestMemory,
  plan: MachinePlan,
  surroundings: DeviceSurroundings,
): Devices {
  const parts = partsOf(plan);
  const wired: Wired = {};
  const create = (part: Part, index: number): DeviceInstance => {
    const instance = part.device.create(servicesFor(memory, plan, surroundings, part, index, wired));
    wired.controller ??= instance.controller;
    if (instance.interruptFiles !== undefined) wired.files = { ...part, files: instance.interruptFiles };
    return instance;
  };
  // The controller has no sources of its own, and its lines go to the others.
  const ordered = [...parts.entries()].sort(([, one], [, other]) => sourcesOf(one) - sourcesOf(other));
  const made = new Map(ordered.map(([index, part]) => [index, create(part, index)]));
  const instances = parts.map((_, index) => made.get(index)).filter((instance) => instance !== undefined);
  const bus = new Bus();
  for (const [index, { base }] of parts.entries()) bus.attach(base, instances[index].device);
  const console = instances.find((instance) => instance.console !== undefined)?.console;
  if (console === undefined) throw new Error('a machine has a console');
  return {
    bus,
    instances,
    inputs: instances.flatMap(({ inputs }) => inputs ?? []),
    console,
    interruptFiles: wired.files?.files,
  };
}

/** The services of devices beside the bus, once it is made. */
interface Wired {
  controller?: InterruptController | undefined;
  files?: { readonly base: number; readonly files: InterruptFiles };
}

function sourcesOf({ sources = [] }: Part): number {
  return sources.length;
}

function servicesFor(
  memory: GuestMemory,
  plan: MachinePlan,
  surroundings: DeviceSurroundings,
  { device, sources = [] }: Part,
  index: number,
  wired: Wired,
): DeviceServices {
  const { clock, hartChanged, finish, tell, wakeIo, openDrive, openShortDrive, openShare, openNetwork } =
    surroundings;
  const { notice, trace } = surroundings;
  return {
    ...settingOf(plan),
    ...{ openDrive, openShortDrive, openShare, openNetwork, notice },
    wakeIo: wakeIo === undefined ? undefined : (lane) => afterChanges(() => wakeIo(lane)),
    words: new Int32Array(memory.linear.buffer, plan.devices[index], device.wordsFor(plan)),
    memory,
    clock,
    line: (which = 0) => {
      const source = sources[which];
      if (wired.controller === undefined || source === undefined) {
        throw new Error(`${device.name} has no interrupt ${which} in this machine`);
      }
      return wired.controller.line(source);
    },
    // Interrupt files alone: they take no locks, so that no device can be made to wait for itself.
    msi: {
      send: (address, data) => wired.files?.files.receive(address - wired.files.base, data) ?? false,
      supervisorPage: (hart) =>
        wired.files === undefined ? 0 : wired.files.base + wired.files.files.supervisorPage(hart),
    },
    hartChanged: (hart) => afterChanges(() => hartChanged(hart)),
    finish,
    tell: (event) => tell(index, event),
    witness: trace,
    requests: trace && ((slot = 0) => requestsOf(trace, deviceNumber(index, slot))),
  };
}

function requestsOf(trace: Recorder, device: number): RequestWitness {
  return {
    now: () => trace.now(),
    request: (queue, began, head, written) => trace.request(device, queue, began, head, written),
  };
}

/** The lines that all devices hold up at a hart, of those that are wanted. */
export function linesOf(inputs: readonly HartInputs[], hart: number, wanted: number): number {
  let lines = 0;
  for (const input of inputs) lines |= input.lines(hart, wanted);
  return lines;
}

/** The devices as the device tree of a machine describes them. */
export function describeDevices(setting: DeviceSetting): DescribedDevices {
  const described = partsOf(setting).map(({ device, base, sources = [] }) =>
    device.describe({ ...setting, base, sources }),
  );
  const console = described.find((nodes) => nodes.console !== undefined)?.console;
  return {
    soc: described.flatMap(({ soc }) => soc),
    root: described.flatMap(({ root }) => root ?? []),
    ...(console === undefined ? {} : { console }),
  };
}

/** The way by which the devices of a thread tell the machine's owner of events. */
export function eventTeller(
  { memory, plan }: { readonly memory: WebAssembly.Memory; readonly plan: MachinePlan },
  host: Pick<WorkerHost, 'notify'>,
): (device: number, event: number) => void {
  const events = eventsOf(memory, plan);
  return (device, event) => {
    if (events.tell(device, event)) host.notify({ kind: 'device', device, event });
  };
}

/** The events of a machine's devices, as one thread sees them. */
export function eventsOf(memory: WebAssembly.Memory, plan: MachinePlan): DeviceEvents {
  const count = DeviceEvents.wordsFor(plan.devices.length);
  return new DeviceEvents(new Int32Array(memory.buffer, plan.deviceEvents, count));
}

const PAUSE_MS = 1;

/**
 * Puts one byte into the console's output; where there is no room, waits for a moment.
 *
 * @returns whether it was taken
 */
export function emitOne(console: ConsoleWires, byte: number): boolean {
  if (console.emit(Uint8Array.of(byte)) === 1) return true;
  waitForOthers();
  return console.emit(Uint8Array.of(byte)) === 1;
}

/**
 * Puts bytes into the console's output, and waits for room where there is none: the reader of the output may be slow.
 *
 * @param stand called while there is none, for the case that the machine is to be paused
 * @returns false if the machine ended meanwhile
 */
export function emitAll(
  console: ConsoleWires,
  bytes: Uint8Array,
  control: Control,
  stand: () => void,
): boolean {
  for (let rest = bytes; ; ) {
    rest = rest.subarray(console.emit(rest));
    if (rest.length === 0) return true;
    stand();
    if (!control.running) return false;
    waitForOthers();
  }
}

function waitForOthers(): void {
  // A word of our own that nobody notifies: a pause.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}
