import { type DeviceInstance, EVENT_LANE } from '../../devices/descriptor.ts';
import type { Recorder } from '../../trace/recorder.ts';
import { HartWords } from '../bare/hart-words.ts';
import type { Control } from '../control.ts';
import { createScheduler, createVcpus } from '../domain/vcpus.ts';
import type { BareStart, IoStart, KeptByDevice, PcpuStart, WorkerHost } from '../thread.ts';
import { ThreadFrame } from '../thread-frame.ts';

/** A thread that waits looks again after this time, in milliseconds; nothing depends on it. */
const LONGEST_SLEEP_MS = 60_000;

/**
 * The life of a thread that does long work for the machine's devices: one carries frames between the guest and the
 * network, one serves shared folders, the others read and write the files of one drive each.
 */
export async function runIo({ of, lane, kept = [] }: IoStart, host: WorkerHost): Promise<void> {
  const frame = new ThreadFrame(of, host, () => {
    for (const hart of harts) hart.kick();
  });
  const harts = kickable(of, frame.trace);
  const callbacks = { ready: () => frame.control.wakeIo(lane), notice: (text: string) => frame.notice(text) };
  const network = lane === EVENT_LANE ? host.openNetwork?.(callbacks) : undefined;
  const kick = (hart: number) => {
    // vCPUs record that themselves.
    if (of.kind === 'bare') frame.trace?.kick(hart);
    harts[hart]?.kick();
  };
  const { instances } = frame.createDevices(kick, network);
  const workers = instances.filter((instance) => instance.work !== undefined);
  takeUp(lane, kept, instances);
  const stand = () => frame.stand(() => giveKept(lane, instances, host));
  await serveLane({ control: frame.control, lane, stand, workers, network });
  network?.end();
}

/** The parts of the loop of such a thread. */
export interface Lane {
  readonly control: Pick<Control, 'running' | 'ioSleep'>;
  readonly lane: number;
  /** Stands still while the machine is paused. */
  readonly stand: () => void;
  readonly workers: readonly Pick<DeviceInstance, 'work'>[];
  /** Ends its turns when there is something to do. */
  readonly network: { turn(): Promise<void> } | undefined;
}

/** Works until the machine ends. */
export async function serveLane({ control, lane, stand, workers, network }: Lane): Promise<void> {
  const sleep = control.ioSleep(lane);
  while (control.running) {
    // Before the look for work: a later request moves it.
    const { sequence } = sleep;
    stand();
    // The machine that was saved goes on elsewhere, with the requests that wait here: its disks stay as they are.
    if (!control.running) break;
    let worked = false;
    for (const worker of workers) worked = worker.work?.(lane) === true || worked;
    // Sockets speak by events, for which a thread without them does not wait.
    if (network !== undefined) await (worked ? network.turn() : sleep.later(sequence));
    else if (!worked) sleep.until(sequence, LONGEST_SLEEP_MS, false);
  }
}

/** Gives the devices the state that they had when the machine was saved. */
function takeUp(lane: number, kept: readonly KeptByDevice[], instances: readonly DeviceInstance[]): void {
  for (const [device, instance] of instances.entries()) {
    const own = kept.filter((each) => each.device === device);
    if (own.length > 0) instance.restore?.(lane, own);
  }
}

/** Sends the machine's owner the state that the devices keep on this thread. */
function giveKept(lane: number, instances: readonly DeviceInstance[], host: WorkerHost): void {
  try {
    for (const [device, instance] of instances.entries()) {
      for (const kept of instance.save?.(lane) ?? [])
        host.notify({ kind: 'kept', kept: { ...kept, device } });
    }
    host.notify({ kind: 'keptAll', lane });
  } catch (error) {
    host.notify({ kind: 'keptAll', lane, trouble: error instanceof Error ? error.message : String(error) });
  }
}

/** The guest's processors, which look at their interrupts when they are kicked. */
function kickable(start: PcpuStart | BareStart, trace: Recorder | undefined): readonly { kick(): void }[] {
  if (start.kind === 'bare') return HartWords.ofAll(start.memory, start.plan.hartWords);
  return createVcpus(
    { ...start, debug: false },
    createScheduler(start),
    () => 0,
    () => false,
    { trace },
  );
}
