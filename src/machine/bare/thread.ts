import type { ConsoleWires, HartInputs } from '../../devices/descriptor.ts';
import { Htif } from '../../devices/htif/device.ts';
import type { Hart } from '../../hart/index.ts';
import { CSR, EXIT, type Exit } from '../../hart/layout.ts';
import { Pace } from '../../hart/pace.ts';
import { describeStuck, STUCK_AFTER } from '../../hart/stuck.ts';
import { TICKS_PER_MS } from '../../time/ticks.ts';
import { type Recorder, STAY_END } from '../../trace/recorder.ts';
import { END } from '../control.ts';
import { emitAll, linesOf } from '../devices.ts';
import { SkippingSleep } from '../instruction-clock.ts';
import type { BareStart, RunBare, WorkerHost } from '../thread.ts';
import { ThreadFrame } from '../thread-frame.ts';
import { tracedFile } from '../trace/traced-file.ts';
import { guestLines } from './guest-lines.ts';
import { HartWords } from './hart-words.ts';
import { BareLoop, type BarePart, type BareSurroundings } from './loop.ts';

/** The longest stay in guest code, in ticks. */
const LONGEST_RUN = 50_000;
/** Between two looks at `tohost`, in ticks. */
const HTIF_INTERVAL = TICKS_PER_MS;
const LONGEST_SLEEP_MS = 60_000;
/** Interrupt files of a hart that are not guests': those of M-mode and S-mode. */
const LEVELS = 2;

/** The life of one hart of a bare machine. */
export function runBareHart(start: BareStart, host: WorkerHost): void {
  new BareHart(start, host).run();
}

class BareHart {
  readonly #index: number;
  readonly #frame: ThreadFrame;
  readonly #hart: Hart;
  readonly #loop: BareLoop;
  readonly #htif: Htif | undefined;
  readonly #pace = new Pace();
  /** Ticks at which the run under way is to end. */
  #runEnd = 0;
  readonly #inputs: readonly HartInputs[];
  /** Exceptions since the last instruction, and those that were looked at. */
  #sinceProgress = 0;
  #traps = 0;

  constructor(start: BareStart, host: WorkerHost) {
    const { plan, index } = start;
    const frame = new ThreadFrame(start, host, () => {
      for (const each of harts) each.kick();
    });
    const harts = wordsOf(start, frame);
    const { trace } = frame;
    const { bus, console, inputs, interruptFiles } = frame.createDevices((hart) => {
      trace?.kick(hart);
      harts[hart]?.kick();
    });
    const files = Array.from({ length: LEVELS + (plan.aiaGuests ?? 0) }, (_, number) =>
      tracedFile(interruptFiles?.file(index, number), trace, index, number),
    );
    this.#index = index;
    this.#frame = frame;
    this.#inputs = inputs;
    this.#hart = frame.createHart({
      devices: bus,
      platform: {
        ticks: frame.ticks,
        lines: (wanted) => linesOf(inputs, index, wanted),
        guestExternalLines: () => guestLines(plan, interruptFiles, index),
        interruptFile: (number) => files[number],
        runEnd: () => this.#runEnd,
        ...(trace && { interruptTaken: (target, cause) => this.#noteTaken(trace, target, cause) }),
      },
      guestExternalInterrupts: plan.aiaGuests ?? 0,
      hsHost: false,
      exitRequest: harts[index].exitRequest,
    });
    if (start.registers === undefined) this.#begin(start.bare);
    else this.#hart.goOnWith(start.registers);
    this.#htif = createHtif(start, frame, console);
    this.#loop = new BareLoop(harts[index], this.#surroundings());
  }

