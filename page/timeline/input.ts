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
  const fingers = new Map<
    number,
    { x: number; readonly downX: number; readonly downY: number; moved: boolean }
  >();
  const part = (clientX: number) => {
    const { left, width } = canvas.getBoundingClientRect();
    return (clientX - left) / Math.max(1, width);
  };
  const abort = new AbortController();
  const { signal } = abort;
  canvas.addEventListener(
    'wheel',
    (event) => {
      // Ctrl is what a touchpad's pinch looks like. Without it the wheel scrolls the lanes, if they do not fit.
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      const isSideways = Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY);
      const scroller = canvas.parentElement;
      const scrolls = scroller !== null && scroller.scrollHeight > scroller.clientHeight + 1;
      if (scrolls && !isSideways && !event.ctrlKey) return;
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
      if (isSideways) target.panBy((sideways * lines) / Math.max(1, canvas.clientWidth));
      else
        target.zoomBy(
          WHEEL_ZOOM ** ((event.deltaY * lines) / (event.ctrlKey ? 20 : 100)),
          part(event.clientX),
        );
    },
    { signal, passive: false },
  );
  canvas.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, {
        x: event.clientX,
        downX: event.clientX,
        downY: event.clientY,
        moved: false,
      });
    },
    { signal },
  );
  canvas.addEventListener(
    'pointermove',
    (event) => {
      const finger = fingers.get(event.pointerId);
      if (finger === undefined) return;
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      const from = finger.x;
      finger.x = event.clientX;
      finger.moved ||= Math.hypot(event.clientX - finger.downX, event.clientY - finger.downY) > CLICK_REACH;
      if (!finger.moved) return;
      if (other === undefined) target.panBy((from - event.clientX) / Math.max(1, canvas.clientWidth));
      else target.pinchTo([part(other.x), part(from)], [part(other.x), part(event.clientX)]);
    },
    { signal },
  );
  const up = (event: PointerEvent) => {
    const finger = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    if (finger === undefined || finger.moved || event.type !== 'pointerup') return;
    const { left, top } = canvas.getBoundingClientRect();
    target.pick(event.clientX - left, event.clientY - top);
  };
  canvas.addEventListener('pointerup', up, { signal });
  canvas.addEventListener('pointercancel', up, { signal });
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
