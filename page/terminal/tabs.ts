import { element, errorText } from '../dom.ts';
import type { MachineSession } from '../machine/session.ts';
import { AgentLink } from './agent-link.ts';
import { ConsoleLink } from './console-link.ts';
import { Screen, type ScreenSize } from './screen.ts';

/** Terminals at once: a person does not keep more apart. */
const MOST_TERMINALS = 8;
const CONSOLE = 'Console';
/** Characters that a person types before a shell is there. */
const MOST_EARLY = 4096;

interface Link {
  type(text: string): void;
  resize(size: ScreenSize): void;
  close(): void;
}

/** A terminal, its tab and what it leads to. */
interface Tab {
  readonly title: string;
  readonly button: HTMLButtonElement;
  readonly panel: HTMLElement;
  readonly screen: Screen;
  link: Link | undefined;
  /** Typed before there was somebody to read it. */
  early: string;
}

/** Where the terminals are, and whom they tell. */
export interface TabsOptions {
  /** A list of tabs. */
  readonly list: HTMLElement;
  readonly panels: HTMLElement;
  /** Adds one. */
  readonly add: HTMLButtonElement;
  readonly session: MachineSession;
  announce(text: string): void;
  /** Where the focus goes from a terminal that is left by F6. */
  onLeave(): void;
}

/** The terminals of the page: the console, and terminals of the guest as many as one wants. */
export class TerminalTabs {
  readonly #options: TabsOptions;
  readonly #tabs: Tab[] = [];
  #shown: Tab;
  #count = 1;
  #isForReaders = false;

