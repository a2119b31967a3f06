import type { Finding } from '../checker/questions.ts';
import { element } from '../dom.ts';

/** The verdict in a line: a word in its color, what was found, and how much was visited. */
export function verdictLine({
  verdict,
  reason,
  states,
  milliseconds,
  counterexample,
}: Finding): (Node | string)[] {
  const kind = verdict === 'PROVEN' ? 'xp-good' : 'xp-bad';
  const visited = `${states.toLocaleString('en')} states in ${(milliseconds / 1000).toFixed(2)} s, in this page.`;
  const length = counterexample === undefined ? '' : ` The shortest way has ${counterexample.length} steps.`;
  return [
    element('strong', { class: `xp-badge ${kind}` }, verdict),
    `${reason}${reason.endsWith('.') ? '' : '.'}${length} ${visited}`,
  ];
}
