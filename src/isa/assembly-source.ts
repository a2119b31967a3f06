/** One statement of assembler source. */
export interface Statement {
  /** Line of the source, from 1. */
  readonly line: number;
  /** Labels in front of it. */
  readonly labels: readonly string[];
  /** Mnemonic or directive; empty if there are only labels. */
  readonly name: string;
  readonly operands: readonly string[];
}

/** Takes source apart: comments (`#`, `//`) go, `;` separates statements, labels end in `:`. */
export function parseSource(source: string): Statement[] {
  return source
    .split('\n')
    .flatMap((text, index) =>
      splitOutside(text, (rest) => comment(rest), ';').map((part) => parse(part, index + 1)),
    )
    .filter(({ labels, name }) => labels.length > 0 || name !== '');
}

function parse(text: string, line: number): Statement {
  const labels: string[] = [];
  let rest = text.trim();
  for (;;) {
    const match = /^([A-Za-z_.$][\w.$]*|\d+)\s*:/.exec(rest);
    if (match === null) break;
    labels.push(match[1]);
    rest = rest.slice(match[0].length).trim();
  }
  const [name = ''] = /^\S*/.exec(rest) ?? [];
  return { line, labels, name: name.toLowerCase(), operands: splitOperands(rest.slice(name.length)) };
}

function splitOperands(text: string): string[] {
  if (text.trim() === '') return [];
  return splitOutside(text, () => false, ',').map((operand) => operand.trim());
}

const comment = (rest: string): boolean => rest.startsWith('#') || rest.startsWith('//');

/** Splits at a separator, and stops where `isEnd` says so, but never within quotes. */
function splitOutside(text: string, isEnd: (rest: string) => boolean, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let index = 0;
  while (index < text.length && !isEnd(text.slice(index))) {
    const quoted = /^(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])')/.exec(text.slice(index));
    if (quoted !== null) {
      index += quoted[0].length;
      continue;
    }
    if (text[index] === separator) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
    index++;
  }
  return [...parts, text.slice(start, index)];
}
