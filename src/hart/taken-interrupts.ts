import type { HartDebug } from './debug/hart-debug.ts';
import { CSR } from './layout.ts';
import type { Platform } from './platform.ts';
import type { Privileged, TrapTarget } from './privileged/index.ts';
import type { HartState } from './state.ts';

/** The parts of a hart that take part when it takes an interrupt. */
export interface TakenInterruptsParts {
  readonly state: HartState;
  readonly privileged: Privileged;
  readonly debug: HartDebug;
  readonly platform: Platform;
}

/** Takes a hart's interrupts, counts those of its guest, and tells the platform of all. */
export class TakenInterrupts {
  /** Interrupts taken by the guest since the start, by VS-level cause (1, 5, 9, ...). */
  readonly ofGuest = new Float64Array(64);
  readonly #state: HartState;
  readonly #privileged: Privileged;
  readonly #debug: HartDebug;
  readonly #platform: Platform;

  constructor({ state, privileged, debug, platform }: TakenInterruptsParts) {
    this.#state = state;
    this.#privileged = privileged;
    this.#debug = debug;
    this.#platform = platform;
  }

  /** Takes a pending interrupt that is enabled, if there is one: pc is at its handler then. None during a step. */
  take(): TrapTarget | undefined {
    if (this.#debug.stepping) return undefined;
    const target = this.#privileged.takeInterrupt();
    if (target !== undefined) this.#tell(target);
    if (target === 'VS') {
      const cause = (this.#state.csr[CSR.vscause] as number) & 63;
      this.ofGuest[cause] = (this.ofGuest[cause] as number) + 1;
    }
    return target;
  }

  /** Whether an interrupt with this target is for a host that plays HS-mode, so that the run ends. */
  isForHost(target: TrapTarget | undefined): boolean {
    return target !== undefined && target !== 'VS' && this.#state.hsHost;
  }

  #tell(target: TrapTarget): void {
    const platform = this.#platform;
    if (platform.interruptTaken === undefined) return;
    const { csr } = this.#state;
    const cause = csr[CSR[target === 'VS' ? 'vscause' : target === 'HS' ? 'scause' : 'mcause']] as number;
    platform.interruptTaken(target, cause & 63);
  }
}
