import type { Terminal } from '@xterm/xterm';

/**
 * Keys that are not for the guest: copy and paste as terminals have them, and F6, by which somebody without a mouse
 * gets out of the terminal, which takes all others.
 */
export function handleKeys(terminal: Terminal, onLeave: () => void): void {
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== 'keydown') return true;
    if (event.key === 'F6') {
      event.preventDefault();
      onLeave();
      return false;
    }
    if (isCopy(event, terminal.hasSelection())) {
      // Some browsers open their tools by this key.
      event.preventDefault();
      void copy(terminal);
      return false;
    }
    // The browser pastes, and xterm.js gets the text by that event.
    return !isPaste(event);
  });
}

/** Copies what is selected, and unselects it. @returns whether something was copied */
async function copy(terminal: Pick<Terminal, 'getSelection' | 'clearSelection'>): Promise<boolean> {
  const text = terminal.getSelection();
  if (text === '') return false;
  await navigator.clipboard.writeText(text);
  terminal.clearSelection();
  return true;
}

/** Ctrl-C is the guest's, unless something is selected: then nobody wants to end a program. */
function isCopy(
  { code, key, ctrlKey, shiftKey, altKey, metaKey }: KeyboardEvent,
  hasSelection: boolean,
): boolean {
  if (altKey || !hasSelection) return false;
  if (metaKey) return code === 'KeyC';
  return ctrlKey && (code === 'KeyC' || (key === 'Insert' && !shiftKey));
}

function isPaste({ code, key, ctrlKey, shiftKey, altKey, metaKey }: KeyboardEvent): boolean {
  if (altKey) return false;
  if (key === 'Insert') return shiftKey && !ctrlKey;
  return code === 'KeyV' && (metaKey || (ctrlKey && shiftKey));
}
