import { Htif, type HtifMemory } from '../devices/htif/device.ts';
import type { Hart, HartOptions } from '../hart/index.ts';
import { CSR, EXIT } from '../hart/layout.ts';
import type { RamWindow } from '../hart/platform.ts';
import { Pace } from '../hypervisor/pace.ts';
import { Sleep } from '../hypervisor/sleep.ts';
import { describeStuck, STUCK_AFTER } from '../hypervisor/stuck.ts';
import { enterGuest } from '../interrupts/run-state.ts';
import {
  EXIT_REQUEST,
  type VcpuWords,
  vcpuWordsAt,
  WAKE_SEQUENCE,
  WAKE_SLEEPERS,
} from '../interrupts/words.ts';
import { GuestClock } from './clock.ts';
import { Control, END, type EndReason, NEWS } from './control.ts';
import { createDevices, deviceSpace, emitAll } from './devices.ts';
import { createHart, finishHart, hostWrote } from './engine-hart.ts';
import { HART_EXTENSIONS } from './extensions.ts';
import { finishEnds } from './finish.ts';
import { InstructionClock } from './instruction-clock.ts';
import { kickHart } from './kick-hart.ts';
import { newsTeller, type RunBare, type WorkerHost, type WorkerStart } from './thread.ts';

/** mip bits of the interrupt lines. */
const LINE = { msip: 1 << 3, mtip: 1 << 7, seip: 1 << 9, meip: 1 << 11 } as const;
/** The longest stay in guest code, in ticks. */
const LONGEST_RUN = 50_000;
/** Between two looks at `tohost`, in ticks. */
const HTIF_INTERVAL = 10_000;
const TICKS_PER_MS = 10_000;
const LONGEST_SLEEP_MS = 60_000;

/** The words of a bare hart that other threads use: to get it out of its code, and out of its sleep. */
function wordsOf(start: Pick<WorkerStart, 'memory' | 'plan'>, hart: number): VcpuWords {
  return vcpuWordsAt(start.memory.buffer, start.plan.vcpus[hart] ?? 0);
}

/** The life of one hart of a bare machine. */
export function runBareHart(start: WorkerStart, host: WorkerHost): void {
  new BareHart(start, host).run();
}

class BareHart {
  readonly #index: number;
  readonly #control: Control;
  readonly #clock: GuestClock | InstructionClock;
  readonly #hart: Hart;
  readonly #words: VcpuWords;
  readonly #sleeper: Sleep;
  readonly #htif: Htif | undefined;
  readonly #pace = new Pace();
  /** Ticks at which the run under way is to end. */
  #runEnd = 0;
  readonly #timerDeadline: () => number;
  readonly #stuck: (why: string) => void;
  /** Exceptions in a row, and those that were looked at. */
  #barren = 0;
  #traps = 0;

