/**
 * Hostile requests to a shared folder, many more than a test makes: no answer may be wrong, nothing outside of the
 * folder may change, and no descriptor may stay open.
 *
 *     node scripts/share-fuzz.ts [--millions N] [--seed S]
 *
 * One million with a seed of the clock unless given. The exit status is 1 if something is wrong, with the seed.
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NodeFolder, openRoot } from '../src/node/shares/node-folder.ts';
import { FuseServer } from '../src/shared-folders/server.ts';
import { FuseClient } from '../test/shared-folders/fuse-client.ts';
import { HostileGuest } from '../test/shared-folders/fuse-fuzz.ts';

/** Requests after which the folder is looked at, and another guest begins. */
const ROUND = 100_000;
const MOST_DESCRIPTORS = 300;

const { values } = parseArgs({
  options: {
    millions: { type: 'string', default: '1' },
    seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
  },
});
const requests = Number(values.millions) * 1e6;
const seed = Number(values.seed);
const base = mkdtempSync(join(tmpdir(), 'hartvisor-share-fuzz-'));
const outside = join(base, 'outside');
mkdirSync(outside);
writeFileSync(join(outside, 'secret'), 'secret');

/** @returns what is wrong, or nothing */
function round(number: number): string | undefined {
  const path = join(base, 'folder');
  mkdirSync(path);
  symlinkSync(outside, join(path, 'link'));
  const host = new NodeFolder({ root: openRoot(path), mostDescriptors: MOST_DESCRIPTORS });
  let trouble: string | undefined;
  const server = new FuseServer({ host, readOnly: false, onTrouble: (text) => (trouble = text) });
  new FuseClient(server).init();
  const guest = new HostileGuest(server, seed + number);
  for (let step = 0; step < ROUND && trouble === undefined; step++) {
    guest.step();
    if (host.openDescriptors > MOST_DESCRIPTORS) return `${host.openDescriptors} descriptors are open`;
  }
  server.close();
  if (trouble !== undefined) return trouble;
  if (host.openDescriptors > 0) return `${host.openDescriptors} descriptors stay open`;
  if (readdirSync(base).sort().join() !== 'folder,outside') return 'there is something beside the folder';
  const secret = readFileSync(join(outside, 'secret'), 'latin1');
  if (secret !== 'secret' || readdirSync(outside).length !== 1) return 'what is outside has changed';
  rmSync(path, { recursive: true });
  const { done, refused, none } = guest.counts;
  console.log(
    `${(number + 1) * ROUND} requests: ${done} done, ${refused} refused, ${none} none in the last ${ROUND}`,
  );
  return undefined;
}

try {
  for (let number = 0; number * ROUND < requests; number++) {
    const wrong = round(number);
    if (wrong === undefined) continue;
    console.log(`seed ${seed}, round ${number}: ${wrong}`);
    process.exitCode = 1;
    break;
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
