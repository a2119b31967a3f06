import { describeUnknownOption } from '../errors/option-names.ts';
import { AgentError } from './agent-error.ts';

/** The longest time of a command, in milliseconds: timers wait for 2^31 - 1, and a late command has some more steps. */
export const LONGEST_MS = 2_147_000_000;

/** @throws AgentError with the code `usage` unless a value is a whole number between bounds that belong to them */
export function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new AgentError(
    'usage',
    `${name}: ${value} is not possible: give a whole number, ${least} to ${most}.`,
  );
}

/** @throws AgentError with the code `usage` unless a value is a number between bounds that belong to them */
export function checkNumber(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new AgentError('usage', `${name}: ${value} is not possible: give a number, ${least} to ${most}.`);
}

/** @throws AgentError with the code `usage` for an option that does not exist */
export function checkNames(given: object, names: object): void {
  const text = describeUnknownOption('', given, names);
  if (text !== undefined) throw new AgentError('usage', text);
}
