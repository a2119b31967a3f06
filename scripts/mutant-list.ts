/**
 * Writes the lists of docs/mutants.md: which scenarios kill each mutant. All of it takes some ten minutes; options have
 * a part of it computed anew and leave the rest as the page has it.
 *
 *     node scripts/mutant-list.ts [--lists] [--mutant NAME]... [--scenario NAME]...
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { parseArgs } from 'node:util';

const interrupts = new URL('../src/interrupts/', import.meta.url);
const standIns = new URL('../test/verify/mutants/stand-ins.ts', import.meta.url).href;
/** Behind a module's address: the module itself, and not what stands in for it. */
const SHIPPED = '?shipped';

/** The source of a module that stands in for another one. */
type MakeSource = (real: string, names: readonly string[]) => string;

const standInForFunctions: MakeSource = (real, names) =>
  `import * as real from '${real}';
import { standInForFunctions } from '${standIns}';
export const { ${names.join(', ')} } = standInForFunctions(real);`;

const standInForClass =
  (name: string, kind: string): MakeSource =>
  (real) =>
    `import * as real from '${real}';
import { standInForClass } from '${standIns}';
export * from '${real}';
export const ${name} = standInForClass(real.${name}, '${kind}');`;

const replaced: readonly (readonly [file: string, source: MakeSource])[] = [
  ['run-state.ts', standInForFunctions],
  ['vcpu-interrupts.ts', standInForClass('VcpuInterrupts', 'vcpu')],
  ['vcpu-loop.ts', standInForClass('VcpuLoop', 'vcpuLoop')],
];

const sources = new Map<string, string>();
for (const [file, source] of replaced) {
  const { href } = new URL(file, interrupts);
  const names = file === 'run-state.ts' ? Object.keys((await import(`${href}${SHIPPED}`)) as object) : [];
  sources.set(href, source(`${href}${SHIPPED}`, names));
}
registerHooks({
  load: (url, context, next) => {
    const source = sources.get(url);
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
  },
});

const { values } = parseArgs({
  options: {
    lists: { type: 'boolean', default: false },
    mutant: { type: 'string', multiple: true, default: [] },
    scenario: { type: 'string', multiple: true, default: [] },
  },
});
const { MUTANTS } = await import('../test/verify/mutants/index.ts');
const { COLUMNS, killersOf } = await import('../test/verify/mutants/trials.ts');
const { readAlsoKilled, renderPage } = await import('../test/verify/mutants/page.ts');

const wanted = <T extends { readonly name: string }>(all: readonly T[], names: readonly string[]) => {
  const unknown = names.find((name) => all.every((each) => each.name !== name));
  if (unknown !== undefined) throw new Error(`there is no ${unknown}`);
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
};

const file = new URL('../docs/mutants.md', import.meta.url);
const page = readFileSync(file, 'utf8');
const also = new Map(readAlsoKilled(page));
const scenarios = wanted(COLUMNS, values.scenario);
const mutants = values.lists ? [] : wanted(MUTANTS, values.mutant);
for (const [index, mutant] of mutants.entries()) {
  console.error(`[${index + 1}/${mutants.length}] ${mutant.name}`);
  const kept = (also.get(mutant.name) ?? []).filter((name) => scenarios.every((each) => each.name !== name));
  also.set(mutant.name, [...kept, ...killersOf(mutant, scenarios)]);
}
writeFileSync(file, renderPage(page, also));
