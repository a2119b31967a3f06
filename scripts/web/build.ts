/**
 * `npm run build:web`: the page with a guest as a folder that any file host can serve, in any place of it: `build/web`,
 * or the folder that is given. With `--cold` there is no image of a guest that has booted, with `--no-guest` no guest
 * at all, as in the package: `hartvisor web` adds it.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HartvisorError } from '../../src/errors/hartvisor-error.ts';
import { addGuest } from '../../src/node/web/export-site.ts';
import { pageGuest } from '../../src/node/web/page-guest.ts';
import { buildPage } from './build-page.ts';
import { weightOf } from './weight.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { cold: { type: 'boolean', default: false }, 'no-guest': { type: 'boolean', default: false } },
});
const folder = resolve(positionals[0] ?? fileURLToPath(new URL('../../build/web', import.meta.url)));

try {
  await buildPage(folder);
  const guest = values['no-guest'] ? undefined : await makeGuest();
  const { all } = weightOf(folder);
  console.log(
    `${folder}: ${kilobytes(all)} packed${guest === undefined ? '' : `, and the guest ${kilobytes(guest)}`}`,
  );
} catch (error) {
  if (!(error instanceof HartvisorError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

/** @returns bytes that a page fetches of it */
async function makeGuest(): Promise<number> {
  const guest = await pageGuest({
    cold: values.cold,
    onProgress: ({ message }) => console.error(message),
  });
  addGuest(folder, guest);
  const { image, kernel, initrd } = guest.manifest;
  return image?.size ?? kernel.size + initrd.size;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
