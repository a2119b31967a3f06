import { FitAddon } from '@xterm/addon-fit';
import { SerializeAddon } from '@xterm/addon-serialize';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import { element, leisure, turn } from '../dom.ts';
import { terminalColors } from './colors.ts';
import { handleKeys } from './keys.ts';

/** Lines that can be scrolled back to. */
const SCROLLBACK = 5000;
/** Milliseconds that a size has to stand still before the guest is told: a person drags an edge. */
const SETTLE_MS = 150;

export interface ScreenSize {
  readonly cols: number;
  readonly rows: number;
}

/** How a screen looks and what it is called. */
export interface ScreenOptions {
  /** For those who cannot see it. */
  readonly label: string;
  readonly fontSize?: number;
  readonly isForReaders?: boolean;
  /**
   * It is drawn in the next turn of the page's thread: to make a terminal and to draw it in one holds a page up that
   * has just been loaded. Until then it takes no keys.
   */
  readonly opensLater?: boolean;
}

/** Events of a screen. */
export interface ScreenEvents {
  /** Something was typed or pasted. */
  onInput(text: string): void;
  onResize(size: ScreenSize): void;
  /** The person wants to leave it with the keyboard. */
  onLeave(): void;
}

/** A terminal to look at. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #serialize = new SerializeAddon();
  readonly #observer: ResizeObserver;
  readonly #host: HTMLElement;
  readonly #events: ScreenEvents;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #told: ScreenSize | undefined;
  #isOpen = false;
  #isDisposed = false;

  /** @param host fills it; it is in the document */
  constructor(host: HTMLElement, options: ScreenOptions, events: ScreenEvents) {
    this.#host = host;
    this.#events = events;
    this.#terminal = new Terminal({
      fontFamily: getComputedStyle(host).getPropertyValue('--hv-mono').trim() || 'monospace',
      fontSize: options.fontSize ?? 14,
      lineHeight: 1.15,
      scrollback: SCROLLBACK,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      smoothScrollDuration: 0,
      minimumContrastRatio: 4.5,
      screenReaderMode: options.isForReaders ?? false,
      // The serial console of Linux ends lines as terminals want them.
      convertEol: false,
      theme: terminalColors(host),
      linkHandler: { activate: (_, address) => openLink(address) },
    });
    const terminal = this.#terminal;
    terminal.loadAddon(this.#fit);
    terminal.loadAddon(this.#serialize);
    terminal.loadAddon(new WebLinksAddon((_, address) => openLink(address)));
    handleKeys(terminal, () => events.onLeave());
    terminal.onData((text) => events.onInput(text));
    terminal.onBinary((text) => events.onInput(text));
    this.#observer = new ResizeObserver(() => this.fit());
    if (options.opensLater === true) void turn().then(() => this.#open(options.label));
    else this.#open(options.label);
  }

  #open(label: string): void {
    if (this.#isDisposed) return;
    const terminal = this.#terminal;
    terminal.open(this.#host);
    terminal.textarea?.setAttribute('aria-label', `${label}. F6 leaves it.`);
    this.#isOpen = true;
    this.#observer.observe(this.#host);
    this.fit();
    void this.#drawByGraphics();
  }

  get size(): ScreenSize {
    const { cols, rows } = this.#terminal;
    return { cols, rows };
  }

  /** @returns when it is on its way to the screen; who has more waits for that */
  write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(data, resolve));
  }

  /** Shows all of a stream, and reads no faster than it can be shown. */
  async show(
    stream: ReadableStream<Uint8Array>,
    signal: AbortSignal,
    onShown?: (bytes: Uint8Array) => void,
  ): Promise<void> {
    const reader = stream.getReader();
    const cancel = () => void reader.cancel().catch(() => undefined);
    signal.addEventListener('abort', cancel);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || signal.aborted) return;
        await this.write(value);
        onShown?.(value);
      }
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  clear(): void {
    this.#terminal.reset();
  }

  focus(): void {
    this.#terminal.focus();
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  /** As if it were typed, but that programs can tell that it was not. */
  paste(text: string): void {
    this.#terminal.paste(text);
  }

  /** The text on the screen and the text scrolled away, in a form that {@link write} shows again. */
  serialize(): string {
    return this.#serialize.serialize();
  }

  /** The same as plain lines. */
  get text(): string {
    const buffer = this.#terminal.buffer.active;
    const lines: string[] = [];
    for (let index = 0; index < buffer.length; index++) {
      const line = buffer.getLine(index);
      const text = line?.translateToString(!buffer.getLine(index + 1)?.isWrapped) ?? '';
      if (line?.isWrapped === true) lines[lines.length - 1] += text;
      else lines.push(text);
    }
    return lines.join('\n').trimEnd();
  }

  setReaders(isForReaders: boolean): void {
    this.#terminal.options.screenReaderMode = isForReaders;
  }

  /** Takes the colors of the theme anew. */
  recolor(): void {
    this.#terminal.options.theme = terminalColors(this.#host);
  }

  /** Takes the size of its place anew, and tells of it when it stands still. */
  fit(): void {
    if (!this.#isOpen || this.#host.clientWidth === 0 || this.#host.clientHeight === 0) return;
    this.#fit.fit();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#tellSize(), SETTLE_MS);
  }

  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#settling);
    this.#observer.disconnect();
    this.#terminal.dispose();
  }

  #tellSize(): void {
    const { size } = this;
    if (size.cols === this.#told?.cols && size.rows === this.#told.rows) return;
    this.#told = size;
    this.#events.onResize(size);
  }

  /** Draws by the graphics card where there is one, and as elements of the page otherwise, or when its driver fails. */
  async #drawByGraphics(): Promise<void> {
    // To ask the browser for a context holds the page up.
    await leisure();
    if (this.#isDisposed || !hasGraphics()) return;
    try {
      const { WebglAddon } = await import('@xterm/addon-webgl');
      if (this.#isDisposed) return;
      const addon = new WebglAddon();
      addon.onContextLoss(() => addon.dispose());
      this.#terminal.loadAddon(addon);
    } catch {
      // xterm.js goes on with elements.
    }
  }
}

/** Renderers of browsers without a graphics card: slower than elements, and they hold the page up. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|basic render|software/i;

function hasGraphics(): boolean {
  const context = element('canvas').getContext('webgl2');
  if (context === null) return false;
  const names = context.getExtension('WEBGL_debug_renderer_info');
  const name: unknown = names === null ? '' : context.getParameter(names.UNMASKED_RENDERER_WEBGL);
  // Browsers allow few of them at once.
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return !SOFTWARE.test(String(name));
}

function openLink(address: string): void {
  if (/^https?:/i.test(address)) window.open(address, '_blank', 'noopener,noreferrer');
}
