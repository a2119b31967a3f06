import type { HartOptions } from '../../hart/index.ts';
import { enqueueStarted } from '../../hypervisor/enqueue-started.ts';
import { openToGuests } from '../../hypervisor/guest-environment.ts';
import { Pcpu, type PcpuDomain } from '../../hypervisor/pcpu.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { GuestClock } from '../clock.ts';
import { Control, END } from '../control.ts';
import { createDevices, emitAll, eventTeller, linesOf } from '../devices.ts';
import { createHart } from '../engine-hart.ts';
import { HART_EXTENSIONS } from '../extensions.ts';
import { finishEnds } from '../finish.ts';
import { InstructionClock } from '../instruction-clock.ts';
import type { PcpuStart, WorkerHost } from '../thread.ts';
import { createEvents, createScheduler, createVcpus } from './vcpus.ts';

/** The supervisor external interrupt, as `mip` has it. */
const EXTERNAL = 1 << 9;
/** hgeip: the external interrupt line of the loaded vCPU. */
const GUEST_EXTERNAL = 1 << 1;

/** The life of a pCPU: puts this thread's part of the domain together and runs vCPUs until the end. */
export function runPcpu(start: PcpuStart, host: WorkerHost): void {
  const { memory, plan } = start;
  const ram = new GuestMemory(memory, plan.ram);
  const control = new Control(memory, plan.control);
  const instructionClock = start.engine === 'lockstep' ? new InstructionClock() : undefined;
  const clock = instructionClock ?? new GuestClock(control.startedAt, host.clockOffset);
  const scheduler = createScheduler(start, instructionClock);
  const endWith = (reason: (typeof END)[keyof typeof END], code = 0): void => {
    if (!control.end(reason, code)) return;
    for (const vcpu of vcpus) vcpu.kick();
    scheduler.announce(plan.pcpus);
    host.notify({ kind: 'ended' });
  };
  const devices = createDevices(ram, plan, {
    clock,
    hartChanged: (hart) => vcpus[hart]?.kick(),
    finish: (finish) => finishEnds(finish, endWith),
    tell: eventTeller(start, host),
  });
  const externalPending = (vcpu: number): boolean => linesOf(devices.inputs, vcpu, EXTERNAL) !== 0;
  const ticks = () => clock.ticks();
  const vcpus = createVcpus(start, scheduler, ticks, externalPending, host.standIn);
  const options: HartOptions = {
    ram,
    interpreter: host.interpreter,
    area: plan.harts[start.index] ?? 0,
    codePages: plan.codePages,
    codeBytes: plan.codeBytes,
    alone: plan.pcpus === 1,
    devices: devices.bus,
    platform: {
      ticks,
      lines: () => 0,
      guestExternalLines: () => (externalPending(pcpu.current) ? GUEST_EXTERNAL : 0),
      fuelForTimer: () => pcpu.fuelForTimer(),
      runEnd: () => pcpu.runEnd,
      watchTicks: () => pcpu.watchTicks(),
    },
    guestExternalInterrupts: 1,
    extensions: HART_EXTENSIONS,
    onRefused: (text) => host.notify({ kind: 'refused', text }),
    hartId: start.index,
    hsHost: true,
    exitRequest: vcpus[0]?.exitRequest ?? 0,
  };
  const hart = createHart(options, start.engine, (text) => {
    host.notify({ kind: 'differs', text });
    endWith(END.differs);
  });
  instructionClock?.follow(() => hart.instructions);
  hart.both((each) => openToGuests(each, true));
  const stand = (): void => {
    if (control.stand()) clock.restart(control.startedAt);
  };
  const domain: PcpuDomain = {
    vcpus,
    scheduler,
    events: createEvents(start),
    get running() {
      return control.running;
    },
    get pausing() {
      return control.pausing;
    },
    stand,
    ticks,
    start: (vcpu) => enqueueStarted(vcpu, scheduler),
    end: (reason) =>
      endWith(
        { shutdown: END.powerOff, failure: END.failure, reboot: END.reboot }[reason],
        reason === 'failure' ? 1 : 0,
      ),
    stuck: (why) => {
      // First the reason, so that it is there when the last thread has ended.
      host.notify({ kind: 'stuck', text: why });
      endWith(END.stuck);
    },
    memory: ram,
    // The debug console: the same wires as the serial port, beside its registers.
    consoleWrite: (bytes) => devices.console.emit(bytes),
    consoleRead: (most) => devices.console.takeInput(most),
    consolePut: (byte) => emitAll(devices.console, Uint8Array.of(byte), control, stand),
  };
  const pcpu = new Pcpu(start.index, hart, domain);
  pcpu.run();
  hart.finish();
}
