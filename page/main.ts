/** The first module of the page: starts the machine, while all that is around it is still on its way. */
import './theme.css';
import './page.css';
// The session asks for it only when it starts a machine, which here is at once.
import 'hartvisor/web';
import { announce, Curtain, showStatus } from './curtain.ts';
import { isolate } from './isolation.ts';
import { MachineSession } from './machine/session.ts';
import { readSettings } from './machine/settings.ts';

const words = new URLSearchParams(location.search);
const { settings, mistakes } = readSettings((name) => words.get(name));
/** Messages of the machine from before there was a terminal. */
const early: string[] = [];
let notice = (text: string): void => void early.push(text);
const session = new MachineSession(new URL('guest/', document.baseURI), (text) => notice(text));
// Where the rest of the page does not come, nothing less helps.
const curtain = new Curtain(() => location.reload());

void begin();

async function begin(): Promise<void> {
  curtain.show('Checking what this browser can do');
  const isolation = await isolate();
  if (isolation.kind === 'reloading') return;
  const stopTelling = session.onChange(() => {
    // A machine that runs is shown when there is something to type at.
    if (session.phase !== 'running') curtain.tell(session);
  });
  const isPossible = isolation.kind === 'isolated';
  const started = isPossible ? session.start(settings) : undefined;
  // The session tells.
  started?.catch(() => undefined);
  const { openPage } = await import('./app.ts');
  const page = await openPage(session, settings);
  stopTelling();
  notice = page.notice;
  for (const text of early) page.notice(text);
  if (isolation.kind === 'refused') {
    curtain.show(isolation.message, { isFailure: true });
    showStatus('failed', 'No machine can run here');
    return;
  }
  for (const mistake of mistakes) announce(mistake);
  await page.connect(started, mistakes);
}
