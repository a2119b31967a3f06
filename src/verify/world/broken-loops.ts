/** The loop with one of its rules broken on purpose: each has a scenario in which protocols that are right fail. */
import { type LoopPart, type LoopSurroundings, VcpuLoop } from '../../interrupts/vcpu-loop.ts';
import type { Env } from '../thread.ts';

/** Rule 1: HVIP is taken back before the next entry, not after the exit. */
export class SyncsLate extends VcpuLoop {
  readonly #env: Env;
  readonly #now: { unsynced: boolean };

  constructor(at: LoopSurroundings, env: Env, now: { unsynced: boolean }) {
    super(at);
    this.#env = env;
    this.#now = now;
  }

  protected override enter(): LoopPart {
    if (this.#now.unsynced) {
      this.#env.note('late');
      this.at.interrupts.syncInterrupts(this.at.hvipLo, this.at.hvipHi);
      this.#now.unsynced = false;
    }
    return super.enter();
  }

  protected override exit(): LoopPart {
    this.at.interrupts.exitGuest();
    this.#now.unsynced = true;
    return 'handle';
  }
}

/** Rule 1: HVIP is saved, as the vCPU's cached one, before sync has seen it. */
export class SavesBeforeSync extends VcpuLoop {
  readonly #env: Env;

  constructor(at: LoopSurroundings, env: Env) {
    super(at);
    this.#env = env;
  }

  protected override exit(): LoopPart {
    const { interrupts } = this.at;
    interrupts.exitGuest();
    const { hvipLo, hvipHi } = this.at;
    if (this.#env.choose(2) === 1) {
      this.#env.note('HVIP is saved before it');
      const image = interrupts.capture();
      interrupts.resume({ ...image, local: { ...image.local, hvipLo, hvipHi } });
    }
    interrupts.syncInterrupts(hvipLo, hvipHi);
    return 'handle';
  }
}

/** Rule 2: the vCPU may be preempted between the flush and the write of HVIP, where the hart still has `before`. */
export class FlushIsPreemptible extends VcpuLoop {
  readonly #env: Env;
  readonly #before: { readonly lo: number; readonly hi: number };

  constructor(at: LoopSurroundings, env: Env, before: { readonly lo: number; readonly hi: number }) {
    super(at);
    this.#env = env;
    this.#before = before;
  }

  protected override flush(): LoopPart {
    const next = super.flush();
    if (this.#env.choose(2) === 0) return next;
    this.#env.note('preempted');
    this.at.interrupts.exitGuest();
    // The guest is owed what the flush said, which nobody has written.
    this.at.interrupts.syncInterrupts(this.#before.lo, this.#before.hi);
    return 'yield';
  }
}
