/**
 * A CI runner: runs a project's tests on riscv64 and ends with their exit status. The project is a folder of the host,
 * which the guest can read and not change; it has no network.
 *
 *     npm run example -- ci [FOLDER [COMMAND]]   in a checkout
 *     node ci.ts [FOLDER [COMMAND]]              beside an installed hartvisor, Node 24
 */
import { fileURLToPath } from 'node:url';
import { boot } from 'hartvisor';

const project = fileURLToPath(new URL('./project', import.meta.url));
const [folder = project, command = 'sh test.sh'] = process.argv.slice(2);

await using vm = await boot({
  cpus: 2,
  memory: '256M',
  share: { '/work': { folder, readOnly: true } },
  limits: { seconds: 600 },
});
const { exitCode, signal } = await vm.commands.run(command, {
  cwd: '/work',
  onStdout: (text) => process.stdout.write(text),
  onStderr: (text) => process.stderr.write(text),
});
if (signal !== undefined) console.error(`The tests were ended by ${signal}.`);
process.exitCode = exitCode ?? 1;
