import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { InputError } from '../../src/errors/input-error.ts';

/** True for `26` or `24.21.0`, which is no name of a program. */
export function isNodeVersion(name: string): boolean {
  return /^\d+(\.\d+){0,2}$/.test(name);
}

/**
 * Fetches a Node from the npm registry, where each kind of machine has a package with nothing but the program.
 *
 * @param version as {@link isNodeVersion} knows it: the newest that begins so
 * @param directory below which it is put
 * @returns the program's path
 * @throws InputError when npm cannot get it
 */
export async function fetchNode(
  version: string,
  directory: string,
  onProgress: (line: string) => void,
): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  onProgress(`Fetching Node ${version} (npm package ${name})`);
  const prefix = join(directory, `node-${version}`);
  const args = [
    'install',
    '--prefix',
    prefix,
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--loglevel=error',
  ];
  const { error, status, stderr } = spawnSync('npm', [...args, `${name}@${version}`], { encoding: 'utf8' });
  if (status !== 0) {
    const reason = error?.message ?? stderr.trim().split('\n').slice(0, 3).join(' ');
    throw new InputError(`Node ${version} cannot be fetched as npm's ${name}: ${reason}`);
  }
  return join(prefix, 'node_modules', name, 'bin', 'node');
}
