import { Scheduler } from '../../hypervisor/scheduler.ts';
import { SoftwareEvents } from '../../hypervisor/software-events.ts';
import { Vcpu } from '../../hypervisor/vcpu.ts';
import { protocolByName } from '../../interrupts/protocols.ts';
import { vlenOf } from '../../isa/extensions.ts';
import type { Recorder } from '../../trace/recorder.ts';
import { type InstructionClock, SkippingSleep } from '../instruction-clock.ts';
import type { PcpuStart, WorkerHost } from '../thread.ts';

/** The parts that belong to a thread rather than to its domain. */
interface OfThread {
  readonly standIn?: WorkerHost['standIn'];
  readonly trace?: Recorder | undefined;
}

/** This thread's objects for all vCPUs of a domain. */
export function createVcpus(
  start: Pick<PcpuStart, 'memory' | 'plan' | 'protocol' | 'debug' | 'xlen' | 'extensions'>,
  scheduler: Scheduler,
  ticks: () => number,
  externalPending: (vcpu: number) => boolean,
  { standIn = (shipped) => shipped, trace }: OfThread = {},
): readonly Vcpu[] {
  const { memory, plan } = start;
  const protocol = standIn(protocolByName(start.protocol));
  return plan.vcpus.map(
    (area, index) =>
      new Vcpu({
        memory,
        area,
        index,
        protocol,
        externalPending: () => externalPending(index),
        ticks,
        sstc: start.extensions.includes('sstc'),
        aia: plan.aia === 'aplic-imsic',
        wake: () => scheduler.enqueue(index),
        debug: start.debug,
        trace,
        xlen: start.xlen,
        vlen: vlenOf(start.extensions),
      }),
  );
}

/** The run queue of a domain, as one thread sees it. */
export function createScheduler(
  { memory, plan }: Pick<PcpuStart, 'memory' | 'plan'>,
  clock?: InstructionClock,
): Scheduler {
  const words = new Int32Array(memory.buffer, plan.scheduler, Scheduler.wordsFor(plan.cpus));
  return clock === undefined
    ? new Scheduler(words, plan.cpus)
    : new Scheduler(words, plan.cpus, (...place) => new SkippingSleep(...place, clock));
}

/** The software events of a domain, as one thread sees them. */
export function createEvents({ memory, plan }: Pick<PcpuStart, 'memory' | 'plan'>): SoftwareEvents {
  const words = new Int32Array(memory.buffer, plan.events, SoftwareEvents.wordsFor(plan.cpus));
  return new SoftwareEvents(words, plan.cpus);
}
