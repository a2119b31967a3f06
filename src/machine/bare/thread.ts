import type { HartInputs } from '../../devices/descriptor.ts';
import { Htif } from '../../devices/htif/device.ts';
import type { Hart, HartOptions } from '../../hart/index.ts';
import { CSR, EXIT } from '../../hart/layout.ts';
import { Pace } from '../../hart/pace.ts';
import { describeStuck, STUCK_AFTER } from '../../hart/stuck.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { TICKS_PER_MS } from '../../time/ticks.ts';
import { GuestClock } from '../clock.ts';
import { Control, END, type EndReason } from '../control.ts';
import { createDevices, emitAll, eventTeller, linesOf } from '../devices.ts';
import { createHart } from '../engine-hart.ts';
import { HART_EXTENSIONS } from '../extensions.ts';
import { finishEnds } from '../finish.ts';
import { InstructionClock, SkippingSleep } from '../instruction-clock.ts';
import type { BareStart, RunBare, WorkerHost } from '../thread.ts';
import { HartWords } from './hart-words.ts';
import { BareLoop, type BarePart, type BareSurroundings } from './loop.ts';

/** The longest stay in guest code, in ticks. */
const LONGEST_RUN = 50_000;
/** Between two looks at `tohost`, in ticks. */
const HTIF_INTERVAL = TICKS_PER_MS;
const LONGEST_SLEEP_MS = 60_000;

/** The life of one hart of a bare machine. */
export function runBareHart(start: BareStart, host: WorkerHost): void {
  new BareHart(start, host).run();
}

class BareHart {
  readonly #index: number;
  readonly #control: Control;
  readonly #clock: GuestClock | InstructionClock;
  readonly #hart: Hart;
  readonly #loop: BareLoop;
  readonly #htif: Htif | undefined;
  readonly #pace = new Pace();
  /** Ticks at which the run under way is to end. */
  #runEnd = 0;
  readonly #inputs: readonly HartInputs[];
  readonly #stuck: (why: string) => void;
  /** Exceptions in a row, and those that were looked at. */
  #barren = 0;
  #traps = 0;

