/**
 * The names of all options of a type. A name that is missing here is an error of the compiler, so that none is refused
 * that exists.
 */
export type OptionNames<Options extends object> = Readonly<Record<keyof Options, true>>;

/**
 * Looks for options that nobody would ever look at: programs in plain JavaScript have no compiler that finds `alow` in
 * place of `allow`, and a rule that is not kept is worse than an error.
 *
 * @param where in front of the text, such as `network.`
 * @returns a sentence for a person about the first one; undefined: there is none
 */
export function describeUnknownOption(where: string, given: object, names: object): string | undefined {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return undefined;
  return `${where}${unknown}: there is no such option; give some of ${Object.keys(names).join(', ')}.`;
}
