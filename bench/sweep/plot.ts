import type { Point } from './sweep.ts';

const WIDTH = 900;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = 150;
const TOP = 30;
const BOTTOM = 60;
/** Speeds at the lower and the upper end, relative to QEMU. */
const RANGE = { least: 1 / 16, most: 16 } as const;
const TICKS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16];
const COLOURS = ['#0969da', '#cf222e', '#1a7f37', '#9a6700', '#8250df', '#bf3989', '#1b7c83'];

const titleOf = (label: string): string =>
  `Speed of ${label} relative to QEMU, series by series, from the smallest size to the largest`;

const heightOf = (speed: number): number => {
  const bounded = Math.min(Math.max(speed, RANGE.least), RANGE.most);
  const share = Math.log(bounded / RANGE.least) / Math.log(RANGE.most / RANGE.least);
  return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
};

function line(points: readonly Point[], longest: number, colour: string): string[] {
  const step = (WIDTH - LEFT - RIGHT) / Math.max(1, longest - 1);
  const places = points.map((point, index) => ({ x: LEFT + index * step, y: heightOf(point.speed), point }));
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${places.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')}"/>`,
    ...places.map(
      ({ x, y, point }) =>
        `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4" fill="${colour}"><title>${point.name}: ${point.speed.toFixed(2)}</title></circle>`,
    ),
  ];
}

/** Draws the speeds of one contender, a line a series, each from its smallest size to its largest. */
export function plot(label: string, points: readonly Point[]): string {
  const bySeries = Map.groupBy(
    points.filter((point) => point.label === label),
    ({ series }) => series,
  );
  const longest = Math.max(1, ...[...bySeries.values()].map((series) => series.length));
  const text = (x: number, y: number, words: string, more = ''): string =>
    `<text x="${x}" y="${y}" ${more}>${words}</text>`;
  const grid = TICKS.flatMap((speed) => {
    const y = heightOf(speed).toFixed(1);
    const colour = speed === 1 ? '#57606a' : '#d0d7de';
    return [
      `<path d="M${LEFT} ${y}H${WIDTH - RIGHT}" stroke="${colour}"/>`,
      text(LEFT - 8, Number(y) + 4, speed < 1 ? `1/${1 / speed}` : `${speed}`, 'text-anchor="end"'),
    ];
  });
  const lines = [...bySeries].flatMap(([series, of], index) => {
    const colour = COLOURS[index % COLOURS.length];
    const key = text(WIDTH - RIGHT + 16, TOP + 20 + index * 20, series, `fill="${colour}"`);
    return [...line(of, longest, colour), key];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}"`,
    '  font-family="sans-serif" font-size="13">',
    `<title>${titleOf(label)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...grid,
    text(
      LEFT,
      18,
      `Speed of ${label} relative to QEMU, series by series, from the smallest size to the largest`,
    ),
    text(LEFT, HEIGHT - 20, 'size, in steps of the series'),
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}