  constructor(start: BareStart, host: WorkerHost) {
    const { memory, plan, index } = start;
    const ram = new GuestMemory(memory, plan.ram);
    this.#index = index;
    this.#control = new Control(memory, plan.control);
    const skipping = start.engine === 'lockstep' ? new InstructionClock() : undefined;
    this.#clock = skipping ?? new GuestClock(this.#control.startedAt, host.clockOffset);
    const harts = HartWords.ofAll(
      memory,
      plan.hartWords,
      skipping && ((...place) => new SkippingSleep(...place, skipping)),
    );
    const words = harts[index];
    const kick = (hart: number): void => harts[hart]?.kick();
    const end = (reason: EndReason, code = 0): void => {
      if (!this.#control.end(reason, code)) return;
      for (const each of harts) each.kick();
      host.notify({ kind: 'ended' });
    };
    const { bus, console, inputs } = createDevices(ram, plan, {
      clock: this.#clock,
      hartChanged: kick,
      finish: (finish) => finishEnds(finish, end),
      tell: eventTeller(start, host),
    });
    this.#inputs = inputs;
    const options: HartOptions = {
      ram,
      interpreter: host.interpreter,
      area: plan.harts[index] ?? 0,
      codePages: plan.codePages,
      codeBytes: plan.codeBytes,
      alone: plan.cpus === 1,
      devices: bus,
      platform: {
        ticks: () => this.#clock.ticks(),
        lines: (wanted) => linesOf(inputs, index, wanted),
        guestExternalLines: () => 0,
        runEnd: () => this.#runEnd,
      },
      extensions: HART_EXTENSIONS,
      onRefused: (text) => host.notify({ kind: 'refused', text }),
      hartId: index,
      hsHost: false,
      exitRequest: words.exitRequest,
    };
    this.#hart = createHart(options, start.engine, (text) => {
      host.notify({ kind: 'differs', text });
      end(END.differs);
    });
    skipping?.follow(() => this.#hart.instructions);
    this.#stuck = (why) => {
      // First the reason, so that it is there when the last thread has ended.
      host.notify({ kind: 'stuck', text: why });
      end(END.stuck);
    };
    this.#begin(start.bare);
    this.#htif = this.#makeHtif(
      start,
      ram,
      end,
      (bytes) => emitAll(console, bytes, this.#control, () => this.#stand()),
      host,
    );
    this.#loop = new BareLoop(words, this.#surroundings());
  }

  run(): void {
    for (let part: BarePart = 'code'; part !== 'end'; part = this.#loop.step(part)) this.#htif?.poll();
    this.#hart.finish();
  }

  #surroundings(): BareSurroundings {
    const control = this.#control;
    return {
      get running() {
        return control.running;
      },
      get pausing() {
        return control.pausing;
      },
      longestSleep: this.#htif === undefined ? LONGEST_SLEEP_MS : HTIF_INTERVAL / TICKS_PER_MS,
      stand: () => this.#stand(),
      runCode: () => this.#runCode(),
      untilTimer: () => this.#untilTimer(this.#clock.ticks()) / TICKS_PER_MS,
      wakePending: () => this.#hart.privileged.wakePending(),
    };
  }

  #runCode(): boolean {
    const now = this.#clock.ticks();
    const started = this.#hart.instructions;
    const longest = Math.min(this.#longestRun, this.#untilTimer(now));
    this.#runEnd = now + longest;
    const exit = this.#hart.run(this.#pace.start(now, longest));
    const instructions = this.#hart.instructions - started;
    this.#pace.finish(this.#clock.ticks(), instructions);
    this.#watchProgress(instructions);
    return exit === EXIT.wait;
  }

  #stand(): void {
    if (this.#control.stand()) this.#clock.restart(this.#control.startedAt);
  }

  /** Ticks that the hart may stay in its code at a time, and sleep if it serves the host-target interface. */
  get #longestRun(): number {
    return this.#htif === undefined ? LONGEST_RUN : HTIF_INTERVAL;
  }

  /** Ticks until a timer of this hart becomes due; those that are due have done their work. */
  #untilTimer(now: number): number {
    let next = this.#hart.privileged.nextDeadline();
    for (const input of this.#inputs) {
      const deadline = input.deadline?.(this.#index) ?? Number.POSITIVE_INFINITY;
      if (deadline > now) next = Math.min(next, deadline);
    }
    return Math.max(next - now, 0);
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

  #begin(bare: RunBare): void {
    const { state } = this.#hart;
    state.setPc(bare.entry | 0, Math.floor(bare.entry / 2 ** 32));
    state.setX(10, this.#index, 0);
    state.setX(11, bare.deviceTreeAddress | 0, Math.floor(bare.deviceTreeAddress / 2 ** 32));
    state.setX(12, bare.dynamicInfo | 0, Math.floor(bare.dynamicInfo / 2 ** 32));
  }

  /** One thread serves the host-target interface: that of hart 0. */
  #makeHtif(
    start: BareStart,
    ram: GuestMemory,
    end: (reason: EndReason, code?: number) => void,
    output: (bytes: Uint8Array) => void,
    host: WorkerHost,
  ): Htif | undefined {
    const { tohost, fromhost } = start.bare;
    if (tohost === undefined || start.index !== 0) return undefined;
    const addresses = fromhost === undefined ? { tohost } : { tohost, fromhost };
    return new Htif(ram, addresses, {
      onExit: (code) => (code === 0 ? end(END.powerOff) : end(END.failure, code)),
      onOutput: output,
      onUnknown: (text) => {
        if (this.#control.countNotice()) host.notify({ kind: 'notice', text });
      },
    });
  }
}
