import { walk } from '../../debug/page-walk.ts';
import type { Action, DebugListener, DebugTarget, Ending, PointKind, Stop } from '../../debug/target.ts';
import { type HartPoint, POINT_KIND } from '../../hart/debug/point-list.ts';
import { vlenOf } from '../../isa/extensions.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import type { Cpu } from '../cpu.ts';
import type { Devices } from '../devices.ts';
import type { Processors } from '../kind.ts';
import type { MachinePlan } from '../plan.ts';
import { DebugWords, MODE, STOP, type StopReport } from './debug-words.ts';
import { type Inspector, joinHalves } from './inspector.ts';

const KINDS: Readonly<Record<PointKind, number>> = {
  code: POINT_KIND.code,
  read: POINT_KIND.read,
  write: POINT_KIND.write,
  access: POINT_KIND.read | POINT_KIND.write,
};
const MODES: Readonly<Record<Action, (typeof MODE)[keyof typeof MODE]>> = MODE;
const LARGEST_EXACT = 2n ** 53n;

/** The end of a machine, as far as debuggers are told. */
interface HowItEnded {
  readonly reason: string;
  /** The guest's own, where it reported a failure. */
  readonly code?: number;
}

/** The machine that a debugger is for, on the thread that owns it. */
export interface DebuggedMachine extends Cpu {
  readonly memory: WebAssembly.Memory;
  readonly plan: MachinePlan;
  readonly devices: Devices;
  readonly ticks: () => number;
  readonly processors: Processors;
  readonly pause: () => Promise<void>;
  readonly resume: () => void;
  readonly stop: () => void;
  readonly ended: Promise<HowItEnded>;
}

/** A machine's side of debugging on the thread that owns it. */
export class MachineDebugger {
  /** The machine as debuggers see it. */
  readonly target: DebugTarget;
  readonly #machine: DebuggedMachine;
  readonly #words: DebugWords;
  readonly #ram: GuestMemory;
  readonly #inspector: Inspector;
  #points: HartPoint[] = [];
  #listener: DebugListener | undefined;
  #ending: Ending | undefined;
  /** It is on its way to stand still because a processor has stopped. */
  #isStopping = false;
  /** The machine stands still for the debugger. */
  #stands = false;

  static async create(machine: DebuggedMachine): Promise<MachineDebugger> {
    const { memory, plan, xlen, extensions, devices, ticks, processors } = machine;
    const words = new DebugWords(memory, plan.debug, plan.cpus);
    const changed = () => words.list.touch();
    const readCode = (processor: number, address: bigint) => created.#readCode(processor, address);
    const inspector = await processors.inspect({
      memory,
      xlen,
      extensions,
      devices,
      ticks,
      changed,
      readCode,
    });
    const created = new MachineDebugger(machine, words, inspector);
    return created;
  }

  private constructor(machine: DebuggedMachine, words: DebugWords, inspector: Inspector) {
    this.#machine = machine;
    this.#words = words;
    this.#inspector = inspector;
    this.#ram = new GuestMemory(machine.memory, machine.plan.ram);
    this.target = this.#createTarget();
    void machine.ended.then((end) => {
      this.#ending = endingOf(end);
      this.#listener?.ended(this.#ending);
    });
  }

  /**
   * The machine stands still, for any reason: processors that a debugger has held back are where they are without one.
   */
  settle(): void {
    this.#inspector.settle();
  }

  /** A processor has stopped: so does the machine, as a whole. */
  hear(): void {
    // Its stop may have been seen, and be over, when word of it comes.
    if (this.#stands || this.#isStopping || !this.#words.processors.some(({ hasStop }) => hasStop)) return;
    void this.#stopForProcessor();
  }

  async #stopForProcessor(): Promise<void> {
    this.#isStopping = true;
    await this.#machine.pause();
    this.#isStopping = false;
    if (this.#stands || this.#ending !== undefined) return;
    const stop = this.#takeStop();
    if (stop === undefined) return;
    this.#stands = true;
    this.#tell(stop);
  }

  #tell(stop: Stop): void {
    if (this.#listener === undefined) this.target.resume(this.#words.processors.map(() => 'run'));
    else this.#listener.stopped(stop);
  }

  /** The stop of one processor. Those of the others come again when they go on. */
  #takeStop(): Stop | undefined {
    for (const [thread, processor] of this.#words.processors.entries()) {
      const report = processor.takeStop();
      if (report !== undefined) return this.#stopOf(thread, report);
    }
    return undefined;
  }

