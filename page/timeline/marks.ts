import type { Group } from './model/moment-facts.ts';

/** Half the width of a mark in CSS pixels. */
const MARK = 3.5;

/** Each group has a shape of its own, for those who do not tell its color from others. */
const SHAPES: Readonly<Record<Group, (path: Path2D, x: number, y: number) => void>> = {
  set: (path, x, y) => polygon(path, [x - MARK, y + MARK], [x, y - MARK], [x + MARK, y + MARK]),
  kick: (path, x, y) => polygon(path, [x - MARK, y], [x, y - MARK], [x + MARK, y], [x, y + MARK]),
  exit: (path, x, y) => path.rect(x - 1, y - MARK, 2, 2 * MARK),
  flush: (path, x, y) => path.rect(x - MARK + 0.5, y - MARK + 0.5, 2 * MARK - 1, 2 * MARK - 1),
  take: (path, x, y) => {
    path.moveTo(x + MARK, y);
    path.arc(x, y, MARK, 0, 2 * Math.PI);
  },
  claim: (path, x, y) => polygon(path, [x - MARK, y - MARK], [x + MARK, y - MARK], [x, y + MARK]),
  sleep: (path, x, y) => path.rect(x - MARK, y - 1, 2 * MARK, 2),
  fault: (path, x, y) => {
    polygon(
      path,
      [x - MARK, y - MARK],
      [x - MARK + 2, y - MARK],
      [x + MARK, y + MARK],
      [x + MARK - 2, y + MARK],
    );
    polygon(
      path,
      [x + MARK, y - MARK],
      [x + MARK - 2, y - MARK],
      [x - MARK, y + MARK],
      [x - MARK + 2, y + MARK],
    );
  },
};

/** Adds the mark of a group to a path, around a place. */
export function addMark(path: Path2D, group: Group, x: number, y: number): void {
  SHAPES[group](path, x, y);
}

/** From here on an arrow leaves and arrives level, in CSS pixels; a steeper one is straight. */
const LEVEL_FROM = 24;

/** Adds an arrow from a cause to its effect; between marks that are side by side none is needed. */
export function addArrow(path: Path2D, fromX: number, fromY: number, toX: number, toY: number): void {
  const [width, height] = [toX - fromX, toY - fromY];
  const length = Math.hypot(width, height);
  if (length < 5 * MARK) return;
  if (width < LEVEL_FROM) {
    const [x, y] = [toX - (width / length) * MARK, toY - (height / length) * MARK];
    path.moveTo(fromX, fromY);
    path.lineTo(x, y);
    addHead(path, x, y, width / length, height / length);
    return;
  }
  const bend = Math.min(60, width / 2);
  path.moveTo(fromX, fromY);
  path.bezierCurveTo(fromX + bend, fromY, toX - bend, toY, toX - MARK, toY);
  addHead(path, toX - MARK, toY, 1, 0);
}

/** @param dx and `dy` the direction, of length 1 */
function addHead(path: Path2D, x: number, y: number, dx: number, dy: number): void {
  path.moveTo(x - 5 * dx - 2.5 * dy, y - 5 * dy + 2.5 * dx);
  path.lineTo(x, y);
  path.lineTo(x - 5 * dx + 2.5 * dy, y - 5 * dy - 2.5 * dx);
}

function polygon(path: Path2D, ...points: readonly (readonly [number, number])[]): void {
  for (const [index, [x, y]] of points.entries()) {
    if (index === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  }
  path.closePath();
}
