/** Reads a value of JSON that may be anything. @throws FactsError with the fault and its place */
export type Check<Value> = (value: unknown, where: string) => Value;

/** Facts are not as they have to be. */
export class FactsError extends Error {}

/** A whole number in a range, both ends included. */
export function integer(from: number, to: number): Check<number> {
  return (value, where) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return value;
    throw new FactsError(`${where} is no whole number from ${from} to ${to}`);
  };
}

/** A finite number that is not below 0. */
export const amount: Check<number> = (value, where) => {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new FactsError(`${where} is no number from 0 on`);
};

export const text: Check<string> = (value, where) => {
  if (typeof value === 'string') return value;
  throw new FactsError(`${where} is no text`);
};

export const flag: Check<boolean> = (value, where) => {
  if (typeof value === 'boolean') return value;
  throw new FactsError(`${where} is neither true nor false`);
};

export function oneOf<const Value>(values: readonly Value[]): Check<Value> {
  return (value, where) => {
    const found = values.find((each) => each === value);
    if (found !== undefined) return found;
    throw new FactsError(`${where} is none of ${values.join(', ')}`);
  };
}

export function list<Value>(most: number, check: Check<Value>): Check<readonly Value[]> {
  return (value, where) => {
    if (!Array.isArray(value) || value.length > most) {
      throw new FactsError(`${where} is no list of up to ${most} values`);
    }
    return value.map((each, index) => check(each, `${where}[${index}]`));
  };
}

/** Texts by name. */
export const texts: Check<Readonly<Record<string, string>>> = (value, where) =>
  Object.fromEntries(Object.entries(record(value, where)).map(([name, each]) => [name, text(each, where)]));

/** A check for each field that there has to be; others are left out. */
type Fields<Value> = { readonly [Name in keyof Value]-?: Check<Value[Name]> };

export function object<Value extends object>(fields: Fields<Value>): Check<Value> {
  return (value, where) => {
    const given = record(value, where);
    const read = Object.entries<Check<unknown>>(fields).map(
      ([name, check]) => [name, check(own(given, name), `${where}.${name}`)] as const,
    );
    // With `exactOptionalPropertyTypes`, a field that may be left out is not there.
    return Object.fromEntries(read.filter(([, each]) => each !== undefined)) as Value;
  };
}

/** A field that may be left out. */
export function optional<Value>(check: Check<Value>): Check<Value> {
  // `object` leaves out undefined, which is no value of the type.
  return (value, where) => (value === undefined ? (undefined as Value) : check(value, where));
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new FactsError(`${where} is no object`);
}

function own(given: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(given, name) ? given[name] : undefined;
}
