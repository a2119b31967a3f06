/** The picture, as mouse, fingers and keys act on it. */
export interface InputTarget {
  /** @param part of the picture's width, from 0 to 1 */
  zoomBy(factor: number, part: number): void;
  panBy(part: number): void;
  pinchTo(before: readonly [number, number], now: readonly [number, number]): void;
  /** A click at a place, in CSS pixels from the picture's corner. */
  pick(x: number, y: number): void;
  key(event: KeyboardEvent): boolean;
}

/** Movement in CSS pixels from which on it is no click. */
const CLICK_REACH = 5;
/** Zoom by a wheel's step of 100. */
const WHEEL_ZOOM = 1.25;

/** Wheel, mouse, fingers and keys of a canvas. @returns a function that lets go of it */
export function listen(canvas: HTMLCanvasElement, target: InputTarget): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  const fingers = new Fingers(canvas, target);
  canvas.addEventListener('wheel', (event) => turnWheel(event, canvas, target), { signal, passive: false });
  canvas.addEventListener('pointerdown', (event) => fingers.down(event), { signal });
  canvas.addEventListener('pointermove', (event) => fingers.move(event), { signal });
  canvas.addEventListener('pointerup', (event) => fingers.up(event), { signal });
  canvas.addEventListener('pointercancel', (event) => fingers.cancel(event), { signal });
  canvas.addEventListener(
    'keydown',
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.key(event)) event.preventDefault();
    },
    { signal },
  );
  return () => abort.abort();
}

/** The part of the canvas's width that is left of a place, from 0 to 1. */
function partAt(canvas: HTMLCanvasElement, clientX: number): number {
  const { left, width } = canvas.getBoundingClientRect();
  return (clientX - left) / Math.max(1, width);
}

function turnWheel(event: WheelEvent, canvas: HTMLCanvasElement, target: InputTarget): void {
  // A touchpad's pinch comes as Ctrl with the wheel. Without it the wheel scrolls the lanes, if they do not fit.
  const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  const isSideways = Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY);
  const scroller = canvas.parentElement;
  const scrolls = scroller !== null && scroller.scrollHeight > scroller.clientHeight + 1;
  if (scrolls && !isSideways && !event.ctrlKey) return;
  event.preventDefault();
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
  if (isSideways) target.panBy((sideways * lines) / Math.max(1, canvas.clientWidth));
  else {
    const steps = (event.deltaY * lines) / (event.ctrlKey ? 20 : 100);
    target.zoomBy(WHEEL_ZOOM ** steps, partAt(canvas, event.clientX));
  }
}

interface Finger {
  x: number;
  readonly downX: number;
  readonly downY: number;
  moved: boolean;
}

/** The mouse or the fingers that are down: one drags or clicks, two pinch. */
class Fingers {
  readonly #canvas: HTMLCanvasElement;
  readonly #target: InputTarget;
  readonly #down = new Map<number, Finger>();

  constructor(canvas: HTMLCanvasElement, target: InputTarget) {
    [this.#canvas, this.#target] = [canvas, target];
  }

  down({ button, pointerId, clientX, clientY }: PointerEvent): void {
    if (button !== 0) return;
    this.#canvas.setPointerCapture(pointerId);
    this.#down.set(pointerId, { x: clientX, downX: clientX, downY: clientY, moved: false });
  }

  move({ pointerId, clientX, clientY }: PointerEvent): void {
    const finger = this.#down.get(pointerId);
    if (finger === undefined) return;
    const other = [...this.#down].find(([id]) => id !== pointerId)?.[1];
    const from = finger.x;
    finger.x = clientX;
    finger.moved ||= Math.hypot(clientX - finger.downX, clientY - finger.downY) > CLICK_REACH;
    if (!finger.moved) return;
    const part = (x: number) => partAt(this.#canvas, x);
    if (other === undefined) this.#target.panBy((from - clientX) / Math.max(1, this.#canvas.clientWidth));
    else this.#target.pinchTo([part(other.x), part(from)], [part(other.x), part(clientX)]);
  }

  up(event: PointerEvent): void {
    const finger = this.#down.get(event.pointerId);
    this.cancel(event);
    if (finger === undefined || finger.moved) return;
    const { left, top } = this.#canvas.getBoundingClientRect();
    this.#target.pick(event.clientX - left, event.clientY - top);
  }

  cancel({ pointerId }: PointerEvent): void {
    this.#down.delete(pointerId);
  }
}
