/** Programs in a guest by its agent: all of it in one machine. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Vm } from '../../src/api/vm.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { boot } from '../../src/node/api/boot.ts';
import { debianGuest } from '../../src/node/debian/debian-guest.ts';

const LIMIT_MS = 120_000;

const guest = await debianGuest().catch((error: unknown) => {
  if (!(error instanceof InputError)) throw error;
  console.warn(`skipped: ${error.message}`);
  return undefined;
});

describe.skipIf(guest === undefined)('commands', { timeout: LIMIT_MS }, () => {
  let vm: Vm;
  beforeAll(async () => {
    vm = await boot({ memory: '192M', limits: { seconds: LIMIT_MS / 1000 } });
  }, LIMIT_MS);
  afterAll(async () => {
    await vm.stop();
  });

  test('have outputs, a status, or a signal', async () => {
    const result = await vm.commands.run('echo out; echo err >&2; exit 3');
    expect(result).toMatchObject({ exitCode: 3, signal: undefined, stdout: 'out\n', stderr: 'err\n' });
    expect(result.stdoutBytes).toEqual(new TextEncoder().encode('out\n'));
    expect(await vm.commands.run('kill -SEGV $$')).toMatchObject({ exitCode: undefined, signal: 'SIGSEGV' });
  });

  test('get arguments, variables, a folder, a user, and their input', async () => {
    const words = ['sh', '-c', 'echo "$1|$2|$A"; pwd; id -u; id -g; cat', 'sh', 'a  b', "'"];
    const options = { cwd: '/tmp', env: { A: 'c$d' }, user: '1000:50', stdin: 'ä\n' };
    const { stdout } = await vm.commands.run(words, options);
    expect(stdout).toBe("a  b|'|c$d\n/tmp\n1000\n50\nä\n");
  });

  test('that cannot be started say why', async () => {
    await expect(vm.commands.run(['no-such-program'])).rejects.toMatchObject({
      name: 'AgentError',
      code: 'ENOENT',
    });
    await expect(vm.commands.run('true', { cwd: '/no' })).rejects.toThrow(
      'cannot be started in /no: there is no',
    );
    await expect(vm.commands.run('true', { user: 'nobody' })).rejects.toThrow('no user or group "nobody"');
    await expect(vm.commands.run(['/etc/passwd'])).rejects.toMatchObject({ code: 'EACCES' });
    await expect(vm.commands.run(['echo', 'x'.repeat(200_000)])).rejects.toMatchObject({ code: 'usage' });
  });

  test('are killed with their group when their time has passed, or nobody wants them', async () => {
    const late = vm.commands.run('echo before; sleep 1000 & sleep 1000', { timeoutMs: 300 });
    await expect(late).rejects.toMatchObject({ name: 'AgentError', code: 'timeout', stdout: 'before\n' });
    const controller = new AbortController();
    const given = vm.commands.run('sleep 2000 & sleep 2000', {
      signal: controller.signal,
      onStdout: () => undefined,
    });
    const second = vm.commands.run('echo; sleep 3000', {
      signal: controller.signal,
      onStdout: () => controller.abort(new Error('enough')),
    });
    await expect(second).rejects.toThrow('enough');
    await expect(given).rejects.toThrow('enough');
    const much = vm.commands.run('yes', { maxOutputBytes: 100_000 });
    await expect(much).rejects.toMatchObject({ code: 'too-much-output' });
    await vm.commands.run('while ps | grep -q "[s]leep .000"; do sleep 0.1; done', { timeoutMs: 20_000 });
  });

  test('are not waited for in the background', async () => {
    expect(await vm.commands.run('sleep 500 & echo $!')).toMatchObject({ exitCode: 0 });
    expect(await vm.commands.run('killall sleep; echo $?')).toMatchObject({ stdout: '0\n' });
  });

  test('can be written to, read from and signalled while they run', async () => {
    const job = await vm.commands.start(
      'trap "echo int; exit 5" INT; echo ready; while read -r line; do echo "<$line>"; done; sleep 60',
    );
    const reader = job.stdout.getReader();
    let text = '';
    const until = async (wanted: string) => {
      while (!text.includes(wanted)) {
        const part = await reader.read();
        if (part.done) throw new Error(`it ended with ${text}`);
        text += new TextDecoder().decode(part.value);
      }
    };
    await until('ready');
    const writer = job.stdin.getWriter();
    await writer.write(new TextEncoder().encode('one\n'));
    await until('<one>');
    await writer.close();
    expect(await vm.commands.run(`ps -o pid,pgid | grep "${job.pid} *${job.pid}"`)).toMatchObject({
      exitCode: 0,
    });
    job.kill('SIGINT');
    await until('int');
    expect(await job.exited).toEqual({ exitCode: 5, signal: undefined });
  });

  test('carry large outputs and inputs, and wait for a slow reader', async () => {
    const bytes = new Uint8Array(700_001).map((_, index) => (index * 7 + (index >> 8)) & 0xff);
    const hash = createHash('md5').update(bytes).digest('hex');
    const back = await vm.commands.run('tee /tmp/copy; md5sum < /tmp/copy >&2', { stdin: bytes });
    expect(back.stderr).toContain(hash);
    expect(createHash('md5').update(back.stdoutBytes).digest('hex')).toBe(hash);
    const job = await vm.commands.start('seq 1 60000; echo end >&2');
    let lines = '';
    for await (const part of job.stdout as AsyncIterable<Uint8Array> & typeof job.stdout) {
      lines += Buffer.from(part).toString();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(lines === Array.from({ length: 60_000 }, (_, index) => `${index + 1}\n`).join('')).toBe(true);
    expect(await job.exited).toEqual({ exitCode: 0, signal: undefined });
  });

  test('run many at once', async () => {
    const runs = Array.from({ length: 200 }, (_, index) =>
      vm.commands.run(['sh', '-c', `echo ${index}; exit ${index % 7}`]),
    );
    const results = await Promise.all(runs);
    expect(results.map(({ stdout }) => Number(stdout))).toEqual(runs.map((_, index) => index));
    expect(results.map(({ exitCode }) => exitCode)).toEqual(runs.map((_, index) => index % 7));
  });

  test('go on when the agent is started anew', async () => {
    const lost = vm.commands.run('sleep 100');
    const killed = vm.commands.run('sleep 1; killall -9 hartvisor-agent');
    await expect(lost).rejects.toMatchObject({ code: 'disconnected' });
    await expect(killed).rejects.toMatchObject({ code: 'disconnected' });
    expect(await vm.commands.run('echo again')).toMatchObject({ stdout: 'again\n' });
  });
});

test.skipIf(guest === undefined)(
  'a machine that ends fails what was asked of it',
  { timeout: LIMIT_MS },
  async () => {
    await using vm = await boot({ memory: '64M', limits: { seconds: LIMIT_MS / 1000 } });
    const waiting = vm.commands.run('true');
    void vm.stop();
    await expect(waiting).rejects.toMatchObject({ name: 'MachineEndedError' });
  },
);
