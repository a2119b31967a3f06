import type { Protocol } from '../interrupts/protocol.ts';
import type { Scenario } from './scenario.ts';
import { VERIFY_STATUS, type VerdictName, type VerifyOptions, type VerifyResult, verify } from './verify.ts';

export interface MatrixOptions extends VerifyOptions {
  /** Called before each cell, with its number from 0. */
  readonly onStart?: (protocol: Protocol, scenario: Scenario, cell: number, cells: number) => void;
  /** Called after each cell. */
  readonly onResult?: (result: VerifyResult, cell: number, cells: number) => void;
}

export interface MatrixResult {
  /** Scenario by scenario, and in each protocol by protocol. */
  readonly results: readonly VerifyResult[];
  readonly states: number;
  readonly transitions: number;
  readonly milliseconds: number;
}

/** Verifies every protocol in every scenario. Runs synchronously. */
export function runMatrix(
  protocols: readonly Protocol[],
  scenarios: readonly Scenario[],
  options: MatrixOptions = {},
): MatrixResult {
  const { onStart, onResult, ...each } = options;
  const results: VerifyResult[] = [];
  const cells = protocols.length * scenarios.length;
  for (const scenario of scenarios) {
    for (const protocol of protocols) {
      onStart?.(protocol, scenario, results.length, cells);
      const result = verify(protocol, scenario, each);
      onResult?.(result, results.length, cells);
      results.push(result);
    }
  }
  const sum = (of: (result: VerifyResult) => number) => results.reduce((total, each) => total + of(each), 0);
  return {
    results,
    states: sum(({ states }) => states),
    transitions: sum(({ transitions }) => transitions),
    milliseconds: sum(({ milliseconds }) => milliseconds),
  };
}

const BY_WEIGHT: readonly VerdictName[] = ['PROVEN', 'NOT PROVEN', 'VIOLATED', 'FAULT'];

/** The exit status for one or several results: that of the gravest verdict, and a fault outweighs all verdicts. */
export function statusOf(results: readonly VerifyResult[]): number {
  const gravest = results.reduce<VerifyResult | undefined>(
    (worst, each) =>
      worst === undefined || BY_WEIGHT.indexOf(each.verdict) > BY_WEIGHT.indexOf(worst.verdict)
        ? each
        : worst,
    undefined,
  );
  if (gravest === undefined) return VERIFY_STATUS.PROVEN;
  if (gravest.verdict !== 'FAULT') return VERIFY_STATUS[gravest.verdict];
  return VERIFY_STATUS[gravest.fault?.kind ?? 'replay-mismatch'];
}