  constructor(options: TabsOptions) {
    this.#options = options;
    this.#shown = this.#create(CONSOLE);
    this.#show(this.#shown);
    options.add.addEventListener('click', () => void this.addTerminal());
    options.list.addEventListener('keydown', (event) => this.#move(event));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.recolor());
  }

  /** A machine is there: the console leads to it, and terminals of the one before are gone. */
  connect(screenBefore = ''): void {
    const { vm, isWarm } = this.#options.session;
    if (vm === undefined) return;
    this.disconnect();
    const [console] = this.#tabs;
    for (const tab of this.#tabs.slice(1)) this.#remove(tab);
    if (screenBefore !== '') {
      console.screen.clear();
      void console.screen.write(screenBefore);
    }
    const isSilent = isWarm && screenBefore === '';
    if (isSilent) void console.screen.write(greeting(this.#options.session));
    console.link = new ConsoleLink(vm, console.screen, isSilent);
  }

  /** The machine is gone. */
  disconnect(): void {
    for (const tab of this.#tabs) {
      tab.link?.close();
      tab.link = undefined;
    }
  }

  /** Opens one more terminal of the guest. */
  async addTerminal(): Promise<void> {
    const { session, announce } = this.#options;
    const { vm } = session;
    if (vm === undefined || this.#tabs.length >= MOST_TERMINALS) {
      announce(vm === undefined ? 'No machine runs.' : `There are ${MOST_TERMINALS} terminals at most.`);
      return;
    }
    const tab = this.#create(`Terminal ${++this.#count}`);
    this.#show(tab);
    tab.screen.focus();
    try {
      const link = await AgentLink.open(vm, tab.screen, () => this.#remove(tab));
      if (!this.#tabs.includes(tab)) link.close();
      else {
        tab.link = link;
        if (tab.early !== '') link.type(tab.early);
      }
    } catch (error) {
      await tab.screen.write(`\x1b[31m${errorText(error)}\x1b[m\r\n`);
    }
  }

  /** The terminal that is shown. */
  get screen(): Screen {
    return this.#shown.screen;
  }

  /** The one of the console. */
  get console(): Screen {
    return this.#tabs[0].screen;
  }

  /** Types at the terminal that is shown. */
  type(text: string): void {
    this.#shown.link?.type(text);
  }

  /** Types at the console, which is shown then. */
  typeAtConsole(text: string): void {
    this.#show(this.#tabs[0]);
    this.#tabs[0].link?.type(text);
  }

  setReaders(isForReaders: boolean): void {
    this.#isForReaders = isForReaders;
    for (const { screen } of this.#tabs) screen.setReaders(isForReaders);
  }

  recolor(): void {
    for (const { screen } of this.#tabs) screen.recolor();
  }

  #create(title: string): Tab {
    const { list, panels, onLeave } = this.#options;
    const id = `terminal-${crypto.randomUUID()}`;
    const button = element(
      'button',
      { type: 'button', role: 'tab', id: `${id}-tab`, 'aria-controls': id, class: 'tab' },
      title,
    );
    const panel = element('div', { role: 'tabpanel', id, 'aria-labelledby': `${id}-tab`, class: 'screen' });
    list.append(button);
    panels.append(panel);
    const screen = new Screen(
      panel,
      { label: title, isForReaders: this.#isForReaders, opensLater: title === CONSOLE },
      {
        onInput: (text) => {
          if (tab.link !== undefined) tab.link.type(text);
          else if (title !== CONSOLE && tab.early.length < MOST_EARLY) tab.early += text;
        },
        onResize: (size) => tab.link?.resize(size),
        onLeave,
      },
    );
    const tab: Tab = { title, button, panel, screen, link: undefined, early: '' };
    if (title !== CONSOLE) {
      button.append(
        // Within the tab for the mouse; who has a keyboard ends the shell, or takes Delete.
        element('span', { class: 'tab-close', 'aria-hidden': 'true', title: `Close ${title}` }, '×'),
      );
      button.setAttribute('aria-description', 'Delete closes it.');
    }
    button.addEventListener('click', ({ target }) => {
      if (target instanceof Element && target.classList.contains('tab-close')) this.#remove(tab);
      else {
        this.#show(tab);
        tab.screen.focus();
      }
    });
    this.#tabs.push(tab);
    return tab;
  }

  #show(shown: Tab): void {
    this.#shown = shown;
    for (const { button, panel } of this.#tabs) {
      const isShown = button === shown.button;
      button.setAttribute('aria-selected', String(isShown));
      button.tabIndex = isShown ? 0 : -1;
      panel.hidden = !isShown;
    }
    shown.screen.fit();
  }

  #remove(tab: Tab): void {
    const index = this.#tabs.indexOf(tab);
    if (index <= 0) return;
    const hadFocus = tab.panel.contains(document.activeElement) || document.activeElement === tab.button;
    this.#tabs.splice(index, 1);
    tab.link?.close();
    tab.screen.dispose();
    tab.button.remove();
    tab.panel.remove();
    if (tab !== this.#shown) return;
    this.#show(this.#tabs[Math.min(index, this.#tabs.length - 1)]);
    if (hadFocus) this.#shown.screen.focus();
  }

  #move(event: KeyboardEvent): void {
    const index = this.#tabs.findIndex(({ button }) => button === document.activeElement);
    if (index < 0) return;
    if (event.key === 'Delete') {
      this.#remove(this.#tabs[index]);
      this.#shown.button.focus();
      return;
    }
    const last = this.#tabs.length - 1;
    const next: Readonly<Record<string, number>> = {
      ArrowRight: index === last ? 0 : index + 1,
      ArrowLeft: index === 0 ? last : index - 1,
      Home: 0,
      End: last,
    };
    const to = next[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#show(this.#tabs[to]);
    this.#tabs[to].button.focus();
  }
}

/** In place of the messages of a boot, which nobody has seen. */
function greeting({ guestName, settings }: MachineSession): string {
  const { cpus, memoryMiB } = settings;
  const processors = `${cpus} processor${cpus === 1 ? '' : 's'}`;
  return `${guestName} on ${processors} and ${memoryMiB} MiB, in this tab.\r\n\x1b[90mTry: nproc, cat /proc/interrupts, top\x1b[m\r\n`;
}
