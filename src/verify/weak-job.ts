/** The parts of a run of the checker that are about RISC-V's weak memory. */
import { InputError } from '../errors/input-error.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import { HarnessFault } from './fault.ts';
import { orderingBy, TRANSCRIPTIONS, type Transcription, weakened } from './memory/transcription.ts';
import type { OrderingOf, WeakBounds } from './memory/weak-search.ts';
import { verifyWeakly } from './memory/weak-verify.ts';
import type { Scenario } from './scenario.ts';
import type { VerifyOptions, VerifyResult } from './verify.ts';

/** Scenarios that are small enough for weak memory; used when nobody asks for others. */
export const WEAK_SCENARIOS: readonly string[] = ['ipi-after-round', 'one-ipi', 'mail'];

/** Milliseconds for one exploration, unless somebody asks for more. */
const LONGEST = 20_000;

/** What taking one order away does. */
export interface WeakeningResult {
  readonly protocol: string;
  /** The place in the protocol. */
  readonly at: string;
  /** What is gone, as assembly calls it. */
  readonly without: string;
  /** Scenarios that fail now and did not before, with the property. */
  readonly broken: readonly { readonly scenario: string; readonly property: string }[];
  /** Scenarios that are proven without it, too. */
  readonly proven: readonly string[];
  /** Scenarios without a verdict. */
  readonly open: readonly string[];
}

/** Names of the protocols whose orders in C are written down. */
export function transcribed(): string[] {
  return Object.keys(TRANSCRIPTIONS);
}

function transcriptionOf({ name }: Protocol): Transcription {
  const found = TRANSCRIPTIONS[name];
  if (found !== undefined) return found;
  throw new InputError(
    `What orders ${name} has in C is not written down, so it can be explored under sc only; rvwmo knows ${transcribed().join(', ')}.`,
  );
}

/**
 * Explores a protocol's C code under RVWMO.
 *
 * @throws InputError for a protocol whose orders are not known.
 */
export function verifyUnderRvwmo(
  protocol: Protocol,
  scenario: Scenario,
  options: VerifyOptions = {},
): VerifyResult {
  const transcription = transcriptionOf(protocol);
  return run(protocol, scenario, orderingBy(transcription), boundsOf(options));
}

/**
 * Takes away each order of a protocol in turn, and tells which scenarios fail for it.
 *
 * @throws InputError for a protocol whose orders are not known.
 */
export function* weakenings(
  protocol: Protocol,
  scenarios: readonly Scenario[],
  options: VerifyOptions = {},
): Generator<WeakeningResult> {
  const transcription = transcriptionOf(protocol);
  const bounds = boundsOf(options);
  const whole = orderingBy(transcription);
  const sound = scenarios.filter((scenario) => run(protocol, scenario, whole, bounds).verdict !== 'VIOLATED');
  for (const { weakening, orderingOf } of weakened(transcription)) {
    const results = sound.map((scenario) => run(protocol, scenario, orderingOf, bounds));
    yield {
      protocol: protocol.name,
      ...weakening,
      broken: results
        .filter(({ verdict }) => verdict === 'VIOLATED')
        .map(({ scenario, reason }) => ({ scenario, property: reason.slice(0, 2) })),
      proven: results.filter(({ verdict }) => verdict === 'PROVEN').map(({ scenario }) => scenario),
      open: results
        .filter(({ verdict }) => verdict !== 'PROVEN' && verdict !== 'VIOLATED')
        .map(({ scenario }) => scenario),
    };
  }
}

function boundsOf({ maxStates, maxTime = LONGEST }: VerifyOptions): Partial<WeakBounds> {
  return { maxTime, ...(maxStates === undefined ? {} : { maxStates }) };
}

function run(
  protocol: Protocol,
  scenario: Scenario,
  orderingOf: OrderingOf,
  bounds: Partial<WeakBounds>,
): VerifyResult {
  const started = performance.now();
  const common = {
    protocol: protocol.name,
    scenario: scenario.name,
    depth: 0,
    codeRuns: 0,
    specStates: 0,
    bytes: 0,
    collisionProbability: 0,
    assumptions: [],
  };
  try {
    const { verdict, reason, found, states, transitions, restStates } = verifyWeakly(
      protocol,
      scenario,
      orderingOf,
      bounds,
    );
    const text = reason ?? (found === undefined ? 'all was explored' : `${found.property}: ${found.message}`);
    const milliseconds = performance.now() - started;
    return { ...common, verdict, reason: text, states, transitions, restStates, milliseconds };
  } catch (error) {
    if (!(error instanceof HarnessFault)) throw error;
    const { kind, message } = error;
    const numbers = { states: 0, transitions: 0, restStates: 0, milliseconds: performance.now() - started };
    return { ...common, ...numbers, verdict: 'FAULT', reason: message, fault: { kind, message } };
  }
}
