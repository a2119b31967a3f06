import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseSeconds } from '../api/quantities.ts';
import { InputError } from '../errors/input-error.ts';
import { MEMORY_MODELS, type MemoryModel } from '../verify/memory-model.ts';

/** A person's module, as the checker's thread gets it. */
export interface ModuleFile {
  readonly url: string;
  readonly shown: string;
}

/** Options that the subcommands share, as they were typed. */
export interface VerifyWords {
  readonly protocol?: string[] | undefined;
  readonly scenario?: string[] | undefined;
  readonly file?: string | undefined;
  readonly maxStates?: string | undefined;
  readonly maxTime?: string | undefined;
}

/**
 * The part of a job that says which module is used.
 *
 * @throws InputError when there is no such file
 */
export function fileOf({ file }: Pick<VerifyWords, 'file'>): { readonly file?: ModuleFile } {
  if (file !== undefined && statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new InputError(`--file ${file}: there is no such file.`);
  }
  return file === undefined ? {} : { file: { url: pathToFileURL(resolve(file)).href, shown: file } };
}

/**
 * Reads the limits of an exploration.
 *
 * @throws InputError with the possible values
 */
export function limitsOf(words: VerifyWords): { readonly maxStates?: number; readonly maxTime?: number } {
  const { maxStates, maxTime } = words;
  return {
    ...(maxStates === undefined ? {} : { maxStates: parseStates(maxStates) }),
    ...(maxTime === undefined ? {} : { maxTime: parseSeconds(maxTime, '--max-time') * 1000 }),
  };
}

function parseStates(text: string): number {
  const value = /^\d+(\.\d+)?(e\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= 1e9 && Number.isInteger(value)) return value;
  throw new InputError(
    `--max-states ${text} is not possible: give a whole number from 1 to 1000000000, such as 2e6.`,
  );
}

/**
 * Reads the name of a memory model.
 *
 * @throws InputError with the possible values
 */
export function readMemory(model: string): MemoryModel {
  const found = MEMORY_MODELS.find((name) => name === model);
  if (found !== undefined) return found;
  throw new InputError(`--memory ${model}: the memory models are ${MEMORY_MODELS.join(' and ')}.`);
}

/**
 * Reads the name of a counterexample.
 *
 * @param where - the option that it came from, for messages; empty for an argument
 * @throws InputError unless it is `PROTOCOL/SCENARIO`
 */
export function readId(
  text: string,
  where: string,
): { readonly protocol: string; readonly scenario: string } {
  const [protocol, scenario, ...rest] = text.split('/');
  if (protocol && scenario && rest.length === 0) return { protocol, scenario };
  const what = where === '' ? text : `${where} ${text}`;
  throw new InputError(`${what} is not PROTOCOL/SCENARIO, such as published/ipi-after-round.`);
}
