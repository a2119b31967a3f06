/** The agent for RV32 as Linux runs it: by QEMU's user mode, with a pseudo terminal for its port. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GuestAgent } from '../../src/agent/agent.ts';
import { AGENT_PORT } from '../../src/agent/protocol.ts';

const QEMU = 'qemu-riscv32-static';
const isThere = [QEMU, 'script'].every((name) => spawnSync(name, ['--version']).status === 0);
if (!isThere) console.warn(`rv32.test: ${QEMU} or script is not installed, so the agent for RV32 is not run`);

const agentFile = join(import.meta.dirname, 'agent-rv32.elf');
/** Comes with the number of the process that becomes the agent. */
const READY = /the terminal is ready for (\d+)\r?\n/;
const FAR = 5 * 2 ** 30;

describe.skipIf(!isThere)('the agent for RV32', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hartvisor-rv32-'));
  const agent = new GuestAgent();
  let end: () => Promise<unknown> = async () => undefined;

  beforeAll(() => {
    const ports = join(folder, 'dev/virtio-ports');
    mkdirSync(ports, { recursive: true });
    const line = `stty raw -echo; ln -s "$(tty)" ${ports}/${AGENT_PORT}; echo the terminal is ready for $$; exec ${QEMU} -L ${folder} ${agentFile}`;
    const started = spawn('script', ['-qefc', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const ended = once(started, 'close');
    end = () => {
      // Neither need mind SIGHUP, which they ignore below nohup: the agent is ended, and `script` ends with it.
      const [, pid] = READY.exec(before) ?? [];
      if (pid === undefined) started.kill('SIGKILL');
      else process.kill(Number(pid), 'SIGKILL');
      return ended;
    };
    agent.connection.attach({
      input: (bytes) => {
        started.stdin.write(bytes);
        return bytes.length;
      },
    });
    let before = '';
    started.stdout.on('data', (bytes: Uint8Array) => {
      agent.connection.output(bytes);
      if (READY.test(before)) return;
      before += new TextDecoder().decode(bytes);
      if (READY.test(before)) agent.connection.opened(true);
    });
  });

  afterAll(async () => {
    await end();
    rmSync(folder, { recursive: true });
  });

  test('runs commands, with their input, outputs and statuses', async () => {
    const script = 'cat; echo "$A" >&2; pwd; exit 3';
    const options = { stdin: 'x'.repeat(100_000), env: { A: 'b c' }, cwd: '/tmp' };
    const { stdout, stderr, exitCode } = await agent.commands.run(script, options);
    expect([stdout.length, stdout.slice(-6), stderr, exitCode]).toEqual([100_005, 'x/tmp\n', 'b c\n', 3]);
    expect(await agent.commands.run('kill -TERM $$')).toMatchObject({ signal: 'SIGTERM' });
  });

  test('has files, with sizes, places and times beyond 32 bits', async () => {
    const { files } = agent;
    const path = join(folder, 'far');
    const file = openSync(path, 'w');
    ftruncateSync(file, FAR);
    writeSync(file, 'far away', FAR - 100);
    closeSync(file);
    const modified = new Date(Date.UTC(2150, 0, 1));
    utimesSync(path, modified, modified);
    expect(await files.stat(path)).toMatchObject({ size: FAR, modified });
    const read = await files.read(path, { offset: FAR - 100, length: 8 });
    expect(new TextDecoder().decode(read)).toBe('far away');
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) & 0xff);
    await files.write(join(folder, 'bytes'), bytes);
    expect(await files.read(join(folder, 'bytes'))).toEqual(bytes);
    expect((await files.list(folder)).map(({ name }) => name).sort()).toEqual(['bytes', 'dev', 'far']);
    await files.remove(path);
    await expect(files.stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('tells what happens below a folder', async () => {
    const tree = join(folder, 'tree');
    mkdirSync(join(tree, 'old/deep'), { recursive: true });
    const events = (await agent.files.watch(tree, { recursive: true })).getReader();
    const until = async (wanted: string) => {
      for (const seen: string[] = []; ; ) {
        const { value } = await events.read();
        seen.push(`${value?.kind} ${value?.name}`);
        if (seen.at(-1) === wanted) return seen;
      }
    };
    writeFileSync(join(tree, 'old/deep/a'), '1');
    expect(await until('changed old/deep/a')).toContain('created old/deep/a');
    mkdirSync(join(tree, 'new/er'), { recursive: true });
    writeFileSync(join(tree, 'new/er/b'), '1');
    expect(await until('created new/er/b')).toContain('created new');
    renameSync(join(tree, 'old'), join(tree, 'new/there'));
    expect(await until('created new/there/deep/a')).toEqual(
      expect.arrayContaining(['removed old', 'created new/there', 'created new/there/deep']),
    );
    rmSync(join(tree, 'new'), { recursive: true });
    await until('removed new');
    await events.cancel();
    await expect(agent.files.watch('/etc/passwd', { recursive: true })).rejects.toMatchObject({
      code: 'ENOTDIR',
    });
  });

  test('gives terminals', async () => {
    const terminal = await agent.terminal({ cols: 77, rows: 11, command: ['stty', 'size'] });
    let shown = '';
    for await (const part of terminal.output.pipeThrough(new TextDecoderStream())) shown += part;
    expect([shown, await terminal.exited]).toEqual(['11 77\r\n', { exitCode: 0, signal: undefined }]);
  });
});
