import '@xterm/xterm/css/xterm.css';
import './theme.css';
import './page.css';
import { Dock } from './dock.ts';
import { element, errorText, find } from './dom.ts';
import { isolate } from './isolation.ts';
import { type Beginning, MachineSession } from './machine/session.ts';
import { readSettings, type Settings, sameSettings, settingsWords } from './machine/settings.ts';
import { AppearancePart } from './panel/appearance.ts';
import { acceptDrops, FilesPart } from './panel/files.ts';
import { OutsidePart } from './panel/outside.ts';
import { SettingsForm } from './panel/settings-form.ts';
import { SnapshotsPart } from './panel/snapshots.ts';
import { addTouchKeys } from './panel/touch-keys.ts';
import { TerminalTabs } from './terminal/tabs.ts';
import type { PageServices } from './view.ts';
import { VIEWS } from './views.ts';

const words = new URLSearchParams(location.search);
const session = new MachineSession(new URL('guest/', document.baseURI), notice);
const { settings: wanted, mistakes } = readSettings((name) => words.get(name));

const announcements = find('#announcements');
const pause = find<HTMLButtonElement>('#pause');
const restart = find<HTMLButtonElement>('#restart');
const addTerminal = find<HTMLButtonElement>('#add-terminal');
const toggleSide = find<HTMLButtonElement>('#toggle-side');
const side = find('#side');

const tabs = new TerminalTabs({
  list: find('#tablist'),
  panels: find('#screens'),
  add: addTerminal,
  session,
  announce,
  onLeave: () => (addTerminal.disabled ? restart : addTerminal).focus(),
});
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
find('#copy').addEventListener('click', () => void copy());
find('#paste').addEventListener('click', () => void paste());

void begin();

async function begin(): Promise<void> {
  curtain('Looking what this browser can do');
  const isolation = await isolate();
  if (isolation.kind === 'reloading') return;
  if (isolation.kind === 'refused') {
    curtain(isolation.message, { isFailure: true });
    status('failed', 'No machine can run here');
    return;
  }
  for (const mistake of mistakes) announce(mistake);
  if (mistakes.length > 0) await tabs.console.write(`\x1b[33m${mistakes.join('\r\n')}\x1b[m\r\n`);
  await start(wanted);
}

/** Starts a machine, and tells if that does not come about. */
async function start(settings: Settings, beginning?: Beginning, screen = ''): Promise<void> {
  try {
    await startOrThrow(settings, beginning, screen);
  } catch {
    // The session tells.
  }
}

async function startOrThrow(settings: Settings, beginning?: Beginning, screen = '') {
  tabs.disconnect();
  if (!sameSettings(settings, session.settings)) remember(settings);
  const hadMachine = session.phase !== 'idle';
  const vm = await session.start(settings, beginning);
  if (hadMachine && screen === '')
    await tabs.console.write('\r\n\x1b[90m──── another machine ────\x1b[m\r\n');
  tabs.connect(screen);
  if (document.activeElement === document.body || document.activeElement === restart) tabs.console.focus();
  return vm;
}

/** Whoever is given the address of the page gets the same machine. */
function remember(settings: Settings): void {
  const address = new URL(location.href);
  address.search = settingsWords(settings).toString();
  history.replaceState(null, '', address);
}

function render(): void {
  const { phase, message, progress, settings } = session;
  const isThere = phase === 'running' || phase === 'paused';
  pause.disabled = !isThere;
  pause.textContent = phase === 'paused' ? 'Resume' : 'Pause';
  addTerminal.disabled = phase !== 'running';
  restart.textContent = isThere || phase === 'starting' ? 'Restart' : 'Start';
  status(phase, isThere ? `${message}: ${shapeText(settings)}` : message);
  if (progress !== undefined) curtain(progress.message, { fraction: progress.fraction });
  else if (phase === 'failed') curtain(message, { isFailure: true, action: 'Try again' });
  else if (phase === 'ended') curtain(message, { action: 'Start it again' });
  else curtain(undefined);
  if (phase === 'running') form.show(settings);
  snapshots.update();
  if (phase !== 'starting') outside.update();
  files.update();
}

/** What the machine has to say beside its console. */
function notice(text: string): void {
  announce(text);
  void tabs.console
    .write(`\r\x1b[90m${text.replaceAll('\n', '\r\n')}\x1b[m\r\n`)
    .then(() => session.vm?.console.write('\r'));
}

let announcedPhase = '';

function status(phase: string, text: string): void {
  find('#status').dataset.phase = phase;
  find('#status-text').textContent = text;
  if (phase !== announcedPhase) announce(text);
  announcedPhase = phase;
}

function shapeText({ cpus, memoryMiB, protocol }: Settings): string {
  return `${cpus} vCPU${cpus === 1 ? '' : 's'}, ${memoryMiB} MiB, ${protocol}`;
}

/** What is shown in front of the terminals. @param text undefined for nothing */
function curtain(
  text: string | undefined,
  {
    fraction,
    isFailure = false,
    action = '',
  }: { fraction?: number | undefined; isFailure?: boolean; action?: string } = {},
): void {
  const place = find('#curtain');
  place.hidden = text === undefined;
  find('#curtain-text').textContent = text ?? '';
  const bar = find<HTMLProgressElement>('#curtain-progress');
  bar.hidden = isFailure || action !== '';
  if (fraction === undefined) bar.removeAttribute('value');
  else bar.value = fraction;
  const button = find('#curtain-action');
  button.hidden = action === '';
  button.textContent = action;
  button.onclick = () => void start(session.settings);
}

async function copy(): Promise<void> {
  const { selection } = tabs.screen;
  if (selection === '') announce('Nothing is selected in the terminal.');
  else await navigator.clipboard.writeText(selection).then(() => announce('Copied.'), noClipboard);
}

async function paste(): Promise<void> {
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

function announce(text: string): void {
  announcements.replaceChildren(element('span', {}, text));
}
