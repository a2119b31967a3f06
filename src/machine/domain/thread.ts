import type { Hart } from '../../hart/index.ts';
import { CpuQuota } from '../../hypervisor/cpu-quota.ts';
import { enqueueStarted } from '../../hypervisor/enqueue-started.ts';
import { openToGuests } from '../../hypervisor/guest-environment.ts';
import { Pcpu, type PcpuDomain } from '../../hypervisor/pcpu.ts';
import { END } from '../control.ts';
import { type Devices, emitOne, linesOf } from '../devices.ts';
import type { PcpuStart, WorkerHost } from '../thread.ts';
import { ThreadFrame } from '../thread-frame.ts';
import { tracedFile } from '../trace/traced-file.ts';
import { holdBack } from './hold-back.ts';
import { createEvents, createScheduler, createVcpus } from './vcpus.ts';

/** The supervisor external interrupt, as `mip` has it. */
const EXTERNAL = 1 << 9;
/** hgeip: the external interrupt line of the loaded vCPU. */
const GUEST_EXTERNAL = 1 << 1;
/** The interrupt file of guest external interrupt 1, which is that of the loaded vCPU. */
const GUEST_FILE = 2;
const ENDS = { shutdown: END.powerOff, failure: END.failure, reboot: END.reboot } as const;

/** The life of a pCPU: puts this thread's part of the domain together and runs vCPUs until the end. */
export function runPcpu(start: PcpuStart, host: WorkerHost): void {
  const { plan } = start;
  const frame = new ThreadFrame(start, host, () => {
    for (const vcpu of vcpus) vcpu.kick();
    scheduler.announce(plan.pcpus);
  });
  const scheduler = createScheduler(start, frame.skipping);
  const devices = frame.createDevices((hart) => vcpus[hart]?.nudge());
  const externalPending = (vcpu: number): boolean => linesOf(devices.inputs, vcpu, EXTERNAL) !== 0;
  const vcpus = createVcpus(start, scheduler, frame.ticks, externalPending, {
    ...(host.standIn === undefined ? {} : { standIn: host.standIn }),
    trace: frame.trace,
  });
  const files = vcpus.map((_, vcpu) =>
    tracedFile(devices.interruptFiles?.file(vcpu, 0), frame.trace, vcpu, 0),
  );
  const hart: Hart = frame.createHart({
    devices: devices.bus,
    platform: {
      ticks: frame.ticks,
      lines: () => 0,
      guestExternalLines: () => (externalPending(pcpu.current) ? GUEST_EXTERNAL : 0),
      interruptFile: (number) => (number === GUEST_FILE ? files[pcpu.current] : undefined),
      fuelForTimer: () => pcpu.fuelForTimer(),
      runEnd: () => pcpu.runEnd,
      watchTicks: () => pcpu.watchTicks(),
      takeLook: () => pcpu.takeLook(),
      ...(frame.trace === undefined ? {} : { interruptTaken: (_, cause: number) => pcpu.noteTaken(cause) }),
    },
    guestExternalInterrupts: 1,
    hsHost: true,
    exitRequest: vcpus[0]?.exitRequest ?? 0,
  });
  hart.both((each) => openToGuests(each, true));
  const events = createEvents(start);
  const { cpuShare } = start;
  const quota = cpuShare === undefined ? undefined : new CpuQuota(cpuShare, frame.ticks);
  const parts = { vcpus, scheduler, events, quota };
  const pcpu = new Pcpu(start.index, hart, domainOf(frame, devices, hart, parts));
  holdBack(start, scheduler, frame.control);
  pcpu.run();
  hart.finish();
}

function domainOf(
  frame: ThreadFrame,
  { console, interruptFiles }: Devices,
  hart: Hart,
  parts: Pick<PcpuDomain, 'vcpus' | 'scheduler' | 'events' | 'quota'>,
): PcpuDomain {
  const { control } = frame;
  return {
    ...parts,
    get running() {
      return control.running;
    },
    get pausing() {
      return control.pausing;
    },
    stand: () => {
      frame.standWith(hart);
      const rest = parts.quota?.rest() ?? 0;
      if (rest > 0) control.rest(rest);
    },
    debug: frame.debug,
    ticks: frame.ticks,
    interruptFile: (vcpu) => (frame.trace === undefined ? interruptFiles?.file(vcpu, 0)?.place : undefined),
    start: (vcpu) => enqueueStarted(vcpu, parts.scheduler),
    end: (reason) => frame.end(ENDS[reason], reason === 'failure' ? 1 : 0),
    stuck: (why) => frame.stuck(why),
    memory: frame.ram,
    trace: frame.trace,
    // The debug console: the same wires as the serial port, beside its registers.
    consoleWrite: (bytes) => console.emit(bytes),
    consoleRead: (most) => console.takeInput(most),
    consolePut: (byte) => emitOne(console, byte),
  };
}
