import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { importsOf } from '../imports.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Modules that the page starts as workers, or that protocols of users import. */
const ENTRIES = ['page/checker/worker.ts', 'page/checker/replay-worker.ts', 'src/verify/public.ts'];
/** Where the page finds them, from where it is itself. */
const FOLDER = 'checker/';

/**
 * The checker as modules of the page that are neither bundled nor made small: the types are blanked out and nothing
 * else is changed, so that a line in a counterexample is the line of the source. By their names in the page, with
 * contents.
 */
export function checkerModules(): Map<string, string> {
  const files = new Map<string, string>();
  const waiting = [...ENTRIES];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const name = `${FOLDER}${path}.js`;
    if (files.has(name)) continue;
    const source = readFileSync(root + path, 'utf8');
    const stripped = stripTypeScriptTypes(source);
    const folder = dirname(path);
    for (const { specifier, kind } of importsOf(path.replace(/\.ts$/, '.js'), stripped)) {
      if (kind === 'import' && specifier.startsWith('.')) waiting.push(posix.join(folder, specifier));
    }
    files.set(name, stripped.replace(/((?:from|import) ?\(?)'(\.[^'\n]+\.ts)'/g, "$1'$2.js'"));
  }
  files.set(`${FOLDER}sources.json`, JSON.stringify(sources()));
  return files;
}

/** The sources that counterexamples lead to, by their paths in a checkout. */
function sources(): Record<string, string> {
  const paths = globSync('src/interrupts/**/*.ts', { cwd: root }).filter(
    (path) => !path.endsWith('.test.ts'),
  );
  return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(root + path, 'utf8')]));
}

/** Puts {@link checkerModules} beside the page, when it is built and while it is worked on. */
export function checkerPlugin(): Plugin {
  return {
    name: 'hartvisor-checker',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const at = (request.url ?? '').indexOf(`/${FOLDER}`);
        const name = (request.url ?? '').slice(at + 1).replace(/\?.*$/, '');
        const content = at < 0 ? undefined : checkerModules().get(name);
        if (content === undefined) {
          next();
          return;
        }
        response.setHeader('Content-Type', typeOf(name)).end(content);
      });
    },
    generateBundle() {
      for (const [fileName, source] of checkerModules()) this.emitFile({ type: 'asset', fileName, source });
    },
  };
}

function typeOf(name: string): string {
  return name.endsWith('.json') ? 'application/json' : 'text/javascript';
}
