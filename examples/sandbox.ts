/**
 * A sandbox for code that nobody has looked at. Linux boots once; each piece of code gets a machine of its own, which
 * goes on from there, without a network, with bounds for its time, its processors and its output. Whatever it does ends
 * with its machine.
 *
 *     npm run example -- sandbox [SCRIPT...]     in a checkout
 *     node sandbox.ts [SCRIPT...]                beside an installed hartvisor, Node 24
 */
import { boot, CommandError, type Vm } from 'hartvisor';

const given = process.argv.slice(2);
const scripts =
  given.length > 0
    ? given
    : [
        'echo "six times seven is $((6 * 7))"',
        'echo "this goes wrong" >&2; exit 3',
        'kill -SEGV $$',
        'while :; do :; done',
        'yes',
        'bomb() { bomb | bomb & }; bomb; while :; do :; done',
        'head -c 200m /dev/zero > /tmp/large || echo "there is no more memory"',
        'ping -c 1 -W 1 192.0.2.1 || echo "there is no network"',
        'poweroff -f; while :; do :; done',
      ];

await using base = await boot({ cpus: 1, memory: '128M' });
await base.commands.run('true');

for (const script of scripts) {
  await using vm = await base.fork({ limits: { seconds: 60, cpus: 0.8 } });
  console.log(`${script}\n    ${await outcome(vm, script)}`);
}

async function outcome(vm: Vm, script: string): Promise<string> {
  try {
    // The time counts from when the machine runs.
    await vm.commands.run('true');
    const { exitCode, signal, stdout, stderr } = await vm.commands.run(script, {
      timeoutMs: 5000,
      maxOutputBytes: 100_000,
    });
    const end = signal === undefined ? `status ${exitCode}` : signal;
    return [end, shown('stdout', stdout), shown('stderr', stderr)].filter((part) => part !== '').join(', ');
  } catch (error) {
    if (error instanceof CommandError) return `${error.message} ${shown('stdout', error.stdout)}`;
    return (await vm.ended).reason === 'limit' ? 'its machine has had its time' : String(error);
  }
}

function shown(name: string, text: string): string {
  if (text === '') return '';
  const line = text.trim().replaceAll('\n', ' | ');
  return `${name}: ${line.length > 60 ? `${line.slice(0, 60)}... (${text.length} characters)` : line}`;
}
