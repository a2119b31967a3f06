import type { BitValues } from '../explain.ts';
import type { JsonResult } from '../report-json.ts';
import { STYLE } from './html-style.ts';
import { headingOf, optionsOf, TAIL, type Timeline, type TimelineRow, timelineOf } from './timeline.ts';

/** Pixels. */
const STEP = 34;
const NOTE = 26;
const HEAD = 58;
/** Of one lane: with two there is room for more. */
const LANE = { wide: 300, narrow: 226 } as const;
const STRIP = 78;
const MARGIN = 46;
const BAR = 26;

const STRIP_NAMES: Readonly<Record<keyof BitValues, readonly [name: string, about: string]>> = {
  pending: ['pending', 'shared'],
  mask: ['mask', 'shared'],
  cached: ['hvip', 'cached'],
  hvip: ['HVIP', 'the CSR'],
};

const FILE_STRIP_NAMES: Readonly<Partial<typeof STRIP_NAMES>> = {
  pending: ['eip', 'the file'],
  mask: ['eie', 'the file'],
};

/**
 * A counterexample as a page of its own: a sequence diagram with the four bits of the interrupt beside it.
 *
 * @param title what the scenario is about.
 * @throws RangeError for a result without a counterexample.
 */
export function exportHtml(result: JsonResult, title: string): string {
  const timeline = timelineOf(result);
  const { protocol, scenario, missing, isWeak, verdict, reason, interrupt, schedule, steps } = timeline;
  const id = `${protocol}/${scenario}`;
  const without = missing === undefined ? '' : ` without <code>${markup(missing)}</code>`;
  const onThreads = `<dt>On real threads</dt><dd><code>hartvisor verify replay ${markup(id)}</code></dd>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${markup(`${headingOf(timeline)}: ${verdict}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1><code>${markup(protocol)}</code>${without} in <code>${markup(scenario)}</code>${isWeak ? ' under RVWMO' : ''} <span class="verdict">${markup(verdict)}</span></h1>
<p class="reason">${markup(reason)}</p>
<p class="soft">${markup(title)}. ${steps} steps; the strips on the right show the bits of ${markup(interrupt)} after each step.</p>
<div class="scroll">
${drawing(timeline)}
</div>
<dl>
<dt>Schedule</dt><dd><code>${markup(schedule)}</code></dd>
${isWeak ? '' : onThreads}<dt>As text</dt><dd><code>hartvisor verify explain ${markup(`${protocol} ${scenario}${optionsOf(timeline)}`)}</code></dd>
</dl>
</main>
</body>
</html>
`;
}

function drawing(timeline: Timeline): string {
  const { lanes, shown, rows } = timeline;
  const width = MARGIN + lanes.length * laneWidth(timeline) + shown.length * STRIP + 24;
  const tops = topsOf(rows);
  const height = (tops.at(-1) ?? HEAD) + 14;
  const parts = [
    ...rows.flatMap((row, index) => background(row, tops[index], width)),
    ...rows.flatMap((row, index) => reach(row, tops[index], timeline)),
    ...lanes.map((name, lane) => laneHead(name, lane, laneWidth(timeline), height)),
    ...shown.map((bit, strip) => stripHead(bit, timeline.isMessage, stripX(timeline, strip))),
    `<line class="rule" x1="0" x2="${width}" y1="${HEAD - 8}" y2="${HEAD - 8}"/>`,
    ...shown.flatMap((bit, strip) => stripBars(timeline, bit, stripX(timeline, strip), tops)),
    ...rows.flatMap((row, index) => drawRow(row, tops[index], timeline)),
  ];
  const label = markup(`${headingOf(timeline)}, step by step`);
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">\n${parts.join('\n')}\n</svg>`;
}

/** Upper edges of the rows, and the lower edge of the last one. */
function topsOf(rows: readonly TimelineRow[]): number[] {
  const tops = [HEAD];
  for (const row of rows) {
    const height = row.kind === 'step' ? STEP + (row.erases ? 20 : 0) : NOTE;
    tops.push(tops[tops.length - 1] + height);
  }
  return tops;
}

/** Wide enough that no access reaches into the next lane. */
function laneWidth({ lanes, rows }: Timeline): number {
  const chips = rows.map((row) => (row.kind === 'step' ? chipWidth(row.text) : 0));
  return Math.max(lanes.length > 2 ? LANE.narrow : LANE.wide, ...chips.map((width) => width + 30));
}

function chipWidth(text: string): number {
  return Math.max(text.length * 7.9 + 20, 60);
}

function stripX(timeline: Timeline, strip: number): number {
  return MARGIN + timeline.lanes.length * laneWidth(timeline) + strip * STRIP + STRIP / 2;
}

function laneColor(lane: number): string {
  return `var(--lane-${lane % 4})`;
}

function laneHead(name: string, lane: number, laneWidth: number, height: number): string {
  const x = MARGIN + lane * laneWidth;
  const sub = lane === 0 ? 'runs the guest' : 'another thread';
  return [
    `<text class="head" x="${x + 8}" y="24" style="fill:${laneColor(lane)}">${markup(name)}</text>`,
    `<text class="sub" x="${x + 8}" y="40">${sub}</text>`,
    `<line class="life" x1="${x}" x2="${x}" y1="${HEAD}" y2="${height - 8}" style="stroke:${laneColor(lane)}"/>`,
  ].join('');
}

