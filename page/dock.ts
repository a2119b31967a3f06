import { element, errorText, find } from './dom.ts';
import type { MountedView, PageServices, View } from './view.ts';

/** Part of the window that one press of a key moves the edge by. */
const STEP = 0.05;
const [LEAST, MOST] = [0.15, 0.75];

/** Where views are: below the terminals, or in their place where there is little room. */
export class Dock {
  readonly #views: readonly View[];
  readonly #page: PageServices;
  readonly #dock = find('#dock');
  readonly #place = find('#view');
  readonly #edge = find('#dock-edge');
  readonly #nav = find('#views');
  readonly #buttons = new Map<string, HTMLButtonElement>();
  readonly #mounted = new Map<
    string,
    { readonly container: HTMLElement; readonly view: Promise<MountedView> }
  >();
  #shown: string | undefined;
  #share = 0.46;

  constructor(views: readonly View[], page: PageServices) {
    this.#views = views;
    this.#page = page;
    const button = (id: string, title: string, onclick: () => void, more = '') => {
      const made = element(
        'button',
        { type: 'button', class: more, 'aria-pressed': 'false', onclick },
        title,
      );
      this.#buttons.set(id, made);
      this.#nav.append(made);
    };
    button('terminal', 'Terminal', () => this.#region('terminal'), 'narrow-only');
    button('side', 'Settings', () => this.#region('side'), 'narrow-only');
    for (const { id, title } of views) button(id, title, () => this.toggle(id));
    if (views.length === 0) this.#nav.classList.add('narrow-only');
    this.#region('terminal');
    this.#makeMovable();
  }

  /** Shows a view, or takes the one that is shown away. */
  toggle(id: string): void {
    const isNarrow = getComputedStyle(this.#edge).display === 'none';
    this.show(this.#shown === id && !isNarrow ? undefined : id);
  }

  /** @param id undefined for none */
  show(id: string | undefined): void {
    const view = this.#views.find((each) => each.id === id);
    this.#shown = view?.id;
    this.#dock.hidden = view === undefined;
    this.#region(view === undefined ? 'terminal' : 'view');
    if (view !== undefined) this.#mount(view);
    for (const [name, { container, view: mounted }] of this.#mounted) {
      const isShown = name === view?.id;
      container.hidden = !isShown;
      mounted.then((each) => each.setVisible?.(isShown)).catch(() => undefined);
    }
  }

  #mount(view: View): void {
    if (this.#mounted.has(view.id)) return;
    this.#dock.setAttribute('aria-label', view.title);
    const container = element('div', { 'aria-label': view.title });
    this.#place.append(container);
    const mounting = view.mount(container, this.#page);
    this.#mounted.set(view.id, { container, view: mounting });
    mounting.catch((error: unknown) => {
      // A chunk that could not be fetched is asked for again the next time.
      this.#mounted.delete(view.id);
      container.replaceChildren(
        element('p', { role: 'alert' }, `This view cannot be shown: ${errorText(error)}`),
      );
    });
  }

  #region(region: 'terminal' | 'side' | 'view'): void {
    document.body.dataset.region = region;
    const shown = region === 'view' ? this.#shown : region;
    for (const [id, button] of this.#buttons) {
      const isShown = id === shown || id === this.#shown;
      button.setAttribute('aria-pressed', String(isShown && (id === shown || region === 'view')));
    }
  }

  #makeMovable(): void {
    const edge = this.#edge;
    const set = (share: number) => {
      this.#share = Math.min(Math.max(share, LEAST), MOST);
      document.documentElement.style.setProperty('--dock-height', `${(100 * this.#share).toFixed(1)}vh`);
      edge.setAttribute('aria-valuenow', String(Math.round(100 * this.#share)));
    };
    edge.setAttribute('aria-valuemin', String(100 * LEAST));
    edge.setAttribute('aria-valuemax', String(100 * MOST));
    set(this.#share);
    edge.addEventListener('keydown', (event) => {
      const steps: Readonly<Record<string, number>> = { ArrowUp: STEP, ArrowDown: -STEP };
      const step = steps[event.key];
      if (step === undefined) return;
      event.preventDefault();
      set(this.#share + step);
    });
    edge.addEventListener('pointerdown', (event) => {
      edge.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    edge.addEventListener('pointermove', (event) => {
      if (!edge.hasPointerCapture(event.pointerId)) return;
      const bottom = this.#dock.getBoundingClientRect().bottom;
      set((bottom - event.clientY) / window.innerHeight);
    });
  }
}
