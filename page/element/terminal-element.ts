import xtermStyles from '@xterm/xterm/css/xterm.css?inline';
import type { CommandResult, RunOptions, Vm } from 'hartvisor/web';
import { element } from '../dom.ts';
import { type Beginning, MachineSession } from '../machine/session.ts';
import { readSettings } from '../machine/settings.ts';
import { ConsoleLink } from '../terminal/console-link.ts';
import { Screen } from '../terminal/screen.ts';
import themeStyles from '../theme.css?inline';
import type { HartvisorTerminal, HartvisorTerminalEventMap, TerminalState } from './api.d.ts';
import { Cover } from './cover.ts';
import styles from './element.css?inline';

const PROMPT = /[#$] $/;
const SNAPSHOT = /\.snapshot(?:[?#]|$)/;
const FONT_SIZES = { least: 8, most: 40 };

/**
 * The class of `<hartvisor-terminal>`: a terminal with a machine behind it, for pages of documentation and courses.
 *
 * @param guestBase of the guest that is started unless `src` names another one
 */
export function terminalElement(guestBase: URL) {
  return class extends TerminalElement {
    readonly guestBase = guestBase;
  };
}

abstract class TerminalElement extends HTMLElement implements HartvisorTerminal {
  abstract readonly guestBase: URL;
  static readonly observedAttributes = ['theme', 'label', 'command'];
  readonly #place = element('div', { class: 'place' });
  readonly #label = element('span', { class: 'label' });
  readonly #status = element('span', { class: 'status', role: 'status' });
  readonly #again: HTMLButtonElement;
  readonly #cover = new Cover(() => void this.start().catch(() => undefined));
  #session: MachineSession | undefined;
  #screen: Screen | undefined;
  #link: ConsoleLink | undefined;
  #state: TerminalState = 'idle';
  #watcher: IntersectionObserver | undefined;

  constructor() {
    super();
    this.#again = element(
      'button',
      { type: 'button', hidden: true, onclick: () => void this.start().catch(() => undefined) },
      'Start anew',
    );
    const shadow = this.attachShadow({ mode: 'open', delegatesFocus: true });
    shadow.append(
      element('style', {}, themeStyles, xtermStyles, styles),
      element(
        'div',
        { class: 'frame' },
        element('div', { class: 'bar' }, this.#label, this.#status, this.#again),
        this.#place,
      ),
    );
    this.#place.append(this.#cover.root);
  }

  connectedCallback(): void {
    this.#describe();
    if (this.#state === 'idle') this.#offer();
    if (!this.hasAttribute('autoplay') || this.#session !== undefined) return;
    // Not before somebody sees it: a page may have many.
    this.#watcher = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      this.#watcher?.disconnect();
      void this.start().catch(() => undefined);
    });
    this.#watcher.observe(this);
  }

  disconnectedCallback(): void {
    this.#watcher?.disconnect();
    // An element that is moved is connected again at once.
    queueMicrotask(() => {
      if (this.isConnected) return;
      void this.stop();
      this.#screen?.dispose();
      this.#screen = undefined;
      this.#session = undefined;
      this.#state = 'idle';
    });
  }

  attributeChangedCallback(name: string): void {
    if (name === 'theme') this.#screen?.recolor();
    else this.#describe();
    if (this.#state === 'idle') this.#offer();
  }

  get vm(): Vm | undefined {
    return this.#session?.vm;
  }

  get state(): TerminalState {
    return this.#state;
  }

  get text(): string {
    return this.#screen?.text ?? '';
  }

  async start(): Promise<Vm> {
    this.#watcher?.disconnect();
    this.#link?.close();
    const screen = this.#openScreen();
    const { base, beginning } = this.#source();
    const session = this.#openSession(base);
    const { settings, mistakes } = readSettings((name) => this.getAttribute(name));
    screen.clear();
    try {
      if (mistakes.length > 0) throw new RangeError(mistakes.join(' '));
      const vm = await session.start(settings, beginning);
      void vm.ended.then((end) => this.#tell('exit', { end }));
      const command = this.getAttribute('command') ?? '';
      this.#link = new ConsoleLink(vm, screen, session.isWarm);
      await this.#type(vm, session.isWarm, command);
      this.#tell('ready', { vm });
      return vm;
    } catch (error) {
      if (session.phase !== 'failed' && session.phase !== 'running') this.#fail(error);
      this.#tell('error', { error });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#session?.stop();
  }

  async pause(): Promise<void> {
    await this.#session?.pause();
  }

  resume(): void {
    this.#session?.resume();
  }

  type(text: string): void {
    this.#link?.type(text);
  }

  async run(command: string | readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const vm = this.vm ?? (await this.start());
    return vm.commands.run(command, options);
  }

  /** Once the shell is there. A machine of an image has shown its prompt to nobody. */
  async #type(vm: Vm, isWarm: boolean, command: string): Promise<void> {
    if (!isWarm) await vm.console.waitFor(PROMPT);
    if (command === '') return;
    this.#link?.type(`${command}\n`);
  }

  #source(): { base: URL; beginning: Beginning } {
    const source = this.getAttribute('src');
    const base = source === null ? this.guestBase : new URL(source, this.baseURI);
    const isImage = SNAPSHOT.test(base.href);
    return {
      base,
      beginning: isImage ? { kind: 'image', image: base.href, name: this.#name } : { kind: 'guest' },
    };
  }

  #openScreen(): Screen {
    if (this.#screen !== undefined) return this.#screen;
    const host = element('div', { class: 'screen' });
    this.#place.append(host);
    const size = Number(this.getAttribute('font-size') ?? 14);
    const fontSize = Math.min(Math.max(size || 14, FONT_SIZES.least), FONT_SIZES.most);
    this.#screen = new Screen(
      host,
      { label: this.#name, fontSize },
      {
        onInput: (text) => this.#link?.type(text),
        onResize: (size) => this.#link?.resize(size),
        onLeave: () => this.#again.focus(),
      },
    );
    return this.#screen;
  }

  #openSession(base: URL): MachineSession {
    const old = this.#session;
    if (old !== undefined && old.guestBase.href === base.href) return old;
    void old?.stop();
    const session = new MachineSession(base);
    this.#session = session;
    session.onChange(() => {
      if (session === this.#session) this.#render(session);
    });
    return session;
  }

  #render({ phase, message, progress, vm }: MachineSession): void {
    this.#again.hidden = phase === 'idle' || phase === 'starting';
    this.#status.textContent = phase === 'starting' ? 'Starting' : message;
    if (progress !== undefined) {
      this.#cover.progress(progress);
      this.#tell('progress', progress);
    } else if (phase === 'failed') this.#cover.offer(message, 'Try again');
    else if (phase === 'ended') this.#cover.offer(message, 'Start it again');
    else this.#cover.hide();
    if (vm === undefined) this.#link?.close();
    this.#setState(phase);
  }

  #fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#cover.offer(message, 'Try again');
    this.#setState('failed');
  }

  #setState(state: TerminalState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.setAttribute('state', state);
    this.#tell('statechange', { state });
  }

  #offer(): void {
    const command = this.getAttribute('command') ?? '';
    const what =
      command === ''
        ? 'A Linux machine that runs in this page.'
        : 'Starts a Linux machine in this page, and types:';
    this.#cover.offer(what, 'Start', command);
  }

  get #name(): string {
    return this.getAttribute('label') ?? 'Linux';
  }

  #describe(): void {
    this.#label.textContent = this.#name;
  }

  #tell<Type extends keyof HartvisorTerminalEventMap>(
    type: Type,
    detail: HartvisorTerminalEventMap[Type]['detail'],
  ): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
