import { parseSync } from 'rolldown/utils';

/** One module that a source file names. */
export interface Import {
  /** The module as it is written: `./x.ts`, `node:fs`, `commander`. */
  readonly specifier: string;
  /** The line that names it, from 1. */
  readonly line: number;
  /**
   * `import`: static, type-only or dynamic imports and re-exports.
   * `url`: `new URL('./x.ts', import.meta.url)`, which names the module of a worker.
   */
  readonly kind: 'import' | 'url';
}

type Node = Readonly<Record<string, unknown>>;

/**
 * Lists the modules that a TypeScript source names, in the order of the text. Type-only imports count: a room that
 * knows another's types depends on it.
 *
 * @param path names the file in messages; its ending selects the language
 * @throws Error when the source cannot be parsed
 */
export function importsOf(path: string, source: string): Import[] {
  const { program, errors } = parseSync(path, source);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path} cannot be parsed: ${error.message}`);
  const found: { readonly at: number; readonly specifier: string; readonly kind: Import['kind'] }[] = [];
  visit(program, (node) => {
    const reference = referenceOf(node);
    if (reference !== undefined) found.push({ at: Number(node.start), ...reference });
  });
  return found
    .sort((left, right) => left.at - right.at)
    .map(({ at, specifier, kind }) => ({ specifier, kind, line: source.slice(0, at).split('\n').length }));
}

function referenceOf(node: Node): Pick<Import, 'specifier' | 'kind'> | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return named(node.source, 'import');
    case 'NewExpression':
      return urlOf(node);
    default:
      return undefined;
  }
}

function urlOf({ callee, arguments: list }: Node): Pick<Import, 'specifier' | 'kind'> | undefined {
  if (!isNode(callee) || callee.name !== 'URL' || !Array.isArray(list)) return undefined;
  const [file, base]: readonly unknown[] = list;
  const besideModule = isNode(base) && isNode(base.object) && base.object.type === 'MetaProperty';
  return besideModule ? named(file, 'url') : undefined;
}

function named(literal: unknown, kind: Import['kind']): Pick<Import, 'specifier' | 'kind'> | undefined {
  return isNode(literal) && typeof literal.value === 'string'
    ? { specifier: literal.value, kind }
    : undefined;
}

function visit(value: unknown, enter: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, enter);
  } else if (isNode(value)) {
    enter(value);
    for (const child of Object.values(value)) visit(child, enter);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
