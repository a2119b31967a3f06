/** A statement of GRUB's language, in as far as it matters here. */
export interface Statement {
  /** With variables in place of their names. */
  readonly words: readonly string[];
  /** A block begins behind it. */
  readonly opens: boolean;
  /** A block ends, and there are no words. */
  readonly closes: boolean;
}

/** A piece of a file: text in single quotes, in double quotes, a sign that parts statements, blanks, or other text. */
const PIECES =
  /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|(#[^\n]*)|([;\n{}])|(\\\n|[^\S\n]+)|((?:\\[\s\S]|[^\s;{}'"\\$#]|\$\{\w*\}|\$\w*|#)+)|([\s\S])/g;

/**
 * Divides a `grub.cfg` into statements.
 *
 * @param variables - values of `$name`: the caller may change them between two statements
 */
export function* readStatements(text: string, variables: ReadonlyMap<string, string>): Generator<Statement> {
  let words: string[] = [];
  let isWord = false;
  const add = (piece: string): void => {
    if (isWord) words.push(`${words.pop() ?? ''}${piece}`);
    else words.push(piece);
    isWord = true;
  };
  for (const [all, single, double, comment, sign, blank, plain] of text.matchAll(PIECES)) {
    if (single !== undefined) add(single);
    else if (double !== undefined) add(expand(double, variables));
    else if (comment !== undefined && isWord) add(comment);
    else if (blank !== undefined) isWord = false;
    else if (plain !== undefined) add(expand(plain, variables));
    else if (sign !== undefined) {
      if (words.length > 0 || sign === '{') yield { words, opens: sign === '{', closes: false };
      if (sign === '}') yield { words: [], opens: false, closes: true };
      words = [];
      isWord = false;
    } else if (comment === undefined) add(all);
  }
  if (words.length > 0) yield { words, opens: false, closes: false };
}

function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\\([\s\S])|\$\{(\w*)\}|\$(\w+)/g,
    (_, escaped?: string, braced?: string, plain?: string) =>
      escaped ?? variables.get(braced ?? plain ?? '') ?? '',
  );
}
