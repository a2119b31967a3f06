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
  const pause = find<HTMLButtonElement>('#pause');
  const restart = find<HTMLButtonElement>('#restart');
  const addTerminal = find<HTMLButtonElement>('#add-terminal');
  const toggleSide = find<HTMLButtonElement>('#toggle-side');
  const side = find('#side');
  const curtain = new Curtain(() => void start(session.settings));

  await turn();
  const tabs = new TerminalTabs({
    list: find('#tablist'),
    panels: find('#screens'),
    add: addTerminal,
    session,
    announce,
    onLeave: () => (addTerminal.disabled ? restart : addTerminal).focus(),
  });
  await turn();
  const form = new SettingsForm(wanted, (settings) => void start(settings));
  const snapshots = new SnapshotsPart({
    session,
    screen: () => tabs.console.serialize(),
    announce,
    restore: (beginning, settings, screen) => void start(settings, beginning, screen),
  });
  const files = new FilesPart({ session, announce });
  const appearance = new AppearancePart(
    (isForReaders) => tabs.setReaders(isForReaders),
    () => tabs.recolor(),
  );
  const outside = new OutsidePart({ session, announce });
  await turn();
  side.append(form.root, outside.root, snapshots.root, files.root, appearance.root);
  addTouchKeys(find('#keys'), (text) => tabs.type(text));
  acceptDrops(document.body, (dropped) => {
    const [first] = dropped;
    if (dropped.length === 1 && first.name.endsWith('.snapshot')) snapshots.restoreFile(first);
    else void files.put(dropped);
  });

  const services: PageServices = {
    machine: {
      get vm() {
        return session.vm;
      },
      get settings() {
        return session.settings;
      },
      onChange: (listener) => session.onChange(listener),
      restart: (change) => startOrThrow({ ...session.settings, ...change }),
    },
    announce,
    type: (text) => tabs.typeAtConsole(text),
    openView: (id) => dock.show(id),
  };
  const dock = new Dock(VIEWS, services);

  session.onChange(render);
  pause.addEventListener('click', () => {
    if (session.phase === 'paused') session.resume();
    else void session.pause().catch((error: unknown) => announce(errorText(error)));
  });
  restart.addEventListener('click', () => void start(session.settings));
  toggleSide.addEventListener('click', () => {
    side.hidden = !side.hidden;
    toggleSide.setAttribute('aria-expanded', String(!side.hidden));
  });
  find('#copy').addEventListener('click', () => void copy(tabs));
  find('#paste').addEventListener('click', () => void paste(tabs));
  await turn();
  if (session.phase === 'starting') render();
  return { notice, connect };

  async function connect(started: Promise<Vm> | undefined, mistakes: readonly string[]): Promise<void> {
    if (mistakes.length > 0) await tabs.console.write(`\x1b[33m${mistakes.join('\r\n')}\x1b[m\r\n`);
    const vm = await started?.catch(() => undefined);
    // Meanwhile somebody may have started another one.
    if (vm !== undefined && vm === session.vm) show('');
    if (session.phase !== 'idle') render();
  }

  function show(screen: string): void {
    tabs.connect(screen);
    if (document.activeElement === document.body || document.activeElement === restart) tabs.console.focus();
  }

  /** Starts a machine, and tells if that does not come about. */
  async function start(settings: Settings, beginning?: Beginning, screen = ''): Promise<void> {
    try {
      await startOrThrow(settings, beginning, screen);
    } catch {
      // The session tells.
    }
  }

  async function startOrThrow(settings: Settings, beginning?: Beginning, screen = ''): Promise<Vm> {
    tabs.disconnect();
    if (!sameSettings(settings, session.settings)) remember(settings);
    const hadMachine = session.phase !== 'idle';
    const vm = await session.start(settings, beginning);
    if (hadMachine && screen === '')
      await tabs.console.write('\r\n\x1b[90m──── another machine ────\x1b[m\r\n');
    show(screen);
    return vm;
  }

  function render(): void {
    const { phase, settings } = session;
    const isThere = phase === 'running' || phase === 'paused';
    pause.disabled = !isThere;
    pause.textContent = phase === 'paused' ? 'Resume' : 'Pause';
    addTerminal.disabled = phase !== 'running';
    restart.textContent = isThere || phase === 'starting' ? 'Restart' : 'Start';
    curtain.tell(session);
    if (phase === 'running') form.show(settings);
    snapshots.update();
    if (phase !== 'starting') outside.update();
    files.update();
  }

  function notice(text: string): void {
    announce(text);
    void tabs.console
      .write(`\r\x1b[90m${text.replaceAll('\n', '\r\n')}\x1b[m\r\n`)
      .then(() => session.vm?.console.write('\r'));
  }
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
