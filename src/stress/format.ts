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
    count(row.bursts),
    count(row.deliveries),
    count(row.received),
    count(row.lost) + share(row.lost, row.sent),
    count(row.doubled),
    count(row.wrongLevels) + share(row.wrongLevels, row.rests),
    count(Math.round(row.sent / row.seconds)),
  ];
}

/**
 * The report as a table of plain text, without a newline at its end. Sent: messages, each with a call
 * of `set`. Bursts: those after which the sender waited. Taken: interrupts, each for one message or many. Lost: unread when everything was at rest. Doubled: delivered more often than sent. Levels wrong: rests at which the guest's external interrupt was not what its line said.
 */
export function formatStress({ senders, rows }: StressReport): string {
  const head = [
    'protocol',
    'sent',
    'bursts',
    'taken',
    'received',
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
