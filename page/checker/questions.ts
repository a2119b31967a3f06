import type { JsonCounterexample } from '../../src/verify/report-json.ts';
import type { RealRun, ReplayPlan, ReplayRequest } from '../../src/verify/threaded/plan.ts';
import type { VerdictName } from '../../src/verify/verify.ts';

/** A protocol to explore: one of hartvisor's by its name, or the text of a module that exports one. */
export type ProtocolChoice = { readonly name: string } | { readonly code: string };

/** A question of the page to the checker. */
export type Question =
  | { readonly kind: 'list' }
  | {
      readonly kind: 'verify';
      readonly protocol: ProtocolChoice;
      readonly scenario: string;
    }
  /** To replay a counterexample on real threads, and what to think of what they did. */
  | { readonly kind: 'plan'; readonly request: ReplayRequest }
  | { readonly kind: 'judge'; readonly request: ReplayRequest; readonly run: RealRun };

/** A protocol, and a scenario, as people choose them. */
export interface ProtocolInfo {
  readonly name: string;
  readonly provenance: string;
}

export interface ScenarioInfo {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly group: string;
}

export interface Catalogue {
  readonly protocols: readonly ProtocolInfo[];
  /** Those without an interrupt file, of which protocols see little. */
  readonly scenarios: readonly ScenarioInfo[];
}

/** The result of an exploration. */
export interface Finding {
  readonly protocol: string;
  readonly scenario: string;
  readonly verdict: VerdictName;
  readonly reason: string;
  readonly states: number;
  readonly milliseconds: number;
  readonly counterexample?: JsonCounterexample;
  /** The names of all threads. */
  readonly threads: readonly string[];
  /** Paths of the sources that were explored, in a checkout. */
  readonly explored: readonly string[];
}

export type Answer =
  | { readonly kind: 'list'; readonly catalogue: Catalogue }
  | { readonly kind: 'progress'; readonly states: number }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'plan'; readonly plan: ReplayPlan; readonly controlWords: number }
  | { readonly kind: 'outcome'; readonly outcome: string }
  /** A mistake of the person, in words. */
  | { readonly kind: 'mistake'; readonly message: string };

/** The name that code of a person has in counterexamples. */
export const OWN_FILE = 'your-protocol.js';