  constructor(start: WorkerStart, host: WorkerHost) {
    const { memory, plan, index } = start;
    this.#index = index;
    this.#control = new Control(memory, plan.control);
    this.#clock =
      start.engine === 'lockstep'
        ? new InstructionClock()
        : new GuestClock(start.startedAt, host.clockOffset);
    const harts = Array.from({ length: plan.cpus }, (_, hart) => wordsOf(start, hart));
    this.#words = harts[index] ?? wordsOf(start, index);
    this.#sleeper = new Sleep(this.#words, WAKE_SEQUENCE, WAKE_SLEEPERS);
    const tell = newsTeller(this.#control, host);
    const kick = (hart: number): void => {
      const words = harts[hart];
      if (words !== undefined) kickHart(words);
    };
    const end = (reason: EndReason, code = 0): void => {
      if (!this.#control.end(reason, code)) return;
      for (let hart = 0; hart < plan.cpus; hart++) kick(hart);
      tell(NEWS.ended);
    };
    const devices = createDevices(memory, plan, this.#clock, {
      contextChanged: (context) => kick(context >> 1),
      coreLocalChanged: kick,
      finish: (finish) => finishEnds(finish, end),
      output: () => tell(NEWS.output),
      inputSpace: () => tell(NEWS.inputSpace),
      alarm: () => tell(NEWS.alarm),
    });
    const { clint, plic, uart } = devices;
    if (clint === undefined) throw new Error('a bare machine has a CLINT');
    this.#timerDeadline = () => clint.deadline(index);
    const options: HartOptions = {
      memory,
      interpreter: host.interpreter,
      area: plan.harts[index] ?? 0,
      codePages: plan.codePages,
      codeBytes: plan.codeBytes,
      alone: plan.cpus === 1,
      ram: plan.ram,
      devices: deviceSpace(devices.bus),
      platform: {
        ticks: () => this.#clock.ticks(),
        lines: (wanted) =>
          ((wanted & LINE.msip) !== 0 && clint.softPending(index) ? LINE.msip : 0) |
          ((wanted & LINE.mtip) !== 0 && clint.timerPending(index) ? LINE.mtip : 0) |
          ((wanted & LINE.meip) !== 0 && plic.contextPending(index * 2) ? LINE.meip : 0) |
          ((wanted & LINE.seip) !== 0 && plic.contextPending(index * 2 + 1) ? LINE.seip : 0),
        guestExternalLines: () => 0,
        runEnd: () => this.#runEnd,
      },
      extensions: HART_EXTENSIONS,
      onRefused: (text) => host.notify({ kind: 'refused', text }),
      hartId: index,
      hsHost: false,
      exitRequest: (plan.vcpus[index] ?? 0) + 4 * EXIT_REQUEST,
    };
    this.#hart = createHart(options, start.engine, (text) => {
      host.notify({ kind: 'differs', text });
      end(END.differs);
    });
    if (this.#clock instanceof InstructionClock) this.#clock.follow(() => this.#hart.instructions);
    this.#stuck = (why) => {
      // First the reason, so that it is there when the last thread has ended.
      host.notify({ kind: 'stuck', text: why });
      end(END.stuck);
    };
    this.#begin(start.bare);
    this.#htif = this.#makeHtif(start, end, (bytes) => emitAll(uart, bytes, this.#control), host);
  }

  run(): void {
    while (this.#control.running) {
      // Clears the exit request before the interrupt lines are looked at: a later kick is seen by the guest's poll.
      enterGuest(this.#words);
      const now = this.#clock.ticks();
      const started = this.#hart.instructions;
      const longest = Math.min(this.#longestRun, this.#untilTimer(now));
      this.#runEnd = now + longest;
      const exit = this.#hart.run(this.#pace.start(now, longest));
      const instructions = this.#hart.instructions - started;
      this.#pace.finish(this.#clock.ticks(), instructions);
      this.#watchProgress(instructions);
      this.#htif?.poll();
      if (exit === EXIT.wait) this.#sleep();
    }
    finishHart(this.#hart);
  }

  /** Ticks that the hart may stay in its code at a time, and sleep if it serves the host-target interface. */
  get #longestRun(): number {
    return this.#htif === undefined ? LONGEST_RUN : HTIF_INTERVAL;
  }

  /** Ticks until a timer of this hart becomes due; those that are due have done their work. */
  #untilTimer(now: number): number {
    const machine = this.#timerDeadline();
    const timers = Math.min(
      machine > now ? machine : Number.POSITIVE_INFINITY,
      this.#hart.privileged.nextDeadline(),
    );
    return Math.max(timers - now, 0);
  }

  #watchProgress(instructions: number): void {
    const { exceptionRow: row, state } = this.#hart;
    const traps = row.total - this.#traps;
    this.#traps = row.total;
    this.#barren = instructions > 0 ? Math.min(traps, row.length) : this.#barren + traps;
    if (this.#barren < STUCK_AFTER) return;
    const register = state.privilege === 3 ? 'mtvec' : 'stvec';
    const field = CSR[state.virtual === 0 ? register : 'vstvec'];
    const handler = { low: state.csr[field] as number, high: state.csr[field + 1] as number };
    const first = { cause: row.firstCause, pcLow: row.firstPcLow, pcHigh: row.firstPcHigh };
    this.#stuck(describeStuck(`Hart ${this.#index}`, first, row, register, handler));
  }

  #sleep(): void {
    // What this hart is kicked for after this ends the sleep.
    const { sequence } = this.#sleeper;
    while (this.#control.running) {
      // Before the look at what is pending: a timer that becomes due in between is not taken for one that was due before.
      const untilTimer = this.#untilTimer(this.#clock.ticks()) / TICKS_PER_MS;
      if (this.#hart.privileged.wakePending()) return;
      const longest = this.#htif === undefined ? LONGEST_SLEEP_MS : HTIF_INTERVAL / TICKS_PER_MS;
      const timeout = Math.min(untilTimer, longest);
      if (this.#clock instanceof InstructionClock && timeout < LONGEST_SLEEP_MS) this.#clock.skip(timeout);
      else if (this.#sleeper.until(sequence, timeout, untilTimer <= longest)) return;
      this.#htif?.poll();
    }
  }

  #begin(bare: RunBare | undefined): void {
    if (bare === undefined) throw new Error('a bare machine needs to know where it starts');
    const { state } = this.#hart;
    state.setPc(bare.entry | 0, Math.floor(bare.entry / 2 ** 32));
    state.setX(10, this.#index, 0);
    state.setX(11, bare.deviceTreeAddress | 0, Math.floor(bare.deviceTreeAddress / 2 ** 32));
    state.setX(12, bare.dynamicInfo | 0, Math.floor(bare.dynamicInfo / 2 ** 32));
  }

  /** One thread serves the host-target interface: that of hart 0. */
  #makeHtif(
    start: WorkerStart,
    end: (reason: EndReason, code?: number) => void,
    output: (bytes: Uint8Array) => void,
    host: WorkerHost,
  ): Htif | undefined {
    const { tohost, fromhost } = start.bare ?? {};
    if (tohost === undefined || start.index !== 0) return undefined;
    const addresses = fromhost === undefined ? { tohost } : { tohost, fromhost };
    return new Htif(htifMemory(start.memory, start.plan.ram, this.#hart), addresses, {
      onExit: (code) => (code === 0 ? end(END.powerOff) : end(END.failure, code)),
      onOutput: output,
      onUnknown: (text) => {
        if (this.#control.countNotice()) host.notify({ kind: 'notice', text });
      },
    });
  }
}

function htifMemory(memory: WebAssembly.Memory, ram: RamWindow, hart: Hart): HtifMemory {
  const words = new Int32Array(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  const hostAddress = (address: number, length: number): number => {
    const offset = address - ram.base;
    return offset >= 0 && offset + length <= ram.size ? ram.offset + offset : -1;
  };
  return {
    load32: (address) => {
      const host = hostAddress(address, 4);
      // Meets the guest's plain store of its request, which it repeats looking at until it is taken.
      return host < 0 ? undefined : Atomics.load(words, host >>> 2) >>> 0;
    },
    store32: (address, value) => {
      const host = hostAddress(address, 4);
      if (host < 0) return false;
      // Meets the guest's plain load, which waits for the word to change.
      Atomics.store(words, host >>> 2, value);
      hostWrote(hart, host, 4);
      return true;
    },
    bytes: (address, length) => {
      const host = hostAddress(address, length);
      return host < 0 ? undefined : bytes.slice(host, host + length);
    },
  };
}
