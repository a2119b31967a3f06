import { restoredBareMachine } from '../bare/bare-machine.ts';
import { restoredDomain } from '../domain/domain.ts';
import type { Engine } from '../engine.ts';
import type { MachineDraft, OwnFacts } from '../kind.ts';
import type { RunBare } from '../thread.ts';
import type { TraceConfig } from '../trace/config.ts';
import type { SavedMachine } from './saved-machine.ts';

/** A machine that goes on with a saved state. */
export interface RestoreConfig {
  readonly kind: 'restored';
  /** It becomes the machine's own. */
  readonly saved: SavedMachine;
  readonly engine?: Engine;
  /** Check the rules of the vCPU loop. */
  readonly debug?: boolean;
  /** Processors of the host that the vCPUs of a domain may take; no bound unless it is given. */
  readonly cpuLimit?: number | undefined;
  /** Not traced unless it is given. */
  readonly trace?: TraceConfig | undefined;
}

/** Plans a machine that was saved. */
export function draftRestored({ saved, debug = false, cpuLimit }: RestoreConfig): MachineDraft {
  const { plan, own, xlen, extensions, memory, deviceTree, registers } = saved;
  const create: MachineDraft['create'] = (linear, clock, trace) =>
    plan.kind === 'domain'
      ? restoredDomain(
          { protocol: protocolOf(own), xlen, extensions, debug, cpuLimit },
          plan,
          linear,
          clock,
          trace,
        )
      : restoredBareMachine(plan, linear, bareOf(own), registers);
  return { plan, own, boot: { parts: [], deviceTree }, memory, create };
}

function protocolOf(own: OwnFacts): string {
  if (own.kind !== 'domain') throw new Error('the facts are those of a bare machine');
  return own.protocol;
}

function bareOf(own: OwnFacts): RunBare {
  if (own.kind !== 'bare') throw new Error('the facts are those of a domain');
  return own.bare;
}
