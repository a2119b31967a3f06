/** The lists of `docs/mutants.md`, which `scripts/mutant-list.ts` writes. */
import { MUTANTS } from './index.ts';
import type { Mutant } from './mutant.ts';
import { COLUMNS } from './trials.ts';
import { WEAK_MUTANTS, type WeakMutant } from './weak-mutants.ts';

/** By name of a mutant: the scenarios that kill it beside the one that the suite runs. */
export type AlsoKilled = ReadonlyMap<string, readonly string[]>;

/** The two lists of the page, each at the end of its section. */
const WEAK_LIST = /(?<=\n## In the order of accesses\n[\s\S]*?\n\n)- [\s\S]*?(?=\n\n## )/;
const LIST = /(?<=\n## The list\n\n)[\s\S]*$/;
const WIDTH = 120;

/** Reads from the page which scenarios kill mutants, as it was found when it was written. */
export function readAlsoKilled(page: string): AlsoKilled {
  const items = (LIST.exec(page)?.[0] ?? '').replaceAll('\n  ', ' ').split('\n');
  return new Map(
    items.flatMap((item) => {
      const [, name, also] = /^- `[^`]+`, `([^`]+)`:.*; also ([\w-]+(?:, [\w-]+)*)\.$/.exec(item) ?? [];
      return name === undefined || also === undefined ? [] : [[name, also.split(', ')] as const];
    }),
  );
}

/** The page with its lists made anew. */
export function renderPage(page: string, also: AlsoKilled): string {
  const weak = WEAK_MUTANTS.map((mutant) => wrap(weakItem(mutant)));
  const list = MUTANTS.map((mutant) => wrap(listItem(mutant, also.get(mutant.name) ?? [])));
  return page.replace(WEAK_LIST, () => weak.join('\n')).replace(LIST, () => `${list.join('\n')}\n`);
}

function weakItem({ name, about, base, weakening: { at, without }, killedBy }: WeakMutant): string {
  const [scenario, property] = killedBy;
  return `- \`${base.name}\`, \`${name}\` (\`${at}\` without \`${without}\`): ${about}. ${property} in **${scenario}**.`;
}

function listItem(
  { name, about, base, killedBy: [killer, property] }: Mutant,
  also: readonly string[],
): string {
  const names = COLUMNS.map((scenario) => scenario.name).filter((each) => also.includes(each));
  const others = names.length > 0 ? `; also ${names.join(', ')}` : '';
  return `- \`${base.name}\`, \`${name}\`: ${about}. ${property} in **${killer}**${others}.`;
}

/** Breaks an item between words; what follows the first line is indented. */
function wrap(item: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of item.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `  ${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}
