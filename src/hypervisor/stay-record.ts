import { CAUSE } from '../hart/exceptions.ts';
import type { Hart } from '../hart/index.ts';
import { CSR, EXIT, type Exit } from '../hart/layout.ts';
import { instructionNamed } from '../isa/index.ts';
import { TICKS_PER_MS } from '../time/ticks.ts';
import { nanoseconds, type Recorder, STAY_END, type StayEnd } from '../trace/recorder.ts';

/** The timer interrupt, as vscause has it. */
const TIMER = 5;
/** The register with the number of an SBI extension. */
const A7 = 17;
const { match: WFI } = instructionNamed('wfi');

/** Records the stays of vCPUs in their guests: from the flush before them to the exit. */
export class StayRecord {
  readonly #recorder: Recorder;
  readonly #hart: Hart;
  /** HVIP as it was written, when that was, and when the guest was left. */
  #hvip = 0;
  #flushedAt = 0;
  #leftAt = 0;

  constructor(recorder: Recorder, hart: Hart) {
    this.#recorder = recorder;
    this.#hart = hart;
  }

  /**
   * HVIP was written: behind the flush, and before anything that the guest does with it.
   *
   * @param added bits that rose
   */
  flushed(vcpu: number, hvip: number, added: number): void {
    this.#hvip = hvip;
    this.#flushedAt = this.#recorder.now();
    if (added !== 0) this.#recorder.inject(vcpu, added);
  }

  /** The guest was left. */
  left(): void {
    this.#leftAt = this.#recorder.now();
  }

  /** The stay is over, and nothing of the hart was touched since. */
  end(vcpu: number, exit: Exit): void {
    const { state } = this.#hart;
    const { csr } = state;
    const trapped = exit === EXIT.trap;
    const cause = csr[CSR.scause] as number;
    const end = trapped ? this.#trapEnd(cause) : STAY_END.yield;
    const detail = end === STAY_END.sbi ? (state.x[2 * A7] as number) : trapped ? cause : 0;
    const pcLow = trapped ? (csr[CSR.sepc] as number) : state.pcLow;
    const pcHigh = trapped ? (csr[CSR.sepc + 1] as number) : state.pcHigh;
    const hvipOut = csr[CSR.hvip] as number;
    const [from, to] = [this.#flushedAt, this.#leftAt];
    this.#recorder.stay(vcpu, from, to, this.#hvip, hvipOut, end, detail, pcLow, pcHigh);
  }

  /**
   * Within a stay: the guest has taken an interrupt.
   *
   * @param cause as vscause has it
   * @param late ticks since its timer was due; of the timer interrupt alone
   */
  taken(vcpu: number, cause: number, late: () => number): void {
    const { csr } = this.#hart.state;
    const delay = cause === TIMER ? late() / TICKS_PER_MS : 0;
    const pcLow = csr[CSR.vsepc] as number;
    this.#recorder.taken(vcpu, cause, 'VS', nanoseconds(delay), pcLow, csr[CSR.vsepc + 1] as number);
  }

  #trapEnd(cause: number): StayEnd {
    if (cause === CAUSE.ecallFromVs) return STAY_END.sbi;
    if (cause !== CAUSE.virtualInstruction) return STAY_END.trap;
    return this.#hart.state.csr[CSR.stval] === WFI ? STAY_END.wfi : STAY_END.virtual;
  }
}
