import { element } from '../dom.ts';

/** Keys of a terminal that the keyboards of telephones do not have, and what they send. */
const KEYS: readonly (readonly [name: string, label: string, sends: string])[] = [
  ['Esc', 'Escape', '\x1b'],
  ['Tab', 'Tab', '\t'],
  ['^C', 'Control C', '\x03'],
  ['^D', 'Control D', '\x04'],
  ['^Z', 'Control Z', '\x1a'],
  ['←', 'Left', '\x1b[D'],
  ['↓', 'Down', '\x1b[B'],
  ['↑', 'Up', '\x1b[A'],
  ['→', 'Right', '\x1b[C'],
  ['|', 'Pipe', '|'],
  ['/', 'Slash', '/'],
];

/** Fills a row with them. They leave the focus where it is, so that the keyboard stays open. */
export function addTouchKeys(row: HTMLElement, type: (text: string) => void): void {
  for (const [name, label, sends] of KEYS) {
    const key = element(
      'button',
      { type: 'button', class: 'button', 'aria-label': label, onclick: () => type(sends) },
      name,
    );
    key.addEventListener('pointerdown', (event) => event.preventDefault());
    row.append(key);
  }
}
