import { OperandError } from './assembly-error.ts';

/** The value of a symbol; undefined if it is not defined (yet). */
export type SymbolLookup = (name: string) => bigint | undefined;

type Operator = (left: bigint, right: bigint) => bigint;

/** Binary operators by precedence, the loosest first. */
const PRECEDENCE: readonly Readonly<Record<string, Operator>>[] = [
  { '|': (a, b) => a | b },
  { '^': (a, b) => a ^ b },
  { '&': (a, b) => a & b },
  { '<<': (a, b) => a << b, '>>': (a, b) => a >> b },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': divide, '%': modulo },
];

const UNARY: Readonly<Record<string, (value: bigint) => bigint>> = {
  '-': (value) => -value,
  '+': (value) => value,
  '~': (value) => ~value,
  // Upper and lower part of an absolute address, for `lui` and a signed 12-bit offset.
  '%hi': (value) => ((value + 0x800n) >> 12n) & 0xf_ffffn,
  '%lo': (value) => BigInt.asIntN(12, value),
};

const TOKEN =
  /\s*(%hi|%lo|<<|>>|[-+~*/%|^&()]|'(?:\\.|[^'\\])'|0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+[bf]?|[A-Za-z_.$][\w.$]*)/y;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' };

/**
 * The value of an expression: numbers (decimal, 0x, 0b, characters), symbols, `1b` and `1f`, parentheses, the
 * operators of C on integers, `%hi` and `%lo`.
 *
 * @throws OperandError if it is malformed or names an unknown symbol
 */
export function evaluate(text: string, lookup: SymbolLookup): bigint {
  const tokens = tokenize(text);
  let next = 0;

  function level(depth: number): bigint {
    if (depth === PRECEDENCE.length) return unary();
    let left = level(depth + 1);
    for (;;) {
      const operator = PRECEDENCE[depth][tokens[next] ?? ''];
      if (operator === undefined) return left;
      next++;
      left = operator(left, level(depth + 1));
    }
  }

  function unary(): bigint {
    const token = tokens[next++];
    if (token === undefined) throw new OperandError(`'${text}' ends where a value should be`);
    const operator = UNARY[token];
    if (operator !== undefined) return operator(unary());
    if (token !== '(') return atom(token, lookup);
    const value = level(0);
    if (tokens[next++] !== ')') throw new OperandError(`'${text}' lacks a closing parenthesis`);
    return value;
  }

  const value = level(0);
  if (next < tokens.length) throw new OperandError(`'${tokens[next]}' does not belong in '${text}'`);
  return value;
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new OperandError(`'${text.slice(start).trim()}' is not a number or symbol`);
    tokens.push(match[1]);
  }
  return tokens;
}

function atom(token: string, lookup: SymbolLookup): bigint {
  if (token.startsWith("'")) return BigInt(unescapeText(token.slice(1, -1)).codePointAt(0) ?? 0);
  if (/^(0[xXbB][0-9a-fA-F]+|[0-9]+)$/.test(token)) return BigInt(token);
  const value = lookup(token);
  if (value === undefined) throw new OperandError(`'${token}' is not defined`);
  return value;
}

/** The text of a string or character literal, without its quotes. */
export function unescapeText(text: string): string {
  return text.replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character);
}

function divide(left: bigint, right: bigint): bigint {
  if (right === 0n) throw new OperandError('division by zero');
  return left / right;
}

function modulo(left: bigint, right: bigint): bigint {
  if (right === 0n) throw new OperandError('division by zero');
  return left % right;
}
