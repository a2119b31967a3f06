import type { JsonResult } from '../report-json.ts';
import { headingOf, TAIL, type Timeline, type TimelineRow, timelineOf } from './timeline.ts';

/**
 * A counterexample as a Mermaid sequence diagram: paste it into a Markdown page between lines of three backquotes.
 *
 * @throws RangeError for a result without a counterexample.
 */
export function exportMermaid(result: JsonResult): string {
  const timeline = timelineOf(result);
  const { lanes, interrupt } = timeline;
  const words = timeline.shown.filter((bit) => bit === 'pending' || bit === 'mask');
  const lines = [
    'sequenceDiagram',
    `  title ${plain(`${headingOf(timeline)}: ${timeline.reason}`)}`,
    ...lanes.map((name, lane) => `  participant T${lane} as ${plain(name)}`),
    ...words.map((word) => `  participant ${word} as ${word}.${interrupt}`),
    ...timeline.rows.flatMap((row) => rowLines(row, timeline)),
    ...(timeline.rows.some(({ kind }) => kind === 'loop') ? ['  end'] : []),
    `  Note over T0,${words.at(-1) ?? `T${lanes.length - 1}`}: ${plain(timeline.reason)}`,
  ];
  return `${lines.join('\n')}\n`;
}

function rowLines(row: TimelineRow, { interrupt }: Timeline): string[] {
  if (row.kind === 'loop') return ['  loop for ever'];
  if (row.kind === 'tail') return [`  Note over T0: ${TAIL}`];
  const thread = `T${row.lane}`;
  if (row.kind === 'note') return [`  Note over ${thread}: ${row.isRemark ? '… ' : ''}${plain(row.text)}`];
  const { bits, touches, number } = row;
  const text = plain(`${number}. ${row.text}`);
  if (touches === undefined) return [`  ${thread}->>${thread}: ${text}`];
  const arrow = `  ${thread}->>${touches}: ${text} → ${bits[touches] ? 1 : 0}`;
  if (!row.erases) return [arrow];
  const what = row.undoes === undefined ? '' : `, which step ${row.undoes} had set`;
  return [
    '  rect rgba(220, 60, 50, 0.25)',
    arrow,
    `  Note over ${touches}: erases ${interrupt}${what}`,
    '  end',
  ];
}

/** Mermaid ends a statement at a semicolon and reads `#` as the begin of an entity. */
function plain(text: string): string {
  return text.replaceAll('#', '＃').replaceAll(';', ',').replaceAll(':=', '≔');
}
