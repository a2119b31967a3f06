import type { Hart, HartOptions } from '../hart/index.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import type { Network } from '../network/ethernet.ts';
import { Recorder } from '../trace/recorder.ts';
import { GuestClock } from './clock.ts';
import { Control, END, type EndReason } from './control.ts';
import { DebugWords } from './debug/debug-words.ts';
import { ThreadDebug } from './debug/thread-debug.ts';
import { createDevices, type Devices, eventTeller } from './devices.ts';
import { createHart } from './engine-hart.ts';
import { hartExtensions } from './extensions.ts';
import { finishEnds } from './finish.ts';
import { InstructionClock } from './instruction-clock.ts';
import { hasIoThreads } from './io/io.ts';
import type { BareStart, PcpuStart, WorkerHost } from './thread.ts';

/** Options of a hart that differ between the kinds of machine. */
export type OwnHartOptions = Pick<
  HartOptions,
  'devices' | 'exitRequest' | 'guestExternalInterrupts' | 'hsHost' | 'platform'
>;

/** One thread's part of a machine, as far as both kinds of machine have it: memory, time, devices, the end. */
export class ThreadFrame {
  readonly ram: GuestMemory;
  readonly control: Control;
  /** The clock under lock step, which counts instructions; else undefined. */
  readonly skipping: InstructionClock | undefined;
  /** Guest time in ticks. */
  readonly ticks: () => number;
  readonly debug: ThreadDebug;
  /** Records the thread's events, if the machine is traced. */
  readonly trace: Recorder | undefined;
  readonly #clock: GuestClock | InstructionClock;
  readonly #start: PcpuStart | BareStart;
  readonly #host: WorkerHost;
  readonly #wakeAll: () => void;

  /** @param wakeAll has all processors of the machine look around, when it ends */
  constructor(start: PcpuStart | BareStart, host: WorkerHost, wakeAll: () => void) {
    const { memory, plan } = start;
    this.ram = new GuestMemory(memory, plan.ram);
    this.control = new Control(memory, plan.control);
    this.skipping = start.engine === 'lockstep' ? new InstructionClock() : undefined;
    const clock = this.skipping ?? new GuestClock(this.control.startedAt, host.clockOffset);
    this.#clock = clock;
    this.trace = start.trace && new Recorder(start.trace.place, start.trace.ring, host.clockOffset);
    this.ticks = () => clock.ticks();
    const words = new DebugWords(memory, plan.debug, plan.cpus);
    this.debug = new ThreadDebug(words, () => host.notify({ kind: 'debug' }));
    this.#start = start;
    this.#host = host;
    this.#wakeAll = wakeAll;
  }

  /** Ends the machine, unless it has ended. */
  readonly end = (reason: EndReason, code = 0): void => {
    if (!this.control.end(reason, code)) return;
    this.#wakeAll();
    this.#host.notify({ kind: 'ended' });
  };

  /** Ends the machine because its guest can make no progress; `why` is for people. */
  stuck(why: string): void {
    // First the reason, so that it is there when the last thread has ended.
    this.#host.notify({ kind: 'stuck', text: why });
    this.end(END.stuck);
  }

  /** Tells people something that is worth knowing, unless the guest has caused many such notices. */
  notice(text: string): void {
    if (this.control.countNotice()) this.#host.notify({ kind: 'notice', text });
  }

  /** Stands still while the machine is paused. @param answer as for {@link Control.stand} */
  readonly stand = (answer?: () => void): void => {
    if (this.control.stand(answer)) this.#clock.restart(this.control.startedAt);
  };

  /** The same, behind which the hart takes over a debugger's changes. */
  standWith(hart: Hart): void {
    this.stand();
    this.debug.refresh(hart);
  }

  /**
   * @param hartChanged the lines of the devices to a hart may have changed
   * @param network on the I/O thread: that of the machine, if it has one
   */
  createDevices(hartChanged: (hart: number) => void, network?: Network): Devices {
    return createDevices(this.ram, this.#start.plan, {
      clock: this.#clock,
      hartChanged,
      finish: (finish) => finishEnds(finish, this.end),
      tell: eventTeller(this.#start, this.#host),
      wakeIo: hasIoThreads(this.#start) ? (lane) => this.control.wakeIo(lane) : undefined,
      openDrive: (drive) => {
        const { openDrive } = this.#host;
        if (openDrive === undefined) throw new Error('nobody has said what is in the drives of this machine');
        return openDrive(drive);
      },
      openShortDrive: (drive) => this.#host.openShortDrive?.(drive),
      openShare: (share) => {
        const { openShare } = this.#host;
        if (openShare === undefined) throw new Error('nobody has said what folders this machine shares');
        return openShare(share);
      },
      openNetwork: () => {
        if (network === undefined) throw new Error('nobody has said what the network of this machine is');
        return network;
      },
      notice: (text) => this.notice(text),
      trace: this.trace,
    });
  }

  createHart(own: OwnHartOptions): Hart {
    const { kind, plan, index, engine, xlen, extensions, hot } = this.#start;
    const { trace } = this;
    const options: HartOptions = {
      ...own,
      ram: this.ram,
      interpreter: this.#host.interpreter,
      area: plan.harts[index] ?? 0,
      codePages: plan.codePages,
      exclusion: plan.exclusion,
      codeBytes: plan.codeBytes,
      hot,
      xlen,
      extensions: hartExtensions(kind, extensions),
      aia: plan.aia === 'aplic-imsic' ? plan.aia : 'none',
      alone: plan.pcpus === 1 && !hasIoThreads(this.#start),
      onCompiled:
        trace && ((code) => trace.compiled(code.time, code.isDeep, code.bytes, code.pcLow, code.pcHigh)),
      onRefused: (text) => this.#host.notify({ kind: 'refused', text }),
      hartId: index,
    };
    const hart = createHart(options, engine, (text) => {
      this.#host.notify({ kind: 'differs', text });
      this.end(END.differs);
    });
    this.skipping?.follow(() => hart.instructions);
    return hart;
  }
}
