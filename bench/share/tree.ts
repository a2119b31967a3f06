/** The files that the guest works with: a working tree of git, sources to compile, an archive. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../src/errors/input-error.ts';

/** Files in a folder of the working tree. */
const FOLDER_FILES = 50;
/** Of the same files, those in the archive at most. */
export const ARCHIVE_FILES = 200;
/** Sources that are compiled, and headers, of which each includes so many. */
export const SOURCES = 3;
const HEADERS = 80;
const INCLUDED = 40;
/** Long ago: git looks into files that are as new as its index. */
const OLD = 1_600_000_000;

/**
 * Makes a folder that is to be shared.
 *
 * @param path of the folder, which is made
 * @param archive of the file for the archive
 * @param files in the working tree
 * @throws InputError where a program is missing
 */
export function makeTree(path: string, archive: string, files: number): void {
  const tree = join(path, 'tree');
  for (let file = 0; file < files; file++) {
    const folder = join(tree, `folder-${Math.floor(file / FOLDER_FILES)}`);
    if (file % FOLDER_FILES === 0) mkdirSync(folder, { recursive: true });
    const name = join(folder, `file-${file}.txt`);
    writeFileSync(name, `${file} ${'of so many lines, '.repeat(1 + (file % 400))}\n`);
    utimesSync(name, OLD, OLD);
  }
  makeSources(join(path, 'sources'));
  const folders = Array.from(
    { length: Math.ceil(Math.min(files, ARCHIVE_FILES) / FOLDER_FILES) },
    (_, folder) => `folder-${folder}`,
  );
  run('tar', ['cf', archive, ...folders], tree);
  run('git', ['init', '-q', '.'], tree);
  run('git', ['add', '.'], tree);
  run('git', ['-c', 'user.name=b', '-c', 'user.email=b@localhost', 'commit', '-q', '-m', 'All files'], tree);
}

function makeSources(path: string): void {
  mkdirSync(join(path, 'include'), { recursive: true });
  for (let header = 0; header < HEADERS; header++) {
    const lines = Array.from({ length: 60 }, (_, line) => {
      const name = `value_${header}_${line}`;
      return `struct s_${name} { int first, second[${line + 1}]; };\nint ${name}(const struct s_${name} *, int);`;
    });
    writeFileSync(join(path, 'include', `header-${header}.h`), `#pragma once\n${lines.join('\n')}\n`);
  }
  for (let source = 0; source < SOURCES; source++) {
    const includes = Array.from(
      { length: INCLUDED },
      (_, at) => `#include "header-${(source * 7 + at) % HEADERS}.h"`,
    );
    const functions = Array.from(
      { length: 20 },
      (_, at) =>
        `int work_${source}_${at}(int n) { int s = 0; while (n--) s = s * ${at + 3} + n; return s; }`,
    );
    writeFileSync(join(path, `source-${source}.c`), `${includes.join('\n')}\n${functions.join('\n')}\n`);
  }
}

function run(program: string, args: readonly string[], cwd: string): void {
  try {
    execFileSync(program, args, { cwd, stdio: 'pipe' });
  } catch (error) {
    throw new InputError(
      `${program} is needed to make the files, and cannot be run: ${(error as Error).message}`,
    );
  }
}
