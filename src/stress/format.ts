import type { StressReport, StressRow } from './stress.ts';

const count = (value: number) => value.toLocaleString('en-US');

/** A share of `whole` in percent, with enough digits to tell few from none. */
function share(part: number, whole: number): string {
  if (part === 0 || whole === 0) {
    return '';
  }
  const percent = (100 * part) / whole;
  return percent >= 0.01 ? ` (${percent.toFixed(2)} %)` : ' (< 0.01 %)';
}

function cells(row: StressRow): string[] {
  return [
    row.protocol,
    count(row.sent),
    count(row.received),
    count(row.bursts),
    count(row.deliveries),
    count(row.lost) + share(row.lost, row.bursts),
    count(row.doubled),
    count(row.wrongLevels) + share(row.wrongLevels, row.rests),
    count(Math.round(row.sent / row.seconds)),
  ];
}

/**
 * The report as a table of plain text, without a newline at its end.
 *
 * - Sent: messages, each with a call of `set`. Received: those that the guest read.
 * - Bursts: times that a sender waited for its answer; each can show one loss. Taken: interrupts, each for one message
 * or many.
 * - Lost: interrupts that were missing when everything was at rest. Doubled: those that no call of `set` accounts for.
 * - Levels wrong: rests at which the guest's external interrupt differed from its line.
 */
export function formatStress({ senders, rows }: StressReport): string {
  const head = [
    'protocol',
    'sent',
    'received',
    'bursts',
    'taken',
    'lost',
    'doubled',
    'levels wrong',
    'sent/s',
  ];
  const table = [head, ...rows.map(cells)];
  const widths = head.map((_, column) => Math.max(...table.map((line) => line[column].length)));
  const text = table.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  '),
  );
  const threads = `${senders} sending ${senders === 1 ? 'thread' : 'threads'} and one vCPU`;
  const seconds = rows.length === 0 ? '' : `, ${rows[0].seconds.toFixed(0)} s for each protocol`;
  return [`Software interrupts between real threads: ${threads}${seconds}`, '', ...text].join('\n');
}
