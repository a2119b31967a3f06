/** The parts of a run of the checker that are about RISC-V's weak memory. */
import { InputError } from '../errors/input-error.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import { HarnessFault } from './fault.ts';
import type { Weakening } from './memory/orderings.ts';
import {
  MESSAGE_PLACE,
  orderingBy,
  placeOf,
  TRANSCRIPTIONS,
  type Transcription,
  transcribed as transcribedCode,
  type Weakened,
  weakened,
} from './memory/transcription.ts';
import { confirmWeakly } from './memory/weak-confirm.ts';
import type { OrderingOf, WeakBounds } from './memory/weak-search.ts';
import { AT_ONCE, HORIZON, verifyWeakly } from './memory/weak-verify.ts';
import type { Scenario } from './scenario.ts';
import type { VerifyOptions, VerifyResult } from './verify.ts';

/** Scenarios that are small enough for weak memory; used when nobody asks for others. */
export const WEAK_SCENARIOS: readonly string[] = [
  'ipi-after-round',
  'one-ipi',
  'one-mail',
  'mail',
  'line-busy',
  'line',
];

/** Milliseconds for one exploration, unless somebody asks for more. */
const LONGEST = 20_000;

const NOT_FURTHER = `No store takes effect more than ${HORIZON} accesses ahead of its turn, and no more than ${AT_ONCE} of a thread at once`;

/** The verdict of a scenario on the code with or without an order. */
export interface WeakFinding {
  readonly scenario: string;
  /** `payload`: the whole scenario cannot be judged, so only P6 and P7 are looked at. */
  readonly judged: 'all' | 'payload';
  readonly verdict: VerifyResult['verdict'];
  readonly reason: string;
  readonly states: number;
  /** The verdict rests on these. */
  readonly assumptions: readonly string[];
}

