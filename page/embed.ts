/**
 * The page for frames: a terminal that fills it, with attributes from its address. It takes no focus by itself, and
 * tells the page around it of its events by messages: `{ source: 'hartvisor', event: 'ready' }`.
 */
import './embed.css';
import { element } from './dom.ts';
import { terminalElement } from './element/terminal-element.ts';
import { isolate } from './isolation.ts';

customElements.define('hartvisor-terminal', terminalElement(new URL('guest/', document.baseURI)));

const ATTRIBUTES = [
  'src',
  'command',
  'autoplay',
  'cpus',
  'threads',
  'memory',
  'protocol',
  'aia',
  'label',
  'theme',
  'font-size',
];

const isolation = await isolate();
if (isolation.kind === 'isolated') {
  const words = new URLSearchParams(location.search);
  const terminal = element('hartvisor-terminal');
  for (const name of ATTRIBUTES) {
    const word = words.get(name);
    if (word !== null && isAllowed(name, word)) terminal.setAttribute(name, word);
  }
  terminal.addEventListener('statechange', ({ detail }) => tell('statechange', detail.state));
  terminal.addEventListener('ready', () => tell('ready'));
  terminal.addEventListener('exit', ({ detail }) => tell('exit', detail.end.reason));
  terminal.addEventListener('error', ({ detail }) => tell('error', String(detail.error)));
  document.body.append(terminal);
} else if (isolation.kind === 'refused') {
  const open = element(
    'a',
    { href: location.href, target: '_blank', rel: 'noopener' },
    'Open it in a tab of its own',
  );
  document.body.append(element('p', { role: 'alert' }, `${isolation.message} `, open));
  tell('error', isolation.message);
}

/** A guest of another host would run here with the looks of this one's. */
function isAllowed(name: string, word: string): boolean {
  if (name !== 'src') return true;
  return URL.canParse(word, document.baseURI) && new URL(word, document.baseURI).origin === location.origin;
}

/** There is nothing in it that others may not know. */
function tell(event: string, detail?: string): void {
  if (window.parent !== window) window.parent.postMessage({ source: 'hartvisor', event, detail }, '*');
}