function stripHead(bit: keyof BitValues, isMessage: boolean, x: number): string {
  const [name, about] = (isMessage ? FILE_STRIP_NAMES[bit] : undefined) ?? STRIP_NAMES[bit];
  return [
    `<text class="head" x="${x}" y="24" text-anchor="middle">${name}</text>`,
    `<text class="sub" x="${x}" y="40" text-anchor="middle">${about}</text>`,
  ].join('');
}

function background(row: TimelineRow, top: number, width: number): string[] {
  if (row.kind !== 'step' || !row.erases) return [];
  return [`<rect class="bad-row" x="0" y="${top}" width="${width}" height="${STEP + 20}"/>`];
}

/** One bar for each time that the bit keeps its value, with the value at its begin. */
function stripBars(
  { rows, initial }: Timeline,
  bit: keyof BitValues,
  x: number,
  tops: readonly number[],
): string[] {
  const bars: string[] = [];
  let value = initial[bit];
  let from = HEAD;
  const close = (to: number) => {
    const height = Math.max(to - from - 2, 1);
    bars.push(
      `<rect class="${value ? 'on' : 'off'}" x="${x - BAR / 2}" y="${from + 1}" width="${BAR}" height="${height}" rx="5"/>`,
      `<text class="value ${value ? 'one' : 'zero'}" x="${x}" y="${from + 15}">${value ? 1 : 0}</text>`,
    );
  };
  for (const [index, row] of rows.entries()) {
    if (row.kind !== 'step' || row.bits[bit] === value) continue;
    const at = tops[index] + STEP / 2 - 10;
    close(at);
    value = row.bits[bit];
    from = at;
  }
  close((tops.at(-1) ?? HEAD) + 6);
  return bars;
}

function stripOf({ touches }: Extract<TimelineRow, { kind: 'step' }>, { shown }: Timeline): number {
  return touches === undefined ? -1 : shown.indexOf(touches);
}

/** The line from a step to the word that it accesses; it passes below everything else. */
function reach(row: TimelineRow, top: number, timeline: Timeline): string[] {
  const strip = row.kind === 'step' ? stripOf(row, timeline) : -1;
  if (row.kind !== 'step' || strip < 0) return [];
  const [from, to] = [MARGIN + row.lane * laneWidth(timeline) + 10, stripX(timeline, strip)];
  return [`<line class="reach" x1="${from}" x2="${to}" y1="${top + STEP / 2}" y2="${top + STEP / 2}"/>`];
}

function drawRow(row: TimelineRow, top: number, timeline: Timeline): string[] {
  if (row.kind === 'loop') {
    return [`<text class="bad-text" x="${MARGIN}" y="${top + 17}">from here on for ever:</text>`];
  }
  if (row.kind === 'tail') return [`<text class="note" x="${MARGIN}" y="${top + 17}">${TAIL}</text>`];
  const x = MARGIN + row.lane * laneWidth(timeline);
  if (row.kind === 'note') {
    const look = row.isRemark ? 'class="remark"' : 'class="note"';
    return [`<text ${look} x="${x + (row.isRemark ? 20 : 10)}" y="${top + 18}">${markup(row.text)}</text>`];
  }
  return drawStep(row, top, x, timeline);
}

function drawStep(
  row: Extract<TimelineRow, { kind: 'step' }>,
  top: number,
  x: number,
  timeline: Timeline,
): string[] {
  const middle = top + STEP / 2;
  const width = chipWidth(row.text);
  const chip = row.erases ? 'class="bad-chip"' : `class="chip" style="stroke:${laneColor(row.lane)}"`;
  const parts = [
    `<text class="number" x="${MARGIN - 16}" y="${middle + 4}" text-anchor="end">${row.number}</text>`,
    `<circle cx="${x}" cy="${middle}" r="4" style="fill:${laneColor(row.lane)}"/>`,
  ];
  const strip = stripOf(row, timeline);
  if (strip >= 0) {
    const to = stripX(timeline, strip);
    parts.push(
      `<rect class="${row.erases ? 'bad-touch' : 'touched'}" x="${to - BAR / 2 - 2}" y="${middle - 11}" width="${BAR + 4}" height="22" rx="6"/>`,
    );
  }
  parts.push(
    `<rect ${chip} x="${x + 10}" y="${middle - 12}" width="${width}" height="24" rx="6"><title>${markup(row.source)}</title></rect>`,
    `<text${row.erases ? ' class="bad-text"' : ''} x="${x + 20}" y="${middle + 4.5}">${markup(row.text)}</text>`,
  );
  if (row.erases) parts.push(erasedText(row, x, top, timeline.interrupt));
  return parts;
}

function erasedText(
  { undoes }: Extract<TimelineRow, { kind: 'step' }>,
  x: number,
  top: number,
  interrupt: string,
): string {
  const what = undoes === undefined ? '' : `, which step ${undoes} had set`;
  return `<text class="bad-text" x="${x + 12}" y="${top + STEP + 10}">▲ erases ${markup(interrupt + what)}</text>`;
}

function markup(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
