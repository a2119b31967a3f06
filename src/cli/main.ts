#!/usr/bin/env node
const neededNode = 24;

/** Only what every version of Node knows: older ones must get as far as the message. */
async function main(): Promise<void> {
  if (Number(process.versions.node.split('.')[0]) < neededNode) {
    process.stderr.write(
      `hartvisor: Node ${neededNode} or newer is needed, this is ${process.versions.node}. ` +
        'From a checkout, npm start and npm run hartvisor use a Node of their own.\n',
    );
    process.exit(2);
  }
  // Sources are stripped of their types and compiled once, not at every start; in threads too, which inherit it.
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  const { takeImportsAsWritten } = await import('../node/source-imports.ts');
  takeImportsAsWritten();
  const { runCli } = await import('./cli.ts');
  await runCli(process.argv.slice(2));
}

await main();
