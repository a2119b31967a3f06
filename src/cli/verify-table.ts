import type { JobMessage } from '../verify/job.ts';
import { PROPERTIES } from '../verify/property.ts';
import { exploredBy, type JsonResult } from '../verify/report-json.ts';
import type { WeakeningResult } from '../verify/weak-job.ts';

const count = (value: number) => value.toLocaleString('en-US');
const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;

/** The progress of the exploration, for a terminal's last line. */
export function progressText(message: Extract<JobMessage, { kind: 'progress' }>): string {
  const { protocol, scenario, cell, cells, states, milliseconds } = message;
  const far = states === 0 ? '' : `: ${count(states)} states, ${seconds(milliseconds)}`;
  return `[${cell + 1}/${cells}] ${protocol} in ${scenario}${far}`;
}

/**
 * Results for people: a row for each scenario, with a column for each protocol; for a single protocol with its states,
 * time and the findings.
 *
 * @param milliseconds of the whole run.
 * @param file the person's module that the results are about.
 */
export function formatResults(results: readonly JsonResult[], milliseconds: number, file?: string): string {
  const protocols = [...new Set(results.map(({ protocol }) => protocol))];
  const table = protocols.length === 1 ? singleTable(results) : matrixTable(results, protocols);
  const states = results.reduce((sum, result) => sum + statesOf(result), 0);
  return `${[...table, '', ...legend(results, file), summary(results, states, milliseconds)].join('\n')}\n`;
}

/** The sources that ran in every order, which are those that ship, and the person's own. */
export function exploredNote(results: readonly JsonResult[], file: string | undefined): string {
  return `explored: ${[...(file === undefined ? [] : [file]), ...exploredBy(results)].join(', ')}\n`;
}

/** Says which question a run under RVWMO answers, and which cases it has left out. */
export function weakNote(results: readonly JsonResult[]): string {
  const about = "Under RVWMO, with the orders of the kernel's operations.\n";
  const cut = results.filter(({ verdict, assumptions }) => verdict === 'PROVEN' && assumptions.length > 0);
  if (cut.length === 0) return about;
  const names = cut.map(({ protocol, scenario }) => `${protocol} in ${scenario}`).join(', ');
  return `${about}${cut[0].assumptions.join('; ')}: looked no further for ${names}.\n`;
}

/** Which orders are needed, for people. */
export function formatWeakenings(weakenings: readonly WeakeningResult[]): string {
  const rows = weakenings.map((each) => {
    const { protocol, at, without, isUnused, findings } = each;
    const of = (verdict: string) =>
      findings.filter((finding) => finding.verdict === verdict).map(findingText);
    const [broken, proven, open] = [of('VIOLATED'), of('PROVEN'), [...of('NOT PROVEN'), ...of('FAULT')]];
    const why = [
      ...broken,
      ...(proven.length > 0 ? [`proven without it: ${proven.join(', ')}`] : []),
      ...(open.length > 0 ? [`open: ${open.join(', ')}`] : []),
    ];
    return [protocol, at, without, weakeningVerdict(each), isUnused ? unusedText : why.join('; ')];
  });
  const left = new Map(
    weakenings.flatMap(({ protocol, left: findings }) =>
      findings.map(({ scenario, verdict, reason }) => [
        `${protocol} in ${scenario}`,
        `${protocol} in ${scenario}: ${verdict} with all orders, so it tells nothing: ${reason}`,
      ]),
    ),
  );
  const table = layOut([['protocol', 'place', 'without', 'load-bearing?', ''], ...rows], []);
  const rests = weakenings.flatMap(({ findings }) => findings.flatMap(({ assumptions }) => assumptions));
  const lines = [...left.values(), ...new Set(rests)];
  const notes = lines.length === 0 ? [] : ['', ...lines];
  return `${[...table, ...notes].join('\n')}\n`;
}

const unusedText = 'no scenario that is proven with all orders comes here';

/** An order is load-bearing when something that is proven with all orders fails without it. */
function weakeningVerdict({ findings }: WeakeningResult): string {
  if (findings.some(({ verdict }) => verdict === 'VIOLATED')) return 'VIOLATED';
  if (findings.length > 0 && findings.every(({ verdict }) => verdict === 'PROVEN')) return 'not shown';
  return 'NOT PROVEN';
}

function findingText({ scenario, judged, verdict, reason }: WeakeningResult['findings'][number]): string {
  if (verdict === 'VIOLATED') return `${reason.slice(0, 2)} fails in ${scenario}`;
  return judged === 'payload' ? `${scenario} (P6)` : scenario;
}

function singleTable(results: readonly JsonResult[]): string[] {
  const rows = results.map((result) => [
    result.scenario,
    isForEveryNumber(result) ? `PROVEN ${EVERY_NUMBER}` : result.verdict,
    count(statesOf(result)),
    seconds(millisecondsOf(result)),
    result.verdict === 'PROVEN' ? otherNumbersText(result) : result.reason,
  ]);
  return [
    `${results[0]?.protocol ?? 'no protocol'}:`,
    ...layOut([['scenario', 'verdict', 'states', 'time', ''], ...rows], [2, 3]),
  ];
}

const EVERY_NUMBER = 'for every number of senders';

function isForEveryNumber({ everyNumber }: JsonResult): boolean {
  return everyNumber?.verdict === 'PROVEN';
}

/** States of both explorations: with the scenario's own senders, and with any number of them. */
function statesOf({ states, everyNumber }: JsonResult): number {
  return states + (everyNumber?.states ?? 0);
}

