import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { posix } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importsOf } from '../../scripts/imports.ts';
import { PROTOCOLS } from '../interrupts/protocols.ts';
import { takeMirror } from '../interrupts/take-mirror.ts';
import { exploredSources } from './explored-sources.ts';
import { FIELD_FILES } from './files/kvm-swfile.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { verify } from './verify.ts';

// A call that is compiled into its caller is not counted.
setFlagsFromString('--no-turbo-inlining');
setFlagsFromString('--no-maglev-inlining');

const session = new Session();
beforeAll(async () => {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
});
afterAll(() => session.disconnect());

/** Files of `src/interrupts/` with functions that have run since the last call. */
async function sourcesThatRan(): Promise<string[]> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result
    .flatMap(({ url, functions }) => {
      const [path] = /src\/interrupts\/[\w/-]+\.ts$/.exec(url) ?? [];
      const ran = functions.some(({ functionName, ranges }) => functionName !== '' && ranges[0].count > 0);
      return path !== undefined && ran ? [path] : [];
    })
    .sort();
}

const names = ['one-ipi', 'self-ipi', 'line', 'requests', 'remote-fence'];

test.each(PROTOCOLS)('the list for $name is that of the files that run', async (protocol) => {
  await sourcesThatRan();
  for (const scenario of SCENARIOS) if (names.includes(scenario.name)) verify(protocol, scenario);
  expect(exploredSources([protocol.name], names)).toEqual(await sourcesThatRan());
});

test.each([takeMirror, ...FIELD_FILES])('so it is with an interrupt file for $name', async (protocol) => {
  const file = SCENARIOS.filter(({ name }) => name === 'file-enable');
  await sourcesThatRan();
  for (const scenario of file) verify(protocol, scenario);
  expect(exploredSources([protocol.name], ['file-enable'])).toEqual(await sourcesThatRan());
});

test('a domain runs the same files', () => {
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const source = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
    for (const { specifier } of importsOf(path, source)) {
      if (specifier.startsWith('.')) visit(posix.join(posix.dirname(path), specifier));
    }
  };
  visit('src/machine/worker.ts');
  expect([...seen]).toEqual(
    expect.arrayContaining([
      ...exploredSources(
        PROTOCOLS.map(({ name }) => name),
        ['file-clear'],
      ),
    ]),
  );
});
