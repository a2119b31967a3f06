/** Programs, files, terminals and servers of a guest by its agent: all of it in one machine. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FolderEntry } from '../../src/agent/files/file-info.ts';
import type { Vm } from '../../src/api/vm.ts';
import { boot } from '../../src/node/api/boot.ts';
import { debianGuest } from '../machine/debian-guest.ts';
import { countedLines, QUICK_START } from '../machine/guest-script.ts';

const LIMIT_MS = 240_000;

const guest = await debianGuest();

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Reads to the end, or until it has a text. */
async function textOf(stream: ReadableStream<Uint8Array>, wanted?: string): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (wanted === undefined || !text.includes(wanted)) {
    const part = await reader.read();
    if (part.done) break;
    text += decoder.decode(part.value, { stream: true });
  }
  reader.releaseLock();
  return text;
}

/** The end of a socket, and its error if it has one. */
function closingOf(socket: Socket): Promise<Error | undefined> {
  return new Promise((resolve) => {
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => resolve(failure));
  });
}

describe.skipIf(guest === undefined)('a guest with the agent', () => {
  let vm: Vm;
  beforeAll(async () => {
    // Without a limit: how long all of these tests take is for the host to say, and each of them has one.
    vm = await boot({ memory: '192M', append: QUICK_START });
  });
  afterAll(async () => {
    await vm.stop();
  });

  describe('commands', () => {
    test('have outputs, a status, or a signal', async () => {
      const result = await vm.commands.run('echo out; echo err >&2; exit 3');
      expect(result).toMatchObject({ exitCode: 3, signal: undefined, stdout: 'out\n', stderr: 'err\n' });
      expect(result.stdoutBytes).toEqual(new TextEncoder().encode('out\n'));
      expect(await vm.commands.run('kill -SEGV $$')).toMatchObject({
        exitCode: undefined,
        signal: 'SIGSEGV',
      });
    });

    test('get arguments, variables, a folder, a user, and their input', async () => {
      const words = ['sh', '-c', 'echo "$1|$2|$A"; pwd; id -u; id -g; cat', 'sh', 'a  b', "'"];
      const options = { cwd: '/tmp', env: { A: 'c$d' }, user: '1000:50', stdin: 'ä\n' };
      const { stdout } = await vm.commands.run(words, options);
      expect(stdout).toBe("a  b|'|c$d\n/tmp\n1000\n50\nä\n");
    });

    test('need not read all of their input, and end as they do without', async () => {
      const stdin = new Uint8Array(4 << 20);
      expect(await vm.commands.run('exit 3', { stdin })).toMatchObject({ exitCode: 3 });
      expect(await vm.commands.run('head -c 3 | wc -c', { stdin })).toMatchObject({
        exitCode: 0,
        stdout: '3\n',
      });
    });

    test('that cannot be started say why', async () => {
      await expect(vm.commands.run(['no-such-program'])).rejects.toMatchObject({
        name: 'AgentError',
        code: 'ENOENT',
      });
      await expect(vm.commands.run('true', { cwd: '/no' })).rejects.toThrow(
        'cannot be started in /no: there is no',
      );
      await expect(vm.commands.run('true', { user: 'nobody-else' })).rejects.toThrow(
        'no user or group "nobody-else"',
      );
      await expect(vm.commands.run(['/etc/passwd'])).rejects.toMatchObject({ code: 'EACCES' });
      await expect(vm.commands.run(['echo', 'x'.repeat(200_000)])).rejects.toMatchObject({ code: 'input' });
    });

    test('are killed with their group when their time has passed, or nobody wants them', async () => {
      const late = vm.commands.run('sleep 1000 & sleep 1000', { timeoutMs: 300 });
      await expect(late).rejects.toMatchObject({ name: 'AgentError', code: 'timeout' });
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
      await expect(much).rejects.toMatchObject({ code: 'too-much-output', stdout: 'y\n'.repeat(50_000) });
      await vm.commands.run('while ps | grep -q "[s]leep .000"; do sleep 0.1; done', { timeoutMs: LIMIT_MS });
    });

    test('are not waited for in the background', async () => {
      const { exitCode, stdout } = await vm.commands.run('sleep 500 & echo $!');
      expect(exitCode).toBe(0);
      // By its number: the shell's child may not be "sleep" yet.
      expect(await vm.commands.run(`kill ${stdout}`)).toMatchObject({ exitCode: 0 });
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
      const numbers = countedLines(60_000);
      await vm.files.write('/tmp/numbers', numbers);
      const job = await vm.commands.start('cat /tmp/numbers; echo end >&2');
      let lines = '';
      for await (const part of job.stdout as AsyncIterable<Uint8Array> & typeof job.stdout) {
        lines += Buffer.from(part).toString();
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(lines === numbers).toBe(true);
      expect(await job.exited).toEqual({ exitCode: 0, signal: undefined });
    });

    test('carry outputs in pieces of any size, two at a time', async () => {
      await vm.commands.run('dd if=/dev/urandom of=/tmp/random bs=1M count=5; echo odd >> /tmp/random');
      const expected = Buffer.from(await vm.files.read('/tmp/random'));
      for (const size of ['777', '4096', '70000', '1M']) {
        const copy = `dd if=/tmp/random bs=${size} status=none`;
        const job = await vm.commands.start(`${copy} & ${copy} >&2; wait`);
        const [out, err] = await Promise.all(
          [job.stdout, job.stderr].map((stream) => new Response(stream).bytes()),
        );
        expect([expected.equals(out), expected.equals(err)]).toEqual([true, true]);
        expect(await job.exited).toEqual({ exitCode: 0, signal: undefined });
      }
    });

    test('find the pipe closed that nobody reads any more', async () => {
      const endless = await vm.commands.start('while :; do echo line; done');
      for await (const part of endless.stdout as AsyncIterable<Uint8Array> & typeof endless.stdout) {
        expect(part.length).toBeGreaterThan(0);
        break;
      }
      expect(await endless.exited).toEqual({ exitCode: undefined, signal: 'SIGPIPE' });
      // One that ignores the signal has an error, and its other output stays.
      const stubborn = await vm.commands.start(
        'trap "" PIPE; while echo line; do :; done; echo over >&2; exit 9',
      );
      await stubborn.stdout.cancel();
      expect(await new Response(stubborn.stderr).text()).toMatch(/over\n$/);
      expect(await stubborn.exited).toEqual({ exitCode: 9, signal: undefined });
      // Before it has written anything, and where it writes nothing more.
      const silent = await vm.commands.start('read -r line; exit 3');
      await Promise.all([silent.stdout.cancel(), silent.stderr.cancel()]);
      await silent.stdin.getWriter().write(new TextEncoder().encode('x\n'));
      expect(await silent.exited).toEqual({ exitCode: 3, signal: undefined });
    });

    test('run many at once', async () => {
      const runs = Array.from({ length: 200 }, (_, index) =>
        vm.commands.run(['sh', '-c', `echo ${index}; exit ${index % 7}`]),
      );
      const results = await Promise.all(runs);
      expect(results.map(({ stdout }) => Number(stdout))).toEqual(runs.map((_, index) => index));
      expect(results.map(({ exitCode }) => exitCode)).toEqual(runs.map((_, index) => index % 7));
    });
  });

  describe('files', () => {
    test('are written, read in parts, and told of', async () => {
      const { files } = vm;
      await files.write('/tmp/a', 'hello\n', { mode: 0o600 });
      await files.write('/tmp/a', bytesOf('grüße\n'));
      await files.write('/tmp/a', 'more', { how: 'append' });
      expect(await files.readText('/tmp/a')).toBe('grüße\nmore');
      expect(await files.readText('/tmp/a', { offset: 8, length: 2 })).toBe('mo');
      expect(await files.readText('/proc/version')).toContain('Linux');
      const info = await files.stat('/tmp/a');
      expect(info).toMatchObject({ kind: 'file', size: 12, mode: 0o600, uid: 0, gid: 0, target: undefined });
      expect(Math.abs(info.modified.getTime() - Date.now())).toBeLessThan(LIMIT_MS);
      await files.chmod('/tmp/a', 0o4755);
      expect((await files.stat('/tmp/a')).mode).toBe(0o4755);
    });

    test('that cannot be had say why', async () => {
      const { files } = vm;
      await expect(files.read('/tmp/no')).rejects.toMatchObject({ name: 'AgentError', code: 'ENOENT' });
      await expect(files.read('/etc')).rejects.toMatchObject({ code: 'EISDIR' });
      await expect(files.write('/tmp/a', '', { how: 'create' })).rejects.toThrow(
        '/tmp/a cannot be written: something is there already',
      );
      await expect(files.write('/no/a', 'x'.repeat(3_000_000))).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(files.read('/dev/zero', { maxBytes: 100_000 })).rejects.toMatchObject({
        code: 'too-much-output',
      });
      await expect(files.write('/tmp/\0', '')).rejects.toMatchObject({ code: 'input' });
      expect(await files.exists('/tmp/no/no')).toBe(false);
    });

    test.each([
      ['/proc/sys/vm/swappiness', '17'],
      ['/sys/module/printk/parameters/time', 'N'],
    ])('of the kernel are written where they are: %s', async (path, value) => {
      await vm.files.write(path, value);
      expect(await vm.files.readText(path)).toBe(`${value}\n`);
      await expect(vm.files.write(`${path}-not`, value)).rejects.toThrow(`${path}-not cannot be written`);
    });

    test('take huge pages where they are long, and are as long as was said', async () => {
      const { files } = vm;
      const huge = async () => /ShmemHugePages: +(\d+)/.exec(await files.readText('/proc/meminfo'))?.[1];
      const bytes = new Uint8Array(5_000_001).map((_, index) => index >>> 9);
      await files.write('/tmp/long', bytes);
      expect(await files.read('/tmp/long')).toEqual(bytes);
      expect(await huge()).toBe('4096');
      // It takes the place of the old one, and no more.
      await files.write('/tmp/long', 'short');
      expect(await files.readText('/tmp/long')).toBe('short');
      expect(await huge()).toBe('0');
      const buffer = new ArrayBuffer(20_000_000, { maxByteLength: 20_000_000 });
      const writing = files.write('/tmp/long', new Uint8Array(buffer));
      buffer.resize(5_000_000);
      await expect(writing).rejects.toMatchObject({ code: 'EPROTO' });
      expect(await files.readText('/tmp/long')).toBe('short');
      await files.remove('/tmp/long');
    });

    test('are replaced as a whole, or not at all', async () => {
      const { files } = vm;
      await files.write('/tmp/whole', 'old');
      const source = new ReadableStream<Uint8Array>(
        {
          start: (controller) => controller.enqueue(new Uint8Array(100_000)),
          pull: (controller) => controller.error(new Error('no more of it')),
        },
        { highWaterMark: 0 },
      );
      await expect(files.write('/tmp/whole', source)).rejects.toThrow('no more of it');
      expect(await files.readText('/tmp/whole')).toBe('old');
      await files.symlink('whole', '/tmp/way');
      await files.write('/tmp/way', 'new');
      expect(await files.readText('/tmp/whole')).toBe('new');
      expect(await files.stat('/tmp/way', { follow: false })).toMatchObject({
        kind: 'link',
        target: 'whole',
      });
      expect((await files.list('/tmp')).filter(({ name }) => name.includes('hartvisor'))).toEqual([]);
    });

    test('lie in folders, which are made, listed, renamed and removed', async () => {
      const { files } = vm;
      await files.mkdir('/tmp/tree/one/two', { recursive: true });
      await files.mkdir('/tmp/tree/one/two', { recursive: true });
      await expect(files.mkdir('/tmp/tree/one')).rejects.toMatchObject({ code: 'EEXIST' });
      await vm.commands.run(
        'for i in $(seq 500); do echo $i > /tmp/tree/file-$i; done; ln -s / /tmp/tree/root',
      );
      const entries = await files.list('/tmp/tree');
      expect(entries).toHaveLength(502);
      expect(entries.find(({ name }) => name === 'file-77')).toMatchObject({ kind: 'file', size: 3 });
      expect(entries.find(({ name }) => name === 'root')).toMatchObject({ kind: 'link', target: '/' });
      await files.rename('/tmp/tree/one', '/tmp/tree/other');
      await expect(files.remove('/tmp/tree')).rejects.toMatchObject({ code: 'ENOTEMPTY' });
      await files.remove('/tmp/tree', { recursive: true });
      expect(await files.exists('/tmp/tree')).toBe(false);
      expect(await files.exists('/etc/passwd')).toBe(true);
      await expect(files.remove('/tmp/tree')).rejects.toMatchObject({ code: 'ENOENT' });
      await files.remove('/tmp/tree', { force: true });
    });

    test('may be large, and are read as fast as the reader wants', async () => {
      const bytes = new Uint8Array(2_500_001).map((_, index) => (index * 11 + (index >> 9)) & 0xff);
      await vm.files.write('/tmp/large', new Blob([bytes]).stream());
      expect(Buffer.compare(await vm.files.read('/tmp/large'), bytes)).toBe(0);
      let length = 0;
      const stream = await vm.files.stream('/tmp/large', { offset: 1 });
      for (const reader = stream.getReader(); ; ) {
        const part = await reader.read();
        if (part.done) break;
        length += part.value.length;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(length).toBe(bytes.length - 1);
    });

    test('are copied with their folders, both ways', async () => {
      const top = mkdtempSync(join(tmpdir(), 'hartvisor-trees-'));
      try {
        await vm.commands.run(
          'mkdir -p /tmp/out/a/b; echo one > /tmp/out/a/b/c; chmod 750 /tmp/out/a/b/c; ln -s c /tmp/out/a/b/d',
        );
        await vm.files.download('/tmp/out', join(top, 'copy'));
        expect(readFileSync(join(top, 'copy/a/b/d'), 'utf8')).toBe('one\n');
        await vm.files.upload(join(top, 'copy'), '/tmp/back');
        const { stdout } = await vm.commands.run(
          'cat /tmp/back/a/b/d; stat -c %a /tmp/back/a/b/c; readlink /tmp/back/a/b/d',
        );
        expect(stdout).toBe('one\n750\nc\n');
      } finally {
        rmSync(top, { recursive: true });
      }
    });

    test('have names of any bytes, of which none is lost', async () => {
      const { files, commands } = vm;
      await files.mkdir('/tmp/bytes');
      // Two that are the same where bytes that are no UTF-8 are replaced, and a byte order mark, which is a character.
      const make = ['f\\374r', 'f\\334r', '\\357\\273\\277bom', 'a\\\\b'].map(
        (name) => `n=$(printf '${name}'); echo "$n" > "/tmp/bytes/$n"`,
      );
      const watched = await files.watch('/tmp/bytes');
      const reader = watched.getReader();
      await commands.run(make.join('; '));
      const names = ['a\\b', 'f\udcdcr', 'f\udcfcr', '\ufeffbom'].sort();
      expect((await files.list('/tmp/bytes')).map(({ name }) => name)).toEqual(names);
      expect((await reader.read()).value).toEqual({ kind: 'created', name: 'f\udcfcr' });
      await reader.cancel();
      expect(Buffer.from(await files.read('/tmp/bytes/f\udcfcr'))).toEqual(Buffer.from('f\xfcr\n', 'latin1'));

      await files.write('/tmp/bytes/f\udcfcr', 'new');
      await files.rename('/tmp/bytes/f\udcdcr', '/tmp/bytes/\udc80');
      await files.symlink('f\udcfcr', '/tmp/bytes/link');
      const words = ['sh', '-c', 'printf %s "$1$A" | od -An -tx1', 'sh', 'f\udcfcr'];
      expect((await commands.run(words, { env: { A: '\udcff' } })).stdout.trim()).toBe('66 fc 72 ff');
      const top = mkdtempSync(join(tmpdir(), 'hartvisor-bytes-'));
      await files.download('/tmp/bytes', top);
      await files.upload(top, '/tmp/bytes-copy');
      const kinds = ({ name, kind, target }: FolderEntry) => ({ name, kind, target });
      const copied = (await files.list('/tmp/bytes-copy')).map(kinds);
      expect(copied).toEqual((await files.list('/tmp/bytes')).map(kinds));
      expect(copied).toContainEqual({ name: 'link', kind: 'link', target: 'f\udcfcr' });
      expect(await files.readText('/tmp/bytes-copy/link')).toBe('new');
      rmSync(top, { recursive: true });
      for (const { name } of copied) await files.remove(`/tmp/bytes-copy/${name}`);
      expect(await files.list('/tmp/bytes-copy')).toEqual([]);
    });

    test('tell what happens below a folder, also in those that come', async () => {
      await vm.commands.run('mkdir -p /tmp/tree/old/deep; ln -s /tmp/tree /tmp/tree/loop');
      const events = (await vm.files.watch('/tmp/tree', { recursive: true })).getReader();
      const until = async (wanted: string) => {
        for (const seen: string[] = []; ; ) {
          const { value } = await events.read();
          seen.push(`${value?.kind} ${value?.name}`);
          if (seen.at(-1) === wanted) return seen;
        }
      };
      await vm.commands.run('echo 1 > /tmp/tree/old/deep/a');
      expect(await until('changed old/deep/a')).toContain('created old/deep/a');
      await vm.commands.run(
        'mkdir -p /tmp/tree/new/er; echo 1 > /tmp/tree/new/er/b; echo 2 >> /tmp/tree/new/er/b',
      );
      expect(await until('created new/er/b')).toContain('created new');
      await vm.commands.run('mv /tmp/tree/old /tmp/tree/new/there; echo 1 > /tmp/tree/new/there/deep/c');
      const moved = await until('created new/there/deep/c');
      expect(moved).toEqual(expect.arrayContaining(['removed old', 'created new/there']));
      await vm.files.remove('/tmp/tree/new', { recursive: true });
      await until('removed new');
      await events.cancel();
      await expect(vm.files.watch('/etc/passwd', { recursive: true })).rejects.toMatchObject({
        code: 'ENOTDIR',
      });
    });

    test('tell what happens to them', async () => {
      await vm.files.mkdir('/tmp/watched');
      const events = (await vm.files.watch('/tmp/watched')).getReader();
      await vm.files.write('/tmp/watched/a', '1', { how: 'in-place' });
      await vm.files.remove('/tmp/watched/a');
      const seen = [await events.read(), await events.read(), await events.read()].map(({ value }) => value);
      expect(seen).toEqual(['created', 'changed', 'removed'].map((kind) => ({ kind, name: 'a' })));
      await events.cancel();
      await expect(vm.files.watch('/tmp/no')).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });

  test('gives terminals, with a size that changes', async () => {
    const terminal = await vm.terminal({
      cols: 100,
      rows: 30,
      command: 'tty; stty size; read -r line; stty size; kill -9 $$',
    });
    expect(await textOf(terminal.output, '30 100')).toContain('/dev/pts/');
    terminal.resize({ cols: 132, rows: 43 });
    await terminal.input.getWriter().write(bytesOf('\r'));
    expect(await textOf(terminal.output)).toContain('43 132');
    expect(await terminal.exited).toEqual({ exitCode: undefined, signal: 'SIGKILL' });
    const shell = await vm.terminal();
    await shell.input.getWriter().write(bytesOf('sleep 1000\r'));
    await textOf(shell.output, 'sleep 1000');
    shell.kill();
    expect(await shell.exited).toMatchObject({ signal: 'SIGHUP' });
  });

  test('leads to its servers', async () => {
    await expect(vm.agent.tcp(81)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const server = await vm.commands.start('nc -l -p 8080 -e tr a-z A-Z');
    const socket = await vi.waitFor(() => vm.agent.tcp(8080), { timeout: LIMIT_MS });
    const writer = socket.writable.getWriter();
    await writer.write(bytesOf('hello'));
    await writer.close();
    expect(await textOf(socket.readable)).toBe('HELLO');
    expect(await server.exited).toMatchObject({ exitCode: 0 });
  });

  test('answers requests, and has its servers on ports of the host', async () => {
    const page = 'HTTP/1.0 200 OK\r\nx-a: b\r\n\r\n';
    // A server that ends before it has read all sends a reset, behind which its last words may be lost.
    const all = 'while read -r header && [ -n "$(echo "$header" | tr -d "\\r")" ]; do :; done';
    await vm.files.write('/tmp/serve', `#!/bin/sh\nread -r line; ${all}; printf '${page}'; echo "$line"\n`);
    await vm.files.chmod('/tmp/serve', 0o755);
    const server = await vm.commands.start('while :; do nc -l -p 8081 -e /tmp/serve; done');
    const answer = async (get: () => Promise<Response>) => {
      const response = await vi.waitFor(get, { timeout: LIMIT_MS });
      return [response.status, response.headers.get('x-a'), await response.text()];
    };
    const line = 'GET /a?b HTTP/1.1';
    const request = () => new Request('http://guest/a?b');
    expect(await answer(() => vm.fetch(8081, request()))).toEqual([200, 'b', expect.stringContaining(line)]);
    await expect(vm.fetch(82, request())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const forward = await vm.ports.forward(8081);
    const url = `http://127.0.0.1:${forward.port}/a?b`;
    expect(await answer(() => fetch(url))).toEqual([200, 'b', expect.stringContaining(line)]);
    forward.close();
    await expect(fetch(url)).rejects.toThrow();
    await expect(vm.ports.forward(22, { host: '127.0.0.1', port: 70_000 })).rejects.toMatchObject({
      code: 'input',
    });
    server.kill('SIGKILL');
  });

  test('has servers that answer before they read, to clients that read late, at both ends as much as fits', async () => {
    const size = 6_000_000;
    // More of each than all buffers between them hold; the client has said its end by the time the server reads.
    const script = `#!/bin/sh\nhead -c ${size} /dev/zero; read -r go < /tmp/both; wc -c; echo bye\n`;
    await vm.files.write('/tmp/answer', script);
    await vm.commands.run('chmod +x /tmp/answer; rm -f /tmp/both; mkfifo /tmp/both');
    const server = await vm.commands.start('exec nc -l -p 8086 -e /tmp/answer');
    const forward = await vm.ports.forward(8086);
    const open = async () => {
      const socket = connect({ host: '127.0.0.1', port: forward.port, allowHalfOpen: true });
      const closed = closingOf(socket);
      const bytes = await new Promise<Buffer>((resolve, reject) => {
        socket.once('data', resolve);
        socket.once('end', () => reject(new Error('nobody listens yet')));
      });
      socket.pause();
      return { socket, closed, bytes };
    };
    const { socket, closed, bytes } = await vi.waitFor(open, { timeout: LIMIT_MS });
    socket.end(new Uint8Array(size));
    let length = bytes.length;
    let last = '';
    const read = (part: Buffer) => {
      length += part.length;
      last = `${last}${part.toString('latin1')}`.slice(-20);
    };
    socket.on('data', read).resume();
    await vi.waitFor(() => expect(length).toBe(size), { timeout: LIMIT_MS });
    // Nobody has read what the client sends: its end is behind more than there is room for.
    expect(socket.writableFinished).toBe(false);
    await vm.commands.run('echo > /tmp/both');
    expect(await closed).toBeUndefined();
    expect([length, last.slice(last.lastIndexOf('\0') + 1)]).toEqual([size + 12, `${size}\nbye\n`]);
    expect(await server.exited).toMatchObject({ exitCode: 0 });
    forward.close();
  });

  describe('connections that are reset', () => {
    const serve = async (port: number) => {
      await vm.files.write('/tmp/reset', '#!/bin/sh\nread -r line; echo part; read -r go < /tmp/go\n');
      await vm.commands.run('chmod +x /tmp/reset; rm -f /tmp/go; mkfifo /tmp/go');
      await vm.commands.start(`nc -l -p ${port} -e /tmp/reset`);
    };
    const reset = () => vm.commands.run('echo > /tmp/go');

    test('by a server fail who reads, behind all that came before', async () => {
      await serve(8082);
      const socket = await vi.waitFor(() => vm.agent.tcp(8082), { timeout: LIMIT_MS });
      await socket.writable.getWriter().write(bytesOf('read\nnot read\n'));
      const reader = socket.readable.getReader();
      expect(new TextDecoder().decode((await reader.read()).value)).toBe('part\n');
      await reset();
      await expect(reader.read()).rejects.toMatchObject({
        ...{ name: 'AgentError', code: 'ECONNRESET' },
        message: expect.stringContaining(
          "connection to the guest's port 8082 has failed: the connection was",
        ),
      });
    });

    test('by a server are reset at a port of the host', async () => {
      await serve(8083);
      const forward = await vm.ports.forward(8083);
      const open = async () => {
        const socket = connect({ host: '127.0.0.1', port: forward.port });
        socket.write('read\nnot read\n');
        const events: string[] = [];
        socket.on('data', (bytes) => events.push(bytes.toString()));
        socket.on('end', () => events.push('end'));
        const closed = closingOf(socket);
        const ready = new Promise((resolve) => void socket.once('data', resolve));
        await Promise.race([ready, closed.then(() => Promise.reject(new Error('nobody listens yet')))]);
        return { events, closed };
      };
      const { events, closed } = await vi.waitFor(open, { timeout: LIMIT_MS });
      await reset();
      expect(await closed).toMatchObject({ code: 'ECONNRESET' });
      expect(events).toEqual(['part\n']);
      forward.close();
    });

    test('because a client goes on behind the end are so at a port of the host', async () => {
      await vm.commands.start('while :; do nc -l -p 8085 -e echo ready; done');
      const forward = await vm.ports.forward(8085);
      const open = async () => {
        const socket = connect({ host: '127.0.0.1', port: forward.port, allowHalfOpen: true });
        const closed = closingOf(socket);
        expect(await textOf(Readable.toWeb(socket) as ReadableStream<Uint8Array>)).toBe('ready\n');
        return { socket, closed };
      };
      const { socket, closed } = await vi.waitFor(open, { timeout: LIMIT_MS });
      const writing = setInterval(() => socket.write('more'), 5);
      await closed;
      clearInterval(writing);
      forward.close();
    });

    test('by a client are no end for the server', async () => {
      const take = '#!/bin/sh\nif cat > /tmp/taken; then echo whole; else echo torn; fi > /tmp/how\n';
      await vm.files.write('/tmp/take', take);
      const server = await vm.commands.start('chmod +x /tmp/take; exec nc -l -p 8084 -e /tmp/take');
      const client = await vi.waitFor(() => vm.agent.tcp(8084), { timeout: LIMIT_MS });
      const writer = client.writable.getWriter();
      await writer.write(bytesOf('half'));
      await writer.abort(new Error('torn'));
      await server.exited;
      expect(await vm.files.readText('/tmp/how')).toBe('torn\n');
    });
  });

  test('is told the time, randomness and its name', async () => {
    const { system } = vm.agent;
    await system.setTime(Date.UTC(2033, 4, 5, 6, 7, 8));
    await system.addEntropy(crypto.getRandomValues(new Uint8Array(64)));
    await system.setHostname('other');
    expect((await vm.commands.run('date -u +%FT%H:%M; hostname')).stdout).toBe('2033-05-05T06:07\nother\n');
    await system.setTime(Date.now());
  });

  test('goes on when another host begins, as behind a restore', async () => {
    const before = await vm.commands.start('while :; do echo line; echo x >> /tmp/alive; sleep 0.1; done');
    // The port of a machine that was saved is open from the start.
    vm.agent.connection.opened(true);
    await expect(before.exited).rejects.toMatchObject({ code: 'disconnected' });
    const { stdout } = await vm.commands.run(
      'rm -f /tmp/alive; until [ -s /tmp/alive ]; do sleep 0.1; done; echo alive',
    );
    expect(stdout).toBe('alive\n');
    expect(await vm.commands.run(`kill ${before.pid}`)).toMatchObject({ exitCode: 0 });
  });

  test('goes on when another host begins in the midst of much output', async () => {
    for (let turn = 0; turn < 4; turn++) {
      const before = await vm.commands.start('cat /dev/zero');
      const reader = before.stdout.getReader();
      for (let bytes = 0; bytes < (4 + turn) << 20; ) bytes += (await reader.read()).value?.length ?? 0;
      vm.agent.connection.opened(true);
      const rest = async () => {
        for (;;) await reader.read();
      };
      await expect(rest()).rejects.toMatchObject({ code: 'disconnected' });
      expect(await vm.commands.run(`kill ${before.pid}; echo alive`)).toMatchObject({ stdout: 'alive\n' });
    }
  });

  test('is served by an agent that is started anew', async () => {
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
