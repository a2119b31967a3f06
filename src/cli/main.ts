#!/usr/bin/env node
/**
 * As `engines` of package.json has it: the oldest maintained Node, from the version on that has `module.registerHooks`.
 */
const needed = { major: 22, minor: 15 };

/** Only features that every version of Node knows: older ones must get as far as the message. */
async function main(): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < needed.major || (major === needed.major && minor < needed.minor)) {
    process.stderr.write(
      `hartvisor: Node ${needed.major}.${needed.minor} or newer is needed, this is ${process.versions.node}. ` +
        'From a checkout, npm start and npm run hartvisor use a Node of their own.\n',
    );
    process.exit(2);
  }
  // Sources are stripped of their types and compiled once, not at every start.
  const { useCompileCache } = await import('../node/compile-cache.ts');
  useCompileCache();
  const { takeImportsAsWritten } = await import('../node/source-imports.ts');
  takeImportsAsWritten();
  const { runCli } = await import('./cli.ts');
  await runCli(process.argv.slice(2));
}

await main();