function millisecondsOf({ milliseconds, everyNumber }: JsonResult): number {
  return milliseconds + (everyNumber?.milliseconds ?? 0);
}

/** The bounds of a proof that is not for every number of senders. */
function otherNumbersText({ scenario, everyNumber }: JsonResult): string {
  switch (everyNumber?.verdict) {
    case 'VIOLATED':
      return `but ${scenario}+${everyNumber.senders ?? ''} is violated: ${everyNumber.reason}`;
    case 'NOT PROVEN':
      return `not ${EVERY_NUMBER}: ${everyNumber.reason}`;
    default:
      return '';
  }
}

function matrixTable(results: readonly JsonResult[], protocols: readonly string[]): string[] {
  const heads = protocols.map((name) => name.split('-'));
  const height = Math.max(...heads.map(({ length }) => length));
  const headRows = Array.from({ length: height }, (_, line) => [
    line === height - 1 ? 'scenario' : '',
    ...heads.map((parts) => {
      const part = parts[line - (height - parts.length)];
      return part === undefined ? '' : line === height - 1 ? part : `${part}-`;
    }),
    ...(line === height - 1 ? ['states', 'time'] : ['', '']),
  ]);
  const scenarios = [...new Set(results.map(({ scenario }) => scenario))];
  const rows = scenarios.map((scenario) => {
    const row = results.filter((result) => result.scenario === scenario);
    const sum = (of: (result: JsonResult) => number) => row.reduce((total, each) => total + of(each), 0);
    return [
      scenario,
      ...protocols.map((name) => cell(row.find(({ protocol }) => protocol === name))),
      count(sum(statesOf)),
      seconds(sum(millisecondsOf)),
    ];
  });
  const right = [protocols.length + 1, protocols.length + 2];
  return layOut([...headRows, ...rows], right);
}

function cell(result: JsonResult | undefined): string {
  switch (result?.verdict) {
    case 'PROVEN':
      return isForEveryNumber(result) ? 'proven*' : 'proven';
    case 'VIOLATED':
      return result.reason.slice(0, 2);
    case 'NOT PROVEN':
      return '?';
    case 'FAULT':
      return 'fault';
    default:
      return '';
  }
}

function layOut(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((text, column) =>
        right.includes(column) ? text.padStart(widths[column]) : text.padEnd(widths[column]),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** Explains the abbreviations, and names the next commands. */
function legend(results: readonly JsonResult[], file: string | undefined): string[] {
  const violated = results.filter(({ verdict }) => verdict === 'VIOLATED');
  const properties = [...new Set(violated.map(({ reason }) => reason.slice(0, 2)))].sort();
  const broken = properties.map(
    (property) => `${property}  broken: ${(PROPERTIES as Readonly<Record<string, string>>)[property]}`,
  );
  const open = results
    .filter(({ verdict }) => verdict === 'NOT PROVEN' || verdict === 'FAULT')
    .map(({ protocol, scenario, verdict, reason }) => `${protocol} in ${scenario}: ${verdict}: ${reason}`);
  const example = results
    .filter(({ counterexample }) => counterexample !== undefined)
    .reduce<JsonResult | undefined>(
      (best, each) =>
        (each.counterexample?.length ?? 0) < (best?.counterexample?.length ?? Number.POSITIVE_INFINITY)
          ? each
          : best,
      undefined,
    );
  const next =
    example === undefined
      ? []
      : [
          `How it happens: hartvisor verify explain ${example.protocol} ${example.scenario}${optionsFor(example, file)}`,
        ];
  const lines = [...broken, ...otherNumbers(results), ...open, ...next];
  return lines.length === 0 ? [] : [...lines, ''];
}

/** Tells which proofs are for every number of senders, and the facts known of the others. */
function otherNumbers(results: readonly JsonResult[]): string[] {
  const of = (verdict: string) => results.filter(({ everyNumber }) => everyNumber?.verdict === verdict);
  const isOne = new Set(results.map(({ protocol }) => protocol)).size === 1;
  if (isOne) return [];
  const violated = Map.groupBy(of('VIOLATED'), ({ protocol }) => protocol);
  return [
    ...(of('PROVEN').length > 0 ? [`*   ${EVERY_NUMBER}`] : []),
    ...[...violated].map(([protocol, each]) => {
      const where = each.map(
        ({ scenario, everyNumber }) =>
          `${everyNumber?.reason.slice(0, 2)} in ${scenario}+${everyNumber?.senders}`,
      );
      return `${protocol} fails with other senders: ${where.join(', ')}`;
    }),
    ...of('NOT PROVEN').map(
      (result) => `${result.protocol} in ${result.scenario}: ${otherNumbersText(result)}`,
    ),
  ];
}

/** The options with which `explain` shows the same. */
function optionsFor({ counterexample }: JsonResult, file: string | undefined): string {
  const memory = counterexample?.weak === undefined ? '' : ' --memory rvwmo';
  return memory + (file === undefined ? '' : ` --file ${file}`);
}

function summary(results: readonly JsonResult[], states: number, milliseconds: number): string {
  const verdicts = (['PROVEN', 'VIOLATED', 'NOT PROVEN', 'FAULT'] as const)
    .map((verdict) => ({ verdict, number: results.filter((result) => result.verdict === verdict).length }))
    .filter(({ number }) => number > 0)
    .map(({ verdict, number }) => `${number} ${verdict.toLowerCase()}`);
  const every = results.filter(isForEveryNumber).length;
  const beyond = every === 0 ? '' : ` ${count(every)} ${EVERY_NUMBER};`;
  return `${verdicts.join(', ')};${beyond} ${count(states)} states in ${seconds(milliseconds)}.`;
}
