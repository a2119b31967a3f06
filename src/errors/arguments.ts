import { InputError } from './input-error.ts';

/**
 * The values that an argument can have. Programs in plain JavaScript have no compiler that finds `alow` in place of
 * `allow`, or a text in place of a number, and a rule that is not kept is worse than an error.
 */
export interface Rule {
  /** For people, behind "give". */
  readonly wanted: string;
  /** Whether a value is of that kind as far as it is seen from outside. */
  readonly fits: (value: unknown) => boolean;
  /** For values with parts that fit: the first fault within, as a sentence. */
  readonly fault?: (name: string, value: object) => string | undefined;
}

/** Rules for all options of a type: a name that is missing, or one too many, is an error of the compiler. */
export type OptionRules<Options extends object> = Readonly<Record<keyof Options, Rule>>;

/** Characters of a value of the caller's that a message shows. */
const SHOWN = 60;

function isObject(value: unknown): value is Readonly<Record<PropertyKey, unknown>> {
  return typeof value === 'object' && value !== null;
}

export const TEXT: Rule = { wanted: 'a text', fits: (value) => typeof value === 'string' };
export const SWITCH: Rule = { wanted: 'true or false', fits: (value) => typeof value === 'boolean' };
/** Any number: its bounds are looked at where they are known. */
export const NUMBER: Rule = { wanted: 'a number', fits: (value) => typeof value === 'number' };
export const LISTENER: Rule = { wanted: 'a function', fits: (value) => typeof value === 'function' };
/** An object of the program's own or of hartvisor's, whose parts are not looked at. */
export const OBJECT: Rule = { wanted: 'an object', fits: isObject };
/** By its name: an array of another realm, as of a frame, is none of this realm's class. */
export const BYTES: Rule = {
  wanted: 'bytes (a Uint8Array)',
  fits: (value) => ArrayBuffer.isView(value) && Object(value)[Symbol.toStringTag] === 'Uint8Array',
};
/** Also one of another realm. */
export const SIGNAL: Rule = {
  wanted: 'an AbortSignal',
  fits: (value) =>
    isObject(value) && typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function',
};
export const WEB_STREAM: Rule = {
  wanted: 'a ReadableStream of the web that nobody reads yet',
  fits: (value) => isObject(value) && typeof value.getReader === 'function' && value.locked === false,
};

/** A whole number between bounds that belong to them. */
export function whole(least: number, most: number): Rule {
  return {
    wanted: `a whole number, ${least} to ${most}`,
    fits: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  };
}

/** A number between bounds that belong to them; also Infinity where that is one. */
export function between(least: number, most: number): Rule {
  return {
    wanted: `a number, ${least} to ${most}`,
    fits: (value) => typeof value === 'number' && value >= least && value <= most,
  };
}

/** One of some words. */
export function word(...words: readonly string[]): Rule {
  return {
    wanted: `one of ${words.join(', ')}`,
    fits: (value) => typeof value === 'string' && words.includes(value),
  };
}

/** A list of values of one kind. */
export function listOf(rule: Rule, wanted: string): Rule {
  return {
    wanted,
    fits: Array.isArray,
    fault: (name, value) => {
      // Also its gaps, which `map` and `entries` of objects leave out.
      for (const [index, each] of (value as readonly unknown[]).entries()) {
        const fault = faultOf(`${name}[${index}]`, each, rule);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  };
}

/** Values of one kind by names of the caller's own. */
export function recordOf(rule: Rule, wanted: string): Rule {
  return {
    wanted,
    fits: isPlain,
    fault: (name, value) => {
      for (const [key, each] of Object.entries(value)) {
        const fault = faultOf(`${name}['${shortened(key)}']`, each, rule);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  };
}

/**
 * Options, each by its name. One that is undefined is the same as one that is left out.
 *
 * @param required those that may not be left out
 */
export function optionsOf<Options extends object>(
  rules: OptionRules<Options>,
  wanted: string,
  required: readonly (keyof Options & string)[] = [],
): Rule {
  return {
    wanted,
    fits: isPlain,
    fault: (name, value) => optionFault(name === '' ? '' : `${name}.`, value, rules, required),
  };
}

/** An object whose `kind` says which options it has. @param kinds the rules of each */
export function byKind(kinds: Readonly<Record<string, Rule>>, wanted: string): Rule {
  const names = word(...Object.keys(kinds));
  return {
    wanted,
    fits: isPlain,
    fault: (name, value) => {
      const kind: unknown = Reflect.get(value, 'kind');
      return faultOf(`${name}.kind`, kind, names) ?? kinds[String(kind)]?.fault?.(name, value);
    },
  };
}

/** An object, also one of a class of the caller's own, of which some functions are called. */
export function withMethods(methods: readonly string[], wanted: string): Rule {
  return {
    wanted,
    fits: (value) => isObject(value) && methods.every((name) => typeof value[name] === 'function'),
  };
}

/** A value of any of several kinds, which can be told apart from outside. */
export function either(...rules: readonly Rule[]): Rule {
  const of = (value: unknown) => rules.find(({ fits }) => fits(value));
  return {
    wanted: rules.map(({ wanted }) => wanted).join(', or '),
    fits: (value) => of(value) !== undefined,
    fault: (name, value) => of(value)?.fault?.(name, value),
  };
}

/**
 * @param name of the argument, for people
 * @throws InputError with the values that are possible
 */
export function checkArgument(name: string, value: unknown, rule: Rule): void {
  const fault = faultOf(name, value, rule);
  if (fault !== undefined) throw new InputError(fault);
}

/** @throws InputError for something else than options, for an option that does not exist, or a value that cannot be */
export function checkOptions<Options extends object>(given: Options, rules: OptionRules<Options>): void {
  const fault = isPlain(given)
    ? optionFault('', given, rules, [])
    : impossible('options', given, 'an object with options, or nothing');
  if (fault !== undefined) throw new InputError(fault);
}

/** A value of the caller's in a message: short, and whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shortened(value));
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'a list';
  if (!isObject(value)) return shortened(String(value));
  const kind = shortened(kindOf(value));
  return kind === 'Object' ? 'an object' : `an object (${kind})`;
}

function shortened(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 3)}...` : text;
}

/** Lists, bytes, maps, signals and promises would pass for options of which none is given. */
function isPlain(value: unknown): boolean {
  return kindOf(value) === 'Object';
}

/** The kind of an object as the language names it, also one of another realm. */
function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function impossible(name: string, value: unknown, wanted: string): string {
  return `${name}: ${shown(value)} is not possible: give ${wanted}.`;
}

function faultOf(name: string, value: unknown, { wanted, fits, fault }: Rule): string | undefined {
  if (!fits(value)) return impossible(name, value, wanted);
  return isObject(value) ? fault?.(name, value) : undefined;
}

function optionFault(
  where: string,
  given: object,
  rules: Readonly<Record<string, Rule>>,
  required: readonly string[],
): string | undefined {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(rules, name)) {
      const names = Object.keys(rules).join(', ');
      return `${where}${shortened(name)}: there is no such option; give some of ${names}.`;
    }
    const fault = value === undefined ? undefined : faultOf(`${where}${name}`, value, rules[name]);
    if (fault !== undefined) return fault;
  }
  const missing = required.find(
    (name) => !Object.hasOwn(given, name) || Reflect.get(given, name) === undefined,
  );
  return missing === undefined
    ? undefined
    : `${where}${missing}: it is missing: give ${rules[missing].wanted}.`;
}
