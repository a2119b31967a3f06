/**
 * The condition of a litmus test: `exists (0:x5=1 /\ x=2)`, with `\/`, `not`, `~`, `true` and `false`.
 */
import { InputError } from '../../errors/input-error.ts';

/** The place that an atom of a condition looks at: a register of a hart, or a location. */
export type Observed = { readonly hart: number; readonly register: number } | { readonly location: number };

export type Condition =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'equals'; readonly what: Observed; readonly value: number }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] };

/** How names in a condition are understood. */
export interface Names {
  /** The number of a register, or -1. */
  register(name: string): number;
  /** The index of a location, or -1. */
  location(name: string): number;
  /** A number, or the address of a location. */
  value(text: string): number;
}

const TOKEN = /\s*(\/\\|\\\/|[()~=[\];]|[\w.:$+-]+)/y;

/** @throws InputError when the text is not a condition. */
export function parseCondition(text: string, names: Names): Condition {
  return new ConditionParser(text, names).parse();
}

class ConditionParser {
  readonly #tokens: string[] = [];
  readonly #names: Names;
  #at = 0;

  constructor(text: string, names: Names) {
    this.#names = names;
    TOKEN.lastIndex = 0;
    const body = text.trim();
    while (TOKEN.lastIndex < body.length) {
      const from = TOKEN.lastIndex;
      const match = TOKEN.exec(body);
      if (match === null)
        throw new InputError(`The condition is not understood from '${body.slice(from)}' on`);
      this.#tokens.push(match[1]);
    }
  }

  parse(): Condition {
    const condition = this.#or();
    if (this.#at < this.#tokens.length) {
      throw new InputError(
        `The condition is not understood from '${this.#tokens.slice(this.#at).join(' ')}' on`,
      );
    }
    return condition;
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #or(): Condition {
    const parts = [this.#and()];
    while (this.#take('\\/')) parts.push(this.#and());
    return parts.length === 1 ? parts[0] : { kind: 'or', parts };
  }

  #and(): Condition {
    const parts = [this.#unary()];
    while (this.#take('/\\')) parts.push(this.#unary());
    return parts.length === 1 ? parts[0] : { kind: 'and', parts };
  }

  #unary(): Condition {
    if (this.#take('~') || this.#take('not')) return { kind: 'not', of: this.#unary() };
    if (this.#take('(')) {
      const inner = this.#or();
      if (!this.#take(')')) throw new InputError('The condition lacks a closing parenthesis');
      return inner;
    }
    if (this.#take('true')) return { kind: 'constant', value: true };
    if (this.#take('false')) return { kind: 'constant', value: false };
    return this.#atom();
  }

  #atom(): Condition {
    const brackets = this.#take('[');
    const name = this.#tokens[this.#at++] ?? 'the end';
    if (brackets) this.#take(']');
    if (!this.#take('=')) throw new InputError(`The condition lacks '=' after '${name}'`);
    const value = this.#tokens[this.#at++];
    if (value === undefined) throw new InputError(`The condition lacks a value for '${name}'`);
    return { kind: 'equals', what: this.#observed(name), value: this.#names.value(value) };
  }

  #observed(name: string): Observed {
    const match = /^(\d+):(\w+)$/.exec(name);
    if (match === null) {
      const location = this.#names.location(name);
      if (location < 0)
        throw new InputError(`The condition names '${name}', which is no location of the test`);
      return { location };
    }
    const register = this.#names.register(match[2]);
    if (register < 0) throw new InputError(`The condition names '${name}', which is no register`);
    return { hart: Number(match[1]), register };
  }
}

/** Whether the condition holds; undefined while it depends on memory that is not known yet. */
export function evaluate(
  condition: Condition,
  registers: readonly Int32Array[],
  memory: readonly number[] | undefined,
): boolean | undefined {
  switch (condition.kind) {
    case 'constant':
      return condition.value;
    case 'equals': {
      const { what, value } = condition;
      if ('register' in what) return registers[what.hart][what.register] === value;
      return memory === undefined ? undefined : memory[what.location] === value;
    }
    case 'not': {
      const inner = evaluate(condition.of, registers, memory);
      return inner === undefined ? undefined : !inner;
    }
    default: {
      const decides = condition.kind === 'or';
      let unknown = false;
      for (const part of condition.parts) {
        const value = evaluate(part, registers, memory);
        if (value === decides) return decides;
        unknown ||= value === undefined;
      }
      return unknown ? undefined : !decides;
    }
  }
}