  run(): void {
    for (let part: BarePart = 'code'; part !== 'end'; part = this.#step(part)) this.#htif?.poll();
    this.#hart.finish();
  }

  #step(part: BarePart): BarePart {
    const { trace } = this.#frame;
    if (trace === undefined || part !== 'wait') return this.#loop.step(part);
    const began = trace.now();
    const next = this.#loop.step(part);
    trace.slept(this.#index, began);
    return next;
  }

  #noteTaken(trace: Recorder, target: 'M' | 'HS' | 'VS', cause: number): void {
    const { csr } = this.#hart.state;
    const at = CSR[target === 'M' ? 'mepc' : target === 'HS' ? 'sepc' : 'vsepc'];
    trace.taken(this.#index, cause, target, 0, csr[at] as number, csr[at + 1] as number);
  }

  #noteStay(trace: Recorder, began: number, exit: Exit): void {
    const end = exit === EXIT.wait ? STAY_END.wait : STAY_END.yield;
    const { pcLow, pcHigh } = this.#hart.state;
    trace.stay(this.#index, began, trace.now(), 0, 0, end, 0, pcLow, pcHigh);
  }

  #surroundings(): BareSurroundings {
    const { control } = this.#frame;
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
      untilTimer: () => this.#untilTimer(this.#frame.ticks()) / TICKS_PER_MS,
      wakePending: () => this.#frame.debug.steps(this.#index) || this.#hart.privileged.wakePending(),
    };
  }

  /** Also while a debugger holds this hart. */
  #stand(): void {
    const { control, debug } = this.#frame;
    for (;;) {
      this.#frame.standWith(this.#hart);
      if (!debug.holds(this.#index) || !control.running) return;
      control.rest(LONGEST_SLEEP_MS);
    }
  }

  #runCode(): boolean {
    const now = this.#frame.ticks();
    const started = this.#hart.instructions;
    const longest = Math.min(this.#longestRun, this.#untilTimer(now));
    this.#runEnd = now + longest;
    const fuel = this.#pace.start(now, longest);
    const { debug, trace } = this.#frame;
    const began = trace?.now() ?? 0;
    const steps = debug.steps(this.#index);
    const exit = steps ? this.#hart.step() : this.#hart.run(fuel);
    this.#hart.both(({ privileged }) => privileged.noticeOverflows());
    if (trace !== undefined) this.#noteStay(trace, began, exit);
    const holds = debug.ran(this.#index, steps, this.#hart.stop);
    const instructions = this.#hart.instructions - started;
    this.#pace.finish(this.#frame.ticks(), instructions);
    this.#watchProgress(instructions);
    return exit === EXIT.wait && !holds;
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
    this.#sinceProgress = instructions > 0 ? Math.min(traps, row.length) : this.#sinceProgress + traps;
    if (this.#sinceProgress < STUCK_AFTER) return;
    const register = state.privilege === 3 ? 'mtvec' : 'stvec';
    const field = CSR[state.virtual === 0 ? register : 'vstvec'];
    const handler = { low: state.csr[field] as number, high: state.csr[field + 1] as number };
    const first = { cause: row.firstCause, pcLow: row.firstPcLow, pcHigh: row.firstPcHigh };
    this.#frame.stuck(describeStuck(`Hart ${this.#index}`, first, row, register, handler));
  }

  #begin(bare: RunBare): void {
    const { state } = this.#hart;
    state.setPc(bare.entry | 0, Math.floor(bare.entry / 2 ** 32));
    state.setX(10, this.#index, 0);
    state.setX(11, bare.deviceTreeAddress | 0, Math.floor(bare.deviceTreeAddress / 2 ** 32));
    state.setX(12, bare.dynamicInfo | 0, Math.floor(bare.dynamicInfo / 2 ** 32));
  }
}

function wordsOf({ memory, plan }: BareStart, { skipping }: ThreadFrame): readonly HartWords[] {
  return HartWords.ofAll(
    memory,
    plan.hartWords,
    skipping && ((...place) => new SkippingSleep(...place, skipping)),
  );
}

/** One thread serves the host-target interface: that of hart 0. */
function createHtif(start: BareStart, frame: ThreadFrame, console: ConsoleWires): Htif | undefined {
  const { tohost, fromhost } = start.bare;
  const { ram, control, end, stand } = frame;
  if (tohost === undefined || start.index !== 0) return undefined;
  const addresses = fromhost === undefined ? { tohost } : { tohost, fromhost };
  return new Htif(ram, addresses, {
    onExit: (code) => (code === 0 ? end(END.powerOff) : end(END.failure, code)),
    onOutput: (bytes) => emitAll(console, bytes, control, stand),
    onUnknown: (text) => frame.notice(text),
  });
}
