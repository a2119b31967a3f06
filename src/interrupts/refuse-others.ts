/**
 * Refuses names that mean nothing, which programs in plain JavaScript give by mistake.
 *
 * @param others what is left of an object without the names that there are
 * @throws RangeError if that is anything
 */
export function refuseOthers(others: object, kind: string, wanted: string): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new RangeError(`${unknown}: there is no such ${kind}; give ${wanted}`);
}
