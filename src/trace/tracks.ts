import type { PerfettoWriter } from './perfetto.ts';
import type { RingRole } from './recorder.ts';

const GROUP = { cpus: 1, pcpus: 2, queues: 3, threads: 4, compiler: 5 } as const;
/** The first number of a track that is not one of those. */
const FIRST = 8;

/** The subject of a trace: the names of its tracks follow from it. */
export interface TraceSubject {
  readonly kind: 'domain' | 'bare';
  /** vCPUs of a domain, harts of a bare machine. */
  readonly cpus: number;
  /** The thread of each ring. */
  readonly rings: readonly RingRole[];
  /** The devices of the machine by their numbers, as people know them. */
  readonly devices: ReadonlyMap<number, string>;
  /** Names of sources of the interrupt controller. */
  readonly sources: ReadonlyMap<number, string>;
}

/** Gives each thing of a machine its track. Tracks that few machines need come with their first event. */
export class Tracks {
  readonly #out: PerfettoWriter;
  readonly #subject: TraceSubject;
  readonly #rings: readonly number[];
  readonly #queues = new Map<string, number>();
  readonly #compilers = new Map<number, number>();
  readonly #samples = new Map<number, number>();
  #next: number;

  constructor(out: PerfettoWriter, subject: TraceSubject) {
    this.#out = out;
    this.#subject = subject;
    const { kind, cpus, rings } = subject;
    const what = kind === 'domain' ? 'vCPU' : 'hart';
    out.track({ id: GROUP.cpus, name: `${what}s`, rank: GROUP.cpus });
    for (let cpu = 0; cpu < cpus; cpu++) {
      out.track({ id: this.cpu(cpu), name: `${what} ${cpu}`, parent: GROUP.cpus, rank: 2 * cpu });
    }
    this.#next = FIRST + cpus;
    if (kind === 'domain') out.track({ id: GROUP.pcpus, name: 'pCPUs', rank: GROUP.pcpus });
    out.track({ id: GROUP.threads, name: 'other threads', rank: GROUP.threads });
    this.#rings = rings.map((role) => this.#declareRing(role));
  }

  /** Of a vCPU, or of a bare hart. */
  cpu(number: number): number {
    return FIRST + number;
  }

  /** Of the thread that a ring belongs to. */
  ring(number: number): number {
    return this.#rings[number] ?? GROUP.threads;
  }

  /** Of a queue of a device. */
  queue(device: number, queue: number): number {
    const key = `${device} ${queue}`;
    const known = this.#queues.get(key);
    if (known !== undefined) return known;
    if (this.#queues.size === 0)
      this.#out.track({ id: GROUP.queues, name: 'queues of devices', rank: GROUP.queues });
    const name = `${this.#subject.devices.get(device) ?? `device ${device}`} queue ${queue}`;
    const id = this.#declare(name, GROUP.queues, device * 64 + queue);
    this.#queues.set(key, id);
    return id;
  }

  /** Of the compiler on the thread of a ring. */
  compiler(ring: number): number {
    const known = this.#compilers.get(ring);
    if (known !== undefined) return known;
    if (this.#compilers.size === 0)
      this.#out.track({ id: GROUP.compiler, name: 'compiler', rank: GROUP.compiler });
    const id = this.#declare(roleName(this.#subject.rings[ring]), GROUP.compiler, ring);
    this.#compilers.set(ring, id);
    return id;
  }

  /** Of the guest's functions that were met on a vCPU. */
  samples(cpu: number): number {
    const known = this.#samples.get(cpu);
    if (known !== undefined) return known;
    const what = this.#subject.kind === 'domain' ? 'vCPU' : 'hart';
    const id = this.#declare(`${what} ${cpu}: function`, GROUP.cpus, 2 * cpu + 1);
    this.#samples.set(cpu, id);
    return id;
  }

  #declareRing(role: RingRole): number {
    if (role.kind === 'hart') return this.cpu(role.index);
    const [parent, rank] = role.kind === 'pcpu' ? [GROUP.pcpus, role.index] : [GROUP.threads, 0];
    return this.#declare(roleName(role), parent, rank);
  }

  #declare(name: string, parent: number, rank: number): number {
    const id = this.#next++;
    this.#out.track({ id, name, parent, rank });
    return id;
  }
}

/** The thread of a ring, as people know it. */
export function roleName(role: RingRole | undefined): string {
  switch (role?.kind) {
    case 'pcpu':
      return `pCPU ${role.index}`;
    case 'hart':
      return `hart ${role.index}`;
    case 'io':
      return `I/O thread ${role.index}`;
    default:
      return 'main thread';
  }
}
