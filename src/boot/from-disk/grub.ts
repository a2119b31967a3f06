import type { BootEntry } from './boot-entry.ts';
import { readStatements } from './grub-statements.ts';

interface MenuEntry {
  readonly title: string;
  readonly id: string | undefined;
  /** Titles, IDs and numbers by which its menu and those above are chosen, from the outermost on. */
  readonly path: readonly MenuPlace[];
  readonly words: Map<string, readonly string[]>;
}

interface MenuPlace {
  readonly index: number;
  readonly title: string;
  readonly id: string | undefined;
}

interface OpenMenu {
  readonly place: MenuPlace | undefined;
  /** Entries and menus in it so far. */
  count: number;
}

/** Words that a statement of a condition may begin with. */
const BRANCHES = ['then', 'else', 'do'];
const KERNEL = ['linux', 'linux16', 'linuxefi'];
const INITRD = ['initrd', 'initrd16', 'initrdefi'];

/**
 * The entry that a `grub.cfg` starts by itself: that of the variable `default`, or the first one that starts Linux.
 * Such a file is a program; the subjects of its conditions are not known here, so that all of it counts.
 *
 * @returns undefined where no entry starts Linux
 */
export function readGrub(text: string): BootEntry | undefined {
  const { entries, chosen } = readMenu(text);
  const usable = entries.filter(({ words }) => words.has('kernel'));
  const { words } = usable.find((entry) => isChosen(entry, chosen)) ?? usable[0] ?? {};
  const [kernel, ...options] = words?.get('kernel') ?? [];
  if (words === undefined || kernel === undefined) return undefined;
  return {
    kernel: withoutDevice(kernel),
    initrds: (words.get('initrd') ?? []).map(withoutDevice),
    words: options.join(' '),
  };
}

function readMenu(text: string): { readonly entries: readonly MenuEntry[]; readonly chosen: string } {
  const variables = new Map<string, string>();
  const entries: MenuEntry[] = [];
  const menus: OpenMenu[] = [{ place: undefined, count: 0 }];
  /** The blocks of the braces that are open. */
  const open: ('entry' | 'menu' | 'other')[] = [];
  for (const { words, opens, closes } of readStatements(text, variables)) {
    if (closes) {
      if (open.pop() === 'menu') menus.pop();
      continue;
    }
    const [command = '', ...rest] = BRANCHES.includes(words[0] ?? '') ? words.slice(1) : words;
    const menu = menus.at(-1);
    if (command === 'set') assign(variables, rest[0] ?? '');
    else if (rest.length === 0) assign(variables, command);
    if (opens && menu !== undefined && (command === 'menuentry' || command === 'submenu')) {
      const place = { index: menu.count++, title: rest[0] ?? '', id: idOf(rest) };
      if (command === 'submenu') {
        menus.push({ place, count: 0 });
        open.push('menu');
      } else {
        const above = menus.flatMap(({ place: each }) => (each === undefined ? [] : [each]));
        entries.push({ title: place.title, id: place.id, path: [...above, place], words: new Map() });
        open.push('entry');
      }
    } else if (opens) open.push('other');
    else if (open.includes('entry')) addCommand(entries.at(-1), command, rest);
  }
  return { entries, chosen: variables.get('default') ?? '0' };
}

function addCommand(entry: MenuEntry | undefined, command: string, rest: readonly string[]): void {
  const key = KERNEL.includes(command) ? 'kernel' : INITRD.includes(command) ? 'initrd' : undefined;
  // The first one: a later one is another branch of a condition.
  if (key !== undefined && rest.length > 0 && entry?.words.has(key) === false) entry.words.set(key, rest);
}

function assign(variables: Map<string, string>, word: string): void {
  const [, name, value] = /^(\w+)=([\s\S]*)$/.exec(word) ?? [];
  if (name !== undefined && value !== undefined) variables.set(name, value);
}

function idOf(words: readonly string[]): string | undefined {
  // Debian's file has a variable for the option's name, so that old versions of GRUB do not see it.
  const at = words.findIndex((word) => word === '--id' || word === '');
  return at < 1 ? undefined : words[at + 1];
}

/** `default` is a number, a title or an ID; `1>0` is the first entry of the second menu. */
function isChosen({ path }: MenuEntry, chosen: string): boolean {
  const wanted = chosen.split('>');
  if (wanted.length !== path.length) return false;
  return path.every(({ index, title, id }, depth) => {
    const word = wanted[depth].trim();
    return word === String(index) || word === title || (id !== undefined && word === id);
  });
}

/** Without `($root)` or `(hd0,gpt1)`. */
function withoutDevice(path: string): string {
  return path.replace(/^\([^)]*\)/, '');
}
