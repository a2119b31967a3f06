/** Firefox by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), as far as tests need it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The browser of the tests. */
export const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

/** Whether the tests can run; says why not, else. `npm run setup` installs Debian's Firefox. */
export function hasFirefox(): boolean {
  if (existsSync(FIREFOX)) return true;
  console.warn(`skipped: there is no ${FIREFOX}. npm run setup installs it; FIREFOX names another one.`);
  return false;
}

/** Settings without which it would ask others by itself: tests use this computer alone. */
const PREFERENCES: Readonly<Record<string, boolean | number | string>> = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.aboutConfig.showWarning': false,
  'browser.newtabpage.enabled': false,
  'browser.region.network.url': '',
  'browser.safebrowsing.update.enabled': false,
  'browser.search.update': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.push.connection.enabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disablePrefetch': true,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.enabled': false,
};

interface Answer {
  readonly id?: number;
  readonly type: 'success' | 'error' | 'event';
  readonly method?: string;
  readonly message?: string;
  readonly params?: { readonly level?: string; readonly text?: string };
  readonly result?: unknown;
}

/** A Firefox with one tab that matters. */
export interface FirefoxTab {
  /** The errors that its console has reported so far. */
  readonly errors: readonly string[];
  navigate(url: string): Promise<void>;
  /** The value of an expression, or of what it promises, as JSON has it. */
  evaluate(expression: string): Promise<unknown>;
  /** Puts another tab before it, so that it is hidden. @returns takes that away */
  hide(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Starts a Firefox. */
export async function openFirefox(): Promise<FirefoxTab> {
  const profile = mkdtempSync(join(tmpdir(), 'hartvisor-firefox-'));
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'];
  const process = spawn(FIREFOX, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = new Promise<void>((resolve) => process.once('close', () => resolve()));
  try {
    const session = await Session.open(`${await addressOf(process)}/session`);
    await session.ask('session.new', { capabilities: {} });
    await session.ask('session.subscribe', { events: ['log.entryAdded'] });
    const { contexts } = (await session.ask('browsingContext.getTree', {})) as {
      readonly contexts: readonly { readonly context: string }[];
    };
    const { context } = contexts[0];
    return {
      errors: session.errors,
      navigate: async (url) => {
        await session.ask('browsingContext.navigate', { context, url, wait: 'complete' });
      },
      evaluate: async (expression) => {
        const evaluated = (await session.ask('script.evaluate', {
          ...{ expression: `(async () => JSON.stringify(await (${expression})))()`, awaitPromise: true },
          target: { context },
        })) as {
          readonly result?: { readonly value?: string };
          readonly exceptionDetails?: { text: string };
        };
        if (evaluated.exceptionDetails !== undefined) throw new Error(evaluated.exceptionDetails.text);
        const { value } = evaluated.result ?? {};
        return value === undefined ? undefined : JSON.parse(value);
      },
      hide: async () => {
        const front = (await session.ask('browsingContext.create', { type: 'tab' })) as {
          readonly context: string;
        };
        return async () => {
          await session.ask('browsingContext.close', { context: front.context });
        };
      },
      close: async () => {
        await session.ask('browser.close', {});
        await exited;
        rmSync(profile, { recursive: true, force: true });
      },
    };
  } catch (error) {
    process.kill('SIGKILL');
    await exited;
    rmSync(profile, { recursive: true, force: true });
    throw error;
  }
}

/** Where a Firefox that was started takes connections. @throws Error when it ends before */
async function addressOf({ stderr }: ChildProcess): Promise<string> {
  if (stderr === null) throw new Error('Firefox was started without its output');
  const said: string[] = [];
  const lines = createInterface({ input: stderr });
  for await (const line of lines) {
    const [, address] = /^WebDriver BiDi listening on (ws:\S+)$/.exec(line) ?? [];
    if (address !== undefined) {
      // Whatever it says later would fill the pipe, else.
      stderr.resume();
      return address;
    }
    said.push(line);
  }
  throw new Error(`Firefox has ended: ${said.join('\n')}`);
}

class Session {
  readonly errors: string[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data)) as Answer));
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('Firefox has ended'));
    });
  }

  static open(address: string): Promise<Session> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(address);
      socket.addEventListener('open', () => resolve(new Session(socket)));
      socket.addEventListener('error', () => reject(new Error(`Firefox does not answer at ${address}`)));
    });
  }

  ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#last;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  }

  #hear({ id, type, message, params, result }: Answer): void {
    if (type === 'event' && params?.level === 'error') this.errors.push(params.text ?? '');
    const answer = id === undefined ? undefined : this.#waiting.get(id);
    if (answer === undefined || id === undefined) return;
    this.#waiting.delete(id);
    if (type === 'error') answer.reject(new Error(message));
    else answer.resolve(result);
  }
}
