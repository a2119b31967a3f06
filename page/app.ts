import '@xterm/xterm/css/xterm.css';
import type { Vm } from 'hartvisor/web';
import { announce, Curtain } from './curtain.ts';
import { Dock } from './dock.ts';
import { errorText, find, turn } from './dom.ts';
import type { Beginning, MachineSession } from './machine/session.ts';
import { type Settings, sameSettings, settingsWords } from './machine/settings.ts';
import { AppearancePart } from './panel/appearance.ts';
import { acceptDrops, FilesPart } from './panel/files.ts';
import { OutsidePart } from './panel/outside.ts';
import { SettingsForm } from './panel/settings-form.ts';
import { SnapshotsPart } from './panel/snapshots.ts';
import { addTouchKeys } from './panel/touch-keys.ts';
import { TerminalTabs } from './terminal/tabs.ts';
import type { PageServices } from './view.ts';
import { VIEWS } from './views.ts';

/** The page around a machine. */
export interface OpenPage {
  /** Messages of the machine, shown beside its console. */
  notice(text: string): void;
  /**
   * Leads the console to the first machine.
   *
   * @param started undefined if none can be started
   * @param mistakes in the page's address, in whole sentences
   */
  connect(started: Promise<Vm> | undefined, mistakes: readonly string[]): Promise<void>;
}

/**
 * Puts the page together, in several turns of its thread: what is on it answers meanwhile, and so does a machine that
 * has been started already.
 *
 * @param wanted what the page's address asks for
 */
export async function openPage(session: MachineSession, wanted: Settings): Promise<OpenPage> {
  const buttons = findButtons();
  const curtain = new Curtain(() => void starter.start(session.settings));
  await turn();
  const tabs = openTabs(session, buttons);
  const starter = new Starter(session, tabs, buttons.restart);
  await turn();
  const parts = makeParts(session, starter, tabs, wanted);
  await turn();
  addParts(parts, tabs);
  const dock = new Dock(
    VIEWS,
    servicesOf(session, starter, tabs, (id) => dock.show(id)),
  );
  const render = () => {
    showPhase(session, buttons);
    curtain.tell(session);
    if (session.phase === 'running') parts.form.show(session.settings);
    parts.snapshots.update();
    if (session.phase !== 'starting') parts.outside.update();
    parts.files.update();
  };
  session.onChange(render);
  listen(session, starter, tabs, buttons);
  await turn();
  if (session.phase === 'starting') render();
  return {
    notice(text) {
      announce(text);
      void tabs.console
        .write(`\r\x1b[90m${text.replaceAll('\n', '\r\n')}\x1b[m\r\n`)
        .then(() => session.vm?.console.write('\r'));
    },
    async connect(started, mistakes) {
      if (mistakes.length > 0) await tabs.console.write(`\x1b[33m${mistakes.join('\r\n')}\x1b[m\r\n`);
      const vm = await started?.catch(() => undefined);
      // Meanwhile somebody may have started another one.
      if (vm !== undefined && vm === session.vm) starter.show('');
      if (session.phase !== 'idle') render();
    },
  };
}

type Buttons = ReturnType<typeof findButtons>;

function findButtons() {
  return {
    pause: find<HTMLButtonElement>('#pause'),
    restart: find<HTMLButtonElement>('#restart'),
    addTerminal: find<HTMLButtonElement>('#add-terminal'),
    toggleSide: find<HTMLButtonElement>('#toggle-side'),
  };
}

function openTabs(session: MachineSession, { addTerminal, restart }: Buttons): TerminalTabs {
  return new TerminalTabs({
    list: find('#tablist'),
    panels: find('#screens'),
    add: addTerminal,
    session,
    announce,
    onLeave: () => (addTerminal.disabled ? restart : addTerminal).focus(),
  });
}

/** Starts machines, and leads the terminals to them. */
class Starter {
  readonly #session: MachineSession;
  readonly #tabs: TerminalTabs;
  readonly #restart: HTMLButtonElement;

