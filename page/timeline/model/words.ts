import { MOMENT_STEPS, type MomentStep } from '../../../src/trace/moments.ts';
import { interruptName, stayEndName } from '../../../src/trace/names.ts';
import type { LaneEvent } from './lane-events.ts';
import type { TimelineStore } from './store.ts';
import { spanText } from './view.ts';

const BITS: readonly (readonly [bit: number, name: string])[] = [
  [2, 'VSSIP'],
  [6, 'VSTIP'],
  [10, 'VSEIP'],
  [13, 'LCOFIP'],
];

/** Says what events are, in the words of the field. */
export class Words {
  readonly #store: TimelineStore;
  readonly #what: string;

  constructor(store: TimelineStore) {
    this.#store = store;
    this.#what = store.subject.kind === 'domain' ? 'vCPU' : 'hart';
  }

  /** A few words for an event: its mark's label, and what a search looks at. */
  label(event: LaneEvent): string {
    const { cpu, cause, detail } = event;
    switch (stepOf(event)) {
      case 'stay':
        return this.#store.subject.kind === 'domain' ? stayEndName(cause & 0xff, cause >>> 8) : 'code';
      case 'set':
        return `set ${interruptName(cause)} of ${this.cpu(cpu)}`;
      case 'kick':
        return `kick ${this.cpu(cpu)}`;
      case 'raise':
        return cpu < 0 ? `raise ${this.#source(detail)}` : `send message ${detail} to ${this.cpu(cpu)}`;
      case 'inject':
        return `flush delivers ${interruptName(cause)}`;
      case 'take':
        return `handler of ${interruptName(cause)}`;
      case 'claim':
        return `claim ${this.#source(detail)}`;
      case 'spurious':
        return 'claim: SPURIOUS';
      case 'lost':
        return `LOST ${interruptName(cause)}`;
      case 'sleep':
        return 'sleep (WFI)';
      case 'awake':
        return 'stays awake';
      case 'wake':
        return `wake ${this.cpu(cpu)}`;
      case 'yield':
        return 'turn is over';
      case 'stop':
        return 'stopped';
      case 'load':
        return `loaded by ${this.#store.subject.threads[detail] ?? `pCPU ${detail}`}`;
      case 'gap':
        return `${detail} records lost`;
    }
  }

  /**
   * One event in one sentence, or two.
   *
   * @param lane its name
   * @param cause the first event of the same interrupt, if it is another one
   */
  sentence(event: LaneEvent, lane: string, origin?: LaneEvent): string {
    const { cpu, cause, detail, span } = event;
    const name = interruptName(cause);
    const since =
      origin === undefined
        ? ''
        : `, ${spanText(event.time - origin.time)} after it was ${origin.step === SET ? 'set' : 'raised'}`;
    switch (stepOf(event)) {
      case 'stay':
        return this.#stay(event, lane);
      case 'set':
        return `${lane} sets the ${name} of ${this.cpu(cpu)}: one atomic write to the word of pending interrupts that all threads share.`;
      case 'kick':
        return `${lane} kicks ${this.cpu(cpu)}: if that is in its guest it has to leave it, and if it sleeps it is woken, so that it looks at its interrupts.`;
      case 'raise':
        return cpu < 0
          ? `${lane} raises the wire of ${this.#source(detail)} at the interrupt controller.`
          : `${lane} sends message ${detail} to the interrupt file of ${this.cpu(cpu)}.`;
      case 'inject':
        return `The flush before the guest is entered finds the ${name} of ${lane} pending and writes it into HVIP${since}: from here on the guest has it.`;
      case 'take':
        return span > 0
          ? `The guest on ${lane} is in its handler of the ${name}, ${spanText(span)} after the deadline of its timer.`
          : `The guest on ${lane} is in its handler of the ${name}${since}${origin === undefined && cause === 1 ? ', which it has set itself' : ''}.`;
      case 'claim':
        return `The guest on ${lane} claims ${this.#source(detail)}${since}: the controller takes it as handled from here on.`;
      case 'spurious':
        return `The guest on ${lane} was interrupted, and has found nothing to claim: what x86 calls a spurious interrupt.`;
      case 'lost':
        return `The ${name} of ${lane} is lost: it was set${origin === undefined ? '' : ` ${spanText(event.time - origin.time)} ago`}, and a flush that came later for sure has found it neither pending nor delivered.`;
      case 'sleep':
        return `${lane} has nothing to do: it publishes that it is blocked, looks once more, and leaves its pCPU until somebody wakes it.`;
      case 'awake':
        return `${lane} was about to sleep, and its last look has found something to do.`;
      case 'wake':
        return `${lane} puts ${this.cpu(cpu)} on the run queue: it has slept, and there is something to look at.`;
      case 'yield':
        return `The turn of ${lane} on its pCPU is over, and it waits on the run queue.`;
      case 'stop':
        return `${lane} has stopped itself; another one has to start it.`;
      case 'load':
        return `${this.#store.subject.threads[detail] ?? `pCPU ${detail}`} takes ${lane} from the run queue and loads its registers.`;
      case 'gap':
        return `${detail} records did not find room in the ring of ${lane}, so nothing is known of what was under way here.`;
    }
  }

  cpu(cpu: number): string {
    return cpu < 0 ? `a ${this.#what}` : `${this.#what} ${cpu}`;
  }

  #stay({ cause, detail, span }: LaneEvent, lane: string): string {
    if (this.#store.subject.kind === 'bare') return `${lane} has run for ${spanText(span)}.`;
    const end = stayEndName(cause & 0xff, cause >>> 8).replace('exit: ', '');
    return (
      `${lane} was in its guest for ${spanText(span)}: the flush before it left ${bitsText(detail & 0xffff)} in HVIP, ` +
      `it came out by an exit (${end}), and the sync directly behind found ${bitsText(detail >>> 16)}.`
    );
  }

  #source(source: number): string {
    if (source === 0) return 'nothing';
    const name = this.#store.subject.sources.get(source);
    return name === undefined ? `source ${source}` : `source ${source} (${name})`;
  }
}

const SET = MOMENT_STEPS.indexOf('set');

export function stepOf({ step }: Pick<LaneEvent, 'step'>): MomentStep {
  return MOMENT_STEPS[step] ?? 'gap';
}

function bitsText(bits: number): string {
  const names = BITS.filter(([bit]) => ((bits >>> bit) & 1) !== 0).map(([, name]) => name);
  return names.length === 0 ? 'nothing' : names.join(' and ');
}
