/** The longest text of a guest that a message has in it. */
const LONGEST = 500;

/**
 * Text with its control characters escaped, as `\x1b`: text that a guest, a file or a path brings into a message does
 * nothing to a terminal or a log. Line ends and tabs stay.
 */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, escaped);
}

/** A guest's text for one line of a message: {@link printable}, without line ends, and cut where it gets long. */
export function printableLine(text: string): string {
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)} ...` : text;
  return shown.replaceAll(/\p{Cc}/gu, escaped);
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