  constructor(session: MachineSession, tabs: TerminalTabs, restart: HTMLButtonElement) {
    [this.#session, this.#tabs, this.#restart] = [session, tabs, restart];
  }

  /** Starts a machine; the session tells if that does not come about. */
  async start(settings: Settings, beginning?: Beginning, screen = ''): Promise<void> {
    await this.startOrThrow(settings, beginning, screen).catch(() => undefined);
  }

  /** @param screen text that the console shows first */
  async startOrThrow(settings: Settings, beginning?: Beginning, screen = ''): Promise<Vm> {
    this.#tabs.disconnect();
    if (!sameSettings(settings, this.#session.settings)) remember(settings);
    const hadMachine = this.#session.phase !== 'idle';
    const vm = await this.#session.start(settings, beginning);
    if (hadMachine && screen === '')
      await this.#tabs.console.write('\r\n\x1b[90m──── another machine ────\x1b[m\r\n');
    this.show(screen);
    return vm;
  }

  show(screen: string): void {
    this.#tabs.connect(screen);
    const { activeElement, body } = document;
    if (activeElement === body || activeElement === this.#restart) this.#tabs.console.focus();
  }
}

type Parts = ReturnType<typeof makeParts>;

/** The parts of the panel at the side. */
function makeParts(session: MachineSession, starter: Starter, tabs: TerminalTabs, wanted: Settings) {
  return {
    form: new SettingsForm(wanted, (settings) => void starter.start(settings)),
    snapshots: new SnapshotsPart({
      session,
      screen: () => tabs.console.serialize(),
      announce,
      restore: (beginning, settings, screen) => void starter.start(settings, beginning, screen),
    }),
    files: new FilesPart({ session, announce }),
    appearance: new AppearancePart(
      (isForReaders) => tabs.setReaders(isForReaders),
      () => tabs.recolor(),
    ),
    outside: new OutsidePart({ session, announce }),
  };
}

function addParts({ form, outside, snapshots, files, appearance }: Parts, tabs: TerminalTabs): void {
  find('#side').append(form.root, outside.root, snapshots.root, files.root, appearance.root);
  addTouchKeys(find('#keys'), (text) => tabs.type(text));
  acceptDrops(document.body, (dropped) => {
    const [first] = dropped;
    if (dropped.length === 1 && first.name.endsWith('.snapshot')) snapshots.restoreFile(first);
    else void files.put(dropped);
  });
}

function servicesOf(
  session: MachineSession,
  starter: Starter,
  tabs: TerminalTabs,
  openView: (id: string) => void,
): PageServices {
  return {
    machine: {
      get vm() {
        return session.vm;
      },
      get settings() {
        return session.settings;
      },
      onChange: (listener) => session.onChange(listener),
      restart: (change) => starter.startOrThrow({ ...session.settings, ...change }),
    },
    announce,
    type: (text) => tabs.typeAtConsole(text),
    openView,
  };
}

function showPhase({ phase }: MachineSession, { pause, restart, addTerminal }: Buttons): void {
  const isThere = phase === 'running' || phase === 'paused';
  pause.disabled = !isThere;
  pause.textContent = phase === 'paused' ? 'Resume' : 'Pause';
  addTerminal.disabled = phase !== 'running';
  restart.textContent = isThere || phase === 'starting' ? 'Restart' : 'Start';
}

function listen(session: MachineSession, starter: Starter, tabs: TerminalTabs, buttons: Buttons): void {
  const { pause, restart, toggleSide } = buttons;
  pause.addEventListener('click', () => {
    if (session.phase === 'paused') session.resume();
    else void session.pause().catch((error: unknown) => announce(errorText(error)));
  });
  restart.addEventListener('click', () => void starter.start(session.settings));
  const side = find('#side');
  toggleSide.addEventListener('click', () => {
    side.hidden = !side.hidden;
    toggleSide.setAttribute('aria-expanded', String(!side.hidden));
  });
  find('#copy').addEventListener('click', () => void copy(tabs));
  find('#paste').addEventListener('click', () => void paste(tabs));
}

/** Whoever is given the address of the page gets the same machine. */
function remember(settings: Settings): void {
  const address = new URL(location.href);
  address.search = settingsWords(settings).toString();
  history.replaceState(null, '', address);
}

async function copy(tabs: TerminalTabs): Promise<void> {
  const { selection } = tabs.screen;
  if (selection === '') announce('Nothing is selected in the terminal.');
  else await navigator.clipboard.writeText(selection).then(() => announce('Copied.'), noClipboard);
}

async function paste(tabs: TerminalTabs): Promise<void> {
  await navigator.clipboard.readText().then((text) => {
    tabs.screen.paste(text);
    tabs.screen.focus();
  }, noClipboard);
}

function noClipboard(): void {
  announce(
    'This browser does not give the page the clipboard. Use its own keys: Ctrl+Shift+C and Ctrl+Shift+V.',
  );
}
