/** Requests that no driver sends: any opcode, any numbers, names that lead elsewhere, lengths that are not true. */
import {
  COPY_IN,
  CREATE_IN,
  ENTRY_OUT,
  FILE_IN,
  FORGET_IN,
  FUSE,
  GETATTR_IN,
  IN_HEADER,
  INIT_IN,
  LINK_IN,
  MKDIR_IN,
  MKNOD_IN,
  OPCODE,
  OPEN_IN,
  OPEN_OUT,
  OUT_HEADER,
  READ_IN,
  RELEASE_IN,
  RENAME_IN,
  RENAME2_IN,
  SETATTR_IN,
  WRITE_IN,
} from '../../src/shared-folders/fuse/facts.ts';
import { request } from './fuse-client.ts';

const OPCODES: readonly number[] = Object.values(OPCODE);
/** Not INIT and DESTROY too often: they begin anew. */
const RARE: readonly number[] = [OPCODE.INIT, OPCODE.DESTROY];
const NAMES = [
  'a',
  'b',
  'c',
  'd',
  '..',
  '.',
  '',
  'a/b',
  '../outside',
  '/etc/passwd',
  'link',
  'x'.repeat(256),
];
/** Names that meet. */
const SHORT = ['a', 'b', 'c', 'd'];
const NUMBERS = [
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  64,
  4096,
  65_535,
  2 ** 20,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 40,
  2 ** 53,
  2 ** 63,
];

/** Bytes before the names of a good request. */
function argumentBytes(opcode: number): number {
  return ARGUMENT_BYTES.get(opcode) ?? 0;
}

const ARGUMENT_BYTES: ReadonlyMap<number, number> = new Map([
  [OPCODE.FORGET, FORGET_IN.BYTES],
  [OPCODE.GETATTR, GETATTR_IN.BYTES],
  [OPCODE.SETATTR, SETATTR_IN.BYTES],
  [OPCODE.MKNOD, MKNOD_IN.BYTES],
  [OPCODE.MKDIR, MKDIR_IN.BYTES],
  [OPCODE.RENAME, RENAME_IN.BYTES],
  [OPCODE.RENAME2, RENAME2_IN.BYTES],
  [OPCODE.LINK, LINK_IN.BYTES],
  [OPCODE.OPEN, OPEN_IN.BYTES],
  [OPCODE.OPENDIR, OPEN_IN.BYTES],
  [OPCODE.CREATE, CREATE_IN.BYTES],
  [OPCODE.READ, READ_IN.BYTES],
  [OPCODE.READDIR, READ_IN.BYTES],
  [OPCODE.READDIRPLUS, READ_IN.BYTES],
  [OPCODE.WRITE, WRITE_IN.BYTES],
  [OPCODE.RELEASE, RELEASE_IN.BYTES],
  [OPCODE.RELEASEDIR, RELEASE_IN.BYTES],
  [OPCODE.COPY_FILE_RANGE, COPY_IN.BYTES],
  [OPCODE.FSYNC, FILE_IN.BYTES],
  [OPCODE.FSYNCDIR, FILE_IN.BYTES],
  [OPCODE.INIT, 64],
]);

const ENTRIES: readonly number[] = [
  ...[OPCODE.LOOKUP, OPCODE.MKDIR, OPCODE.MKNOD, OPCODE.SYMLINK, OPCODE.LINK, OPCODE.CREATE],
];
/** Requests whose arguments begin with the number of an open file. */
const FILES: readonly number[] = [
  ...[OPCODE.READ, OPCODE.WRITE, OPCODE.RELEASE, OPCODE.READDIR, OPCODE.READDIRPLUS, OPCODE.RELEASEDIR],
  ...[OPCODE.FSYNC, OPCODE.FSYNCDIR, OPCODE.COPY_FILE_RANGE],
];
/** And with that of a directory, or another file. */
const DIRECTORIES: readonly number[] = [OPCODE.RENAME, OPCODE.RENAME2, OPCODE.LINK];
const REMEMBERED = 12;

/** Numbers that look like chance, always the same from a seed (xorshift32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed === 0 ? 1 : seed | 0;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }
}

/** Makes requests up, one after the other. What it is told of, it uses in later ones. */
export class HostileRequests {
  readonly #chance: Chance;
  readonly #nodes: number[] = [FUSE.root];
  readonly #files: number[] = [];
  #ended = false;
  #opcode = 0;
  /** The number of the request that was made last. */
  unique = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Remembers the numbers of files that it was told of, and of what is open. */
  learn(view: DataView, written: number): void {
    const body = written - OUT_HEADER.BYTES;
    const word = (at: number) => view.getUint32(OUT_HEADER.BYTES + at, true);
    if (body >= ENTRY_OUT.BYTES && ENTRIES.includes(this.#opcode)) this.#nodes.push(word(0));
    if (body === OPEN_OUT.BYTES) this.#files.push(word(0));
    if (body === ENTRY_OUT.BYTES + OPEN_OUT.BYTES) this.#files.push(word(ENTRY_OUT.BYTES));
    if (this.#nodes.length > REMEMBERED) this.#nodes.splice(1, 1);
    if (this.#files.length > REMEMBERED) this.#files.shift();
  }

  next(): Uint8Array<ArrayBuffer> {
    const chance = this.#chance;
    let opcode = chance.below(16) === 0 ? chance.below(60) : chance.of(OPCODES);
    if (RARE.includes(opcode) && chance.below(200) > 0) opcode = OPCODE.LOOKUP;
    if (this.#ended) opcode = OPCODE.INIT;
    this.#ended = opcode === OPCODE.DESTROY;
    const words: [number, number][] = [];
    const given = chance.below(8) === 0 ? chance.of([0, 8, 16, 24, 40, 64, 88]) : argumentBytes(opcode);
    for (let at = 0; at + 4 <= given; at += 4)
      if (chance.below(2) === 0)
        words.push([at, chance.below(3) > 0 ? chance.below(8) : chance.of(NUMBERS) % 2 ** 32]);
    if (opcode === OPCODE.INIT) words.push([INIT_IN.MAJOR, FUSE.major]);
    const names = Array.from({ length: 2 }, () =>
      chance.below(4) === 0 ? chance.of(NAMES) : chance.of(SHORT),
    );
    const data = new Uint8Array(chance.below(4) === 0 ? chance.below(300) : 0).fill(chance.below(256));
    if (FILES.includes(opcode) && this.#files.length > 0) words.push([0, chance.of(this.#files)], [4, 0]);
    if (DIRECTORIES.includes(opcode)) words.push([0, chance.of(this.#nodes)], [4, 0]);
    this.#opcode = opcode;
    const node = chance.below(16) === 0 ? chance.of(NUMBERS) : chance.of(this.#nodes);
    this.unique = (this.unique + 1) >>> 0;
    const fits = words.filter(([at]) => at + 4 <= given);
    const bytes = request(opcode, node, this.unique, { bytes: given, words: fits, names, data });
    if (chance.below(16) === 0)
      new DataView(bytes.buffer).setUint32(IN_HEADER.LEN, chance.of(NUMBERS) % 2 ** 32, true);
    return bytes;
  }
}
