/** Questions of tests about a picture. */
export const probe = {
  /** How many pixels of the canvas have exactly the color of a custom property, by rows from the top. */
  pixelsOf(property: string): number[] {
    const canvas = document.querySelector('canvas');
    const context = canvas?.getContext('2d');
    if (canvas === null || context === null || context === undefined) return [];
    const swatch = document.createElement('i');
    swatch.style.color = `var(${property})`;
    canvas.parentElement?.append(swatch);
    const color = (getComputedStyle(swatch).color.match(/\d+/g) ?? []).map(Number);
    swatch.remove();
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const rows = new Array<number>(canvas.height).fill(0);
    for (let at = 0; at < data.length; at += 4) {
      const row = Math.floor(at / 4 / canvas.width);
      if (color.every((value, index) => data[at + index] === value)) rows[row] = (rows[row] ?? 0) + 1;
    }
    return rows;
  },

  /** Is over when what was to be drawn is drawn. */
  nextFrame(): Promise<void> {
    return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
  },

  /** Frames, and tasks of more than 50 ms, for so many milliseconds. */
  async measure(milliseconds: number) {
    const longTasks: number[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longTasks.push(duration);
    });
    observer.observe({ type: 'longtask' });
    const began = performance.now();
    let [frames, last, slowest] = [0, began, 0];
    while (last - began < milliseconds) {
      const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
      slowest = Math.max(slowest, now - last);
      last = Math.max(now, last);
      frames++;
    }
    observer.disconnect();
    return { frames, milliseconds: last - began, slowest, longTasks };
  },

  /** How far the parts of a view reach to the right, and whether the page can be scrolled sideways. */
  reach(selector: string): { readonly right: number; readonly scrolls: boolean } {
    const parts = [...document.querySelectorAll(`${selector} *`)];
    return {
      right: Math.max(...parts.map((each) => each.getBoundingClientRect().right)),
      scrolls: document.documentElement.scrollWidth > innerWidth,
    };
  },
};
