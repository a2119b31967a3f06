import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const installed = fileURLToPath(new URL('../nodes/node_modules', import.meta.url));

/** A Node that the package is tested on. */
export interface TestedNode {
  /** For the title of a test. */
  readonly name: string;
  /** Path of the program. */
  readonly node: string;
  /** Whether it is there: `npm run setup` brings the others, and CI has all. */
  readonly here: boolean;
}

/** The Node of the tests, the oldest maintained one and the newest. */
export const NODES: readonly TestedNode[] = [
  { name: 'its own Node', node: process.execPath, here: true },
  ...['oldest', 'newest'].map((age) => {
    const node = join(installed, `${age}-${process.platform}-${process.arch}`, 'bin', 'node');
    return { name: `the ${age} Node`, node, here: existsSync(node) };
  }),
];