  #stopOf(thread: number, { stop, kinds, low, high }: StopReport): Stop {
    if (stop === STOP.code) return { kind: 'code', thread };
    if (stop === STOP.step) return { kind: 'step', thread };
    const access = kinds === KINDS.access ? 'access' : kinds === KINDS.read ? 'read' : 'write';
    return { kind: 'data', thread, access, address: joinHalves(low, high, this.#machine.xlen) };
  }

  #resume(actions: readonly Action[]): void {
    if (!this.#stands || this.#ending !== undefined) return;
    for (const processor of this.#words.processors) processor.takeStop();
    const idle = actions.findIndex((action, thread) => action === 'step' && !this.#inspector.canStep(thread));
    if (idle >= 0 && actions.every((action, thread) => thread === idle || action === 'hold')) {
      void Promise.resolve().then(() => this.#listener?.stopped({ kind: 'step', thread: idle }));
      return;
    }
    for (const [thread, processor] of this.#words.processors.entries()) {
      const action = actions[thread] ?? 'hold';
      processor.mode = MODES[action];
      this.#inspector.prepare(thread, action);
    }
    this.#stands = false;
    this.#machine.resume();
  }

  async #pause(): Promise<void> {
    await this.#machine.pause();
    this.#stands = true;
  }

  #translate(thread: number, address: bigint): number | undefined {
    let place: bigint | undefined = address;
    for (const stage of this.#inspector.stages(thread)) {
      place = walk(stage, place, (entry, bytes) => this.#readEntry(entry, bytes));
      if (place === undefined) return undefined;
    }
    return place < LARGEST_EXACT ? Number(place) : undefined;
  }

  #readEntry(address: bigint, bytes: 4 | 8): bigint | undefined {
    const raw = address < LARGEST_EXACT ? this.#ram.copyOut(Number(address), bytes) : undefined;
    return raw?.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  #readCode(thread: number, address: bigint): bigint | undefined {
    const place = this.#translate(thread, address);
    return place === undefined ? undefined : this.#readEntry(BigInt(place), 4);
  }

  #insert(kind: PointKind, address: bigint, length: number): boolean {
    const points = [...this.#points, pointOf(kind, address, length)];
    if (!this.#words.list.write(points)) return false;
    this.#points = points;
    return true;
  }

  #remove(kind: PointKind, address: bigint, length: number): boolean {
    const gone = pointOf(kind, address, length);
    const index = this.#points.findIndex((point) => isSame(point, gone));
    if (index < 0) return false;
    this.#points.splice(index, 1);
    return this.#words.list.write(this.#points);
  }

  #createTarget(): DebugTarget {
    const inspector = this.#inspector;
    return {
      xlen: this.#machine.xlen,
      vlenb: vlenOf(this.#machine.extensions) / 8,
      threads: this.#words.processors.length,
      csrs: inspector.csrs,
      threadName: (thread) => inspector.name(thread),
      threadState: (thread) => inspector.state(thread),
      readRegister: (thread, register) => inspector.read(thread, register),
      writeRegister: (thread, register, value) => inspector.write(thread, register, value),
      translate: (thread, address) => this.#translate(thread, address),
      readMemory: (address, length) => this.#ram.copyOut(address, length),
      writeMemory: (address, bytes) => {
        this.#words.list.touch();
        return this.#ram.copyIn(address, bytes);
      },
      insertPoint: (kind, address, length) => this.#insert(kind, address, length),
      removePoint: (kind, address, length) => this.#remove(kind, address, length),
      pause: () => this.#pause(),
      resume: (actions) => this.#resume(actions),
      kill: () => this.#machine.stop(),
      describePending: (thread) => inspector.describePending(thread),
      describeStatistics: () => inspector.describeStatistics(),
      listen: (listener) => {
        this.#listener = listener;
        if (this.#ending !== undefined) listener?.ended(this.#ending);
      },
    };
  }
}

function pointOf(kind: PointKind, address: bigint, length: number): HartPoint {
  return {
    low: Number(BigInt.asIntN(32, address)),
    high: Number(BigInt.asIntN(32, address >> 32n)),
    kinds: KINDS[kind],
    length,
  };
}

function isSame(one: HartPoint, other: HartPoint): boolean {
  return (
    one.low === other.low &&
    one.high === other.high &&
    one.kinds === other.kinds &&
    one.length === other.length
  );
}

function endingOf({ reason, code = 1 }: HowItEnded): Ending {
  switch (reason) {
    case 'poweroff':
    case 'reboot':
      return { kind: 'exit', status: 0 };
    case 'failure':
      return { kind: 'exit', status: code };
    default:
      return { kind: 'killed' };
  }
}
