import { element } from '../dom.ts';
import { field, select } from './settings-form.ts';

const THEME = 'hartvisor-theme';
const READERS = 'hartvisor-readers';

/** How the page looks: by the computer's settings, or the person's for this page. */
export class AppearancePart {
  readonly root: HTMLElement;

  /**
   * @param onReaders terminals are to be read aloud, or not
   * @param onTheme colors have changed
   */
  constructor(onReaders: (isForReaders: boolean) => void, onTheme: () => void) {
    const theme = select([
      ['auto', 'As this computer'],
      ['light', 'Light'],
      ['dark', 'Dark'],
    ]);
    theme.value = remembered(THEME) ?? 'auto';
    const apply = () => {
      if (theme.value === 'auto') delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme.value;
      onTheme();
      document.dispatchEvent(new Event('themechange'));
    };
    theme.addEventListener('change', () => {
      remember(THEME, theme.value);
      apply();
    });
    const readers = element('input', { type: 'checkbox', checked: remembered(READERS) === 'on' });
    readers.addEventListener('change', () => {
      remember(READERS, readers.checked ? 'on' : 'off');
      onReaders(readers.checked);
    });
    this.root = element(
      'section',
      {},
      element('h2', {}, 'Page'),
      field('Colors', theme),
      element('p', {}, element('label', { class: 'check' }, readers, 'Terminals for screen readers')),
      element(
        'p',
        { class: 'note' },
        'F6 leaves a terminal by the keyboard. Ctrl+Shift+C and V copy and paste.',
      ),
    );
    apply();
    if (readers.checked) onReaders(true);
  }
}

function remembered(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    // Storage is off.
    return null;
  }
}

function remember(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It holds until the page is left.
  }
}
