/**
 * Makes a Debian image and lives in it: starts it, logs in on its console and by ssh, installs a package by its
 * network, powers it off, and looks at its file system. Each step is printed with its time in seconds.
 *
 *     node scripts/debian-image.ts [--image FILE] [--suite NAME] [--memory SIZE]
 *
 * `--image` is one that was made before, with the key beside it (FILE.key); otherwise it is made. Needs apt, ssh,
 * qemu-img and e2fsck. The exit status is 0 if all was well; else the image is kept, and its name printed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { aptPlaces } from '../src/node/debian/image/guest-apt.ts';
import { privateApt } from '../src/node/debian/private-apt.ts';
import { makeSshKey } from '../src/node/ssh-key.ts';

/** Milliseconds that a step may take: a machine may be busy with other things. */
const PATIENCE = 600_000;
const PROMPT = 'root@debian:~# ';
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

const { values } = parseArgs({
  options: {
    image: { type: 'string' },
    suite: { type: 'string', default: 'trixie' },
    memory: { type: 'string', default: '1G' },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'hartvisor-debian-image-'));
const image = values.image ?? join(directory, 'debian.qcow2');
const key = `${image}.key`;

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  process.stdout.write(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  return result;
}

/** A guest whose console is read and typed at. */
class Guest {
  readonly #child;
  readonly ended: Promise<number | null>;
  #output = '';
  #seen = 0;
  #wake: () => void = () => undefined;

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#wake();
    });
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
    void this.ended.then(() => this.#wake());
  }

  /** Waits for a text behind what was waited for before. @returns what came before it */
  async until(text: string): Promise<string> {
    const deadline = performance.now() + PATIENCE;
    for (;;) {
      const at = this.#output.indexOf(text, this.#seen);
      if (at >= 0) {
        const before = this.#output.slice(this.#seen, at);
        this.#seen = at + text.length;
        return before;
      }
      if (this.#child.exitCode !== null || performance.now() > deadline)
        throw new Error(`no ${JSON.stringify(text)}; the last output is\n${this.#output.slice(-2000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Runs a command. @returns what it printed; fails where its status is not 0 */
  async run(command: string): Promise<string> {
    this.type(`${command}; echo "status"=$?.`);
    const printed = await this.until('status=');
    const status = await this.until('.');
    await this.until(PROMPT);
    if (status !== '0') throw new Error(`${command} ended with ${status}:\n${printed}`);
    return printed;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  return address.port;
}

function program(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: PATIENCE });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

async function makeImage(): Promise<void> {
  if (existsSync(image)) return;
  const made = makeSshKey('scripts/debian-image.ts');
  writeFileSync(key, made.privateKey, { mode: 0o600 });
  writeFileSync(`${key}.pub`, `${made.publicKey}\n`);
  const args = ['image', 'debian', '-o', image, '--suite', values.suite, '--ssh-key', `${key}.pub`];
  const { status } = spawnSync(process.execPath, [main, ...args], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`making the image ended with ${status}`);
}

async function live(): Promise<void> {
  const apt = await privateApt(directory, { updates: true });
  const allow = aptPlaces(apt.sources(), apt.network, process.env).map((place) => `,allow=${place}`);
  const port = await freePort();
  const netdev = `user,hostfwd=tcp:127.0.0.1:${port}-:22${allow.join('')}`;
  const guest = new Guest(['run', '--disk', image, '--netdev', netdev, '--memory', values.memory]);
  await timed('to the prompt', () => guest.until(PROMPT));
  // Typed text would be taken for output.
  guest.type("stty -echo; bind 'set enable-bracketed-paste off'");
  await guest.until(PROMPT);
  const state = await timed('until all units are up', () =>
    guest.run('systemctl is-system-running --wait || systemctl --failed'),
  );
  process.stdout.write(`${state.trim()}\n`);
  const facts = await guest.run(
    'uname -a; . /etc/os-release; echo $PRETTY_NAME; date; df -h / | tail -1; free -m | sed -n 2p',
  );
  process.stdout.write(facts.trimStart());
  await timed('apt-get update', () => guest.run('apt-get -qq update'));
  await timed('apt-get install hello', () => guest.run('apt-get -qq -y install hello > /dev/null'));
  process.stdout.write(await guest.run('hello'));
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'BatchMode=yes',
  ];
  const ssh = ['-p', `${port}`, '-i', key, ...options.flatMap((option) => ['-o', option]), 'root@127.0.0.1'];
  await timed('a command by ssh', async () => {
    if (program('ssh', [...ssh, 'hello -t']).trim() !== 'hello, world')
      throw new Error('ssh said something else');
  });
  guest.type('poweroff');
  const status = await timed('poweroff', () => guest.ended);
  if (status !== 0) throw new Error(`the machine ended with ${status}`);
}

function check(): void {
  const raw = join(directory, 'disk.raw');
  program('qemu-img', ['check', image]);
  program('qemu-img', ['convert', '-O', 'raw', image, raw]);
  process.stdout.write(program('e2fsck', ['-f', '-n', raw]).split('\n').at(-2) ?? '');
  process.stdout.write(`\n${image}: ${Math.ceil(statSync(image).size / 2 ** 20)} MiB\n`);
}

try {
  await timed('making the image', makeImage);
  await live();
  check();
  process.stdout.write('1 passed, 0 failed\n');
  rmSync(directory, { recursive: true });
} catch (error) {
  process.stdout.write(
    `${error instanceof Error ? error.message : String(error)}\n0 passed, 1 failed: ${image}\n`,
  );
  process.exitCode = 1;
}
