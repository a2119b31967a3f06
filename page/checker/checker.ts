import type { RealRun, ReplayPlan, ReplayRequest } from '../../src/verify/threaded/plan.ts';
import type { Answer, Catalogue, Finding, ProtocolChoice, Question } from './questions.ts';

/** Milliseconds after which a worker that says nothing is taken for one that never will. */
const PATIENCE = 90_000;

/** A counterexample for real threads, with the words that they share. */
export interface ThreadsPlan extends ReplayPlan {
  readonly words: Int32Array;
  /** How many words they need to take turns. */
  readonly controlWords: number;
}

/** A mistake of the person who uses the checker, in words for them. */
export class CheckerMistake extends Error {}

/** Asks the checker, which runs in a worker of its own for each exploration, so that it can be ended at any time. */
export class Checker {
  readonly #known = new Map<string, Promise<Finding>>();
  #catalogue: Promise<Catalogue> | undefined;
  #sources: Promise<Readonly<Record<string, string>>> | undefined;

  /** The protocols and scenarios that there are. */
  catalogue(): Promise<Catalogue> {
    this.#catalogue ??= ask({ kind: 'list' }, (answer) =>
      answer.kind === 'list' ? answer.catalogue : undefined,
    );
    return this.#catalogue;
  }

  /**
   * Explores a protocol in a scenario. Findings are kept: the same question is answered at once.
   *
   * @param onStates how many states were visited so far
   * @throws CheckerMistake
   */
  verify(
    protocol: ProtocolChoice,
    scenario: string,
    options: { readonly signal?: AbortSignal; readonly onStates?: (states: number) => void } = {},
  ): Promise<Finding> {
    const question: Question = { kind: 'verify', protocol, scenario };
    const key = JSON.stringify(question);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const finding = ask(
      question,
      (answer) => (answer.kind === 'finding' ? answer.finding : undefined),
      options,
    );
    this.#known.set(key, finding);
    finding.catch(() => this.#known.delete(key));
    return finding;
  }

  /** Makes a counterexample ready for real threads. */
  async plan(request: ReplayRequest): Promise<ThreadsPlan> {
    const { plan, controlWords } = await ask({ kind: 'plan', request }, (answer) =>
      answer.kind === 'plan' ? answer : undefined,
    );
    const words = new Int32Array(new SharedArrayBuffer(plan.initial.length * Int32Array.BYTES_PER_ELEMENT));
    words.set(plan.initial);
    return { ...plan, words, controlWords };
  }

  /** The specification's verdict about a run on real threads. */
  judge(request: ReplayRequest, run: RealRun): Promise<string> {
    return ask({ kind: 'judge', request, run }, (answer) =>
      answer.kind === 'outcome' ? answer.outcome : undefined,
    );
  }

  /**
   * The text of a source by its path in a checkout, or by its file's name if only one has it; undefined if there is
   * none.
   */
  async source(path: string): Promise<string | undefined> {
    this.#sources ??= fetch(addressOf('sources.json')).then((response) => response.json());
    const all = await this.#sources;
    const found = all[path] ?? Object.entries(all).find(([name]) => name.endsWith(`/${path}`))?.[1];
    return found;
  }
}

/** Where a module of the checker is. */
export function addressOf(name: string): string {
  return new URL(`checker/${name}`, document.baseURI).href;
}

function ask<T>(
  question: Question,
  take: (answer: Answer) => T | undefined,
  { signal, onStates }: { readonly signal?: AbortSignal; readonly onStates?: (states: number) => void } = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(addressOf('page/checker/worker.ts.js'), { type: 'module' });
    const end = (finish: () => void) => {
      clearTimeout(timer);
      worker.terminate();
      finish();
    };
    const fail = (text: string) => end(() => reject(new CheckerMistake(text)));
    const impatient = () =>
      fail('The checker has not answered for too long: the code may run in a circle without an access.');
    let timer = setTimeout(impatient, PATIENCE);
    signal?.addEventListener('abort', () => fail('It was ended.'), { once: true });
    worker.addEventListener('error', (event) => fail(event.message || 'The checker could not be loaded.'));
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      clearTimeout(timer);
      timer = setTimeout(impatient, PATIENCE);
      if (data.kind === 'progress') onStates?.(data.states);
      if (data.kind === 'mistake') fail(data.message);
      const value = take(data);
      if (value !== undefined) end(() => resolve(value));
    });
    worker.postMessage(question);
  });
}