/** The effect of taking one order away, in the scenarios that are proven with it. */
export interface WeakeningResult {
  readonly protocol: string;
  /** The place in the protocol. */
  readonly at: string;
  /** The missing order, as assembly calls it. */
  readonly without: string;
  /** No scenario that is proven with all orders comes to that place. */
  readonly isUnused: boolean;
  readonly findings: readonly WeakFinding[];
  /** Scenarios that are not proven with all orders, so that they tell nothing. */
  readonly left: readonly WeakFinding[];
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
 * The same with one order less. A scenario that cannot be judged by the order of calls is judged by its messages.
 *
 * @param words that tell which order: those of its place, and what is gone, as `verify --weaken` shows them.
 * @throws InputError for a protocol whose orders are not known, and for words that fit no order, or several.
 */
export function verifyWithout(
  protocol: Protocol,
  scenario: Scenario,
  words: string,
  options: VerifyOptions = {},
): VerifyResult {
  const { weakening, orderingOf, shared } = findOrder(protocol, hasFile(scenario), words);
  const bounds = { ...boundsOf(options), shared };
  const all = run(protocol, scenario, orderingOf, bounds, weakening);
  if (all.verdict !== 'NOT PROVEN') return all;
  const payload = run(protocol, scenario, orderingOf, { ...bounds, valuesOnly: true }, weakening);
  return payload.verdict === 'VIOLATED' ? payload : all;
}

function hasFile({ identities }: Scenario): boolean {
  return identities !== undefined;
}

function findOrder(protocol: Protocol, withFile: boolean, words: string): Weakened {
  const orders = [...weakened(transcriptionOf(protocol), withFile)];
  const wanted = partsOf(words);
  const found = orders.filter(({ weakening }) => {
    const parts = partsOf(nameOf(weakening));
    return wanted.every((word) => parts.includes(word));
  });
  if (found.length === 1) return found[0];
  const names = (found.length === 0 ? orders : found).map(({ weakening }) => `  ${nameOf(weakening)}`);
  const what = found.length === 0 ? 'fits none of its orders' : 'fits several orders';
  throw new InputError(
    `--without '${words}': this ${what}. Give words of one of these:\n${names.join('\n')}`,
  );
}

/** The name of an order. */
function nameOf({ at, without }: Weakening): string {
  return `${at} ${without}`;
}

function partsOf(text: string): string[] {
  return text.split(/[\s:()]+/).filter((part) => part !== '');
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
  const orders = [...weakened(transcriptionOf(protocol), scenarios.some(hasFile))];
  for (const whole of new Set(orders.map((order) => order.whole))) {
    const of = orders.filter((order) => order.whole === whole);
    yield* weakeningsOf(protocol, scenarios, of, boundsOf(options));
  }
}

/** Orders that are taken away from the same whole. */
function* weakeningsOf(
  protocol: Protocol,
  scenarios: readonly Scenario[],
  orders: readonly Weakened[],
  limits: Partial<WeakBounds>,
): Generator<WeakeningResult> {
  const [{ whole, shared }] = orders;
  const bounds = { ...limits, shared };
  const used = new Set<string>();
  const proven: Sound[] = [];
  const left: WeakFinding[] = [];
  for (const scenario of scenarios) {
    const comesTo = new Set<string>();
    const finding = findingWithAll(protocol, scenario, watched(whole, comesTo), bounds, comesTo);
    if (finding.verdict === 'PROVEN') {
      const hasMessage = comesTo.has(MESSAGE_PLACE);
      proven.push({ scenario, judged: finding.judged, states: finding.states, hasMessage });
      for (const place of comesTo) used.add(place);
    } else left.push(finding);
  }
  proven.sort((one, other) => one.states - other.states);
  for (const { weakening, orderingOf } of orders) {
    const isUnused = ![...used].some((place) => isAt(weakening.at, place));
    const findings = isUnused ? [] : findingsWithout(protocol, proven, orderingOf, bounds);
    yield { protocol: protocol.name, ...weakening, isUnused, findings, left };
  }
}

/** A scenario that is proven with all orders. */
interface Sound {
  readonly scenario: Scenario;
  readonly judged: WeakFinding['judged'];
  readonly states: number;
  readonly hasMessage: boolean;
}

/** The same orderings; the places that accesses come to are added to `used`. */
function watched(orderingOf: OrderingOf, used: Set<string>): OrderingOf {
  return (site) => {
    const place = placeOf(site);
    if (place !== undefined) used.add(place);
    return orderingOf(site);
  };
}

/** A barrier's name begins with the place that it stands at. */
function isAt(at: string, place: string): boolean {
  return at === place || at.startsWith(`${place}: `);
}

function findingWithAll(
  protocol: Protocol,
  scenario: Scenario,
  whole: OrderingOf,
  bounds: Partial<WeakBounds>,
  comesTo: ReadonlySet<string>,
): WeakFinding {
  const all = findingOf(protocol, scenario, whole, bounds);
  if (all.verdict !== 'NOT PROVEN' || !comesTo.has(MESSAGE_PLACE)) return all;
  const payload = findingOf(protocol, scenario, whole, { ...bounds, valuesOnly: true });
  return payload.verdict === 'PROVEN' ? payload : all;
}

/** One scenario that fails is enough. */
function findingsWithout(
  protocol: Protocol,
  proven: readonly Sound[],
  orderingOf: OrderingOf,
  bounds: Partial<WeakBounds>,
): WeakFinding[] {
  const findings: WeakFinding[] = [];
  for (const sound of proven) {
    const finding = findingWithout(protocol, sound, orderingOf, bounds);
    if (finding.verdict === 'VIOLATED') return [finding];
    findings.push(finding);
  }
  return findings;
}

function findingWithout(
  protocol: Protocol,
  { scenario, judged, hasMessage }: Sound,
  orderingOf: OrderingOf,
  bounds: Partial<WeakBounds>,
): WeakFinding {
  const payload = (): WeakFinding =>
    findingOf(protocol, scenario, orderingOf, { ...bounds, valuesOnly: true });
  if (judged === 'payload') return payload();
  const all = findingOf(protocol, scenario, orderingOf, bounds);
  if (all.verdict !== 'NOT PROVEN' || !hasMessage) return all;
  const second = payload();
  return second.verdict === 'VIOLATED' ? second : all;
}

function findingOf(
  protocol: Protocol,
  scenario: Scenario,
  orderingOf: OrderingOf,
  bounds: Partial<WeakBounds>,
): WeakFinding {
  const { verdict, reason, states, assumptions } = run(protocol, scenario, orderingOf, bounds);
  const judged = bounds.valuesOnly ? 'payload' : 'all';
  return { scenario: scenario.name, judged, verdict, reason, states, assumptions };
}

function boundsOf({ maxStates, maxTime = LONGEST }: VerifyOptions): Partial<WeakBounds> {
  return { maxTime, ...(maxStates === undefined ? {} : { maxStates }) };
}

function run(
  protocol: Protocol,
  scenario: Scenario,
  orderingOf: OrderingOf,
  bounds: Partial<WeakBounds>,
  missing?: Weakening,
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
    const { verdict, reason, found, isCut, states, transitions, restStates } = verifyWeakly(
      protocol,
      scenario,
      orderingOf,
      bounds,
    );
    const text = reason ?? (found === undefined ? 'all was explored' : `${found.property}: ${found.message}`);
    const milliseconds = performance.now() - started;
    const assumptions = isCut ? [NOT_FURTHER] : [];
    const numbers = { states, transitions, restStates, milliseconds };
    const result = { ...common, assumptions, verdict, reason: text, ...numbers };
    if (verdict !== 'VIOLATED' || found === undefined) return result;
    const code = transcribedCode(transcriptionOf(protocol));
    const subject = { code, scenario, orderingOf, valuesOnly: bounds.valuesOnly, missing };
    return { ...result, counterexample: confirmWeakly(subject, found) };
  } catch (error) {
    if (!(error instanceof HarnessFault)) throw error;
    const { kind, message } = error;
    const numbers = { states: 0, transitions: 0, restStates: 0, milliseconds: performance.now() - started };
    return { ...common, ...numbers, verdict: 'FAULT', reason: message, fault: { kind, message } };
  }
}
