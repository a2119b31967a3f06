import { type Checker, CheckerMistake } from '../checker/checker.ts';
import type { Catalogue, Finding } from '../checker/questions.ts';
import { replayOnThreads } from '../checker/real-replay.ts';
import { element, errorText } from '../dom.ts';
import { Player } from './player.ts';
import { verdictLine } from './verdict.ts';

/** The page's services for the view. */
export interface ExplainOptions {
  readonly checker: Checker;
  /** Starts the page's machine anew with a protocol; without it there is no button for that. */
  readonly onRun?: (protocol: string) => void;
}

const FIRST = { protocol: 'published', scenario: 'ipi-after-round' } as const;
/** Groups of scenarios with words for them, in the order in which they are offered. */
const GROUPS: readonly (readonly [group: string, title: string])[] = [
  ['default', 'What a correct protocol passes'],
  ['extended', 'More than protocols of the field claim'],
  ['rules', 'Rules of the loop broken on purpose'],
];

/** Explores a protocol in a scenario, on a thread of the page, and shows how it goes wrong. */
export class Explain {
  readonly root = element('section', { class: 'xp view', 'aria-label': 'Counterexamples' });
  readonly #options: ExplainOptions;
  readonly #player: Player;
  readonly #protocol = element('select', { onchange: () => void this.#explore() });
  readonly #scenario = element('select', { onchange: () => void this.#explore() });
  readonly #about = element('p');
  readonly #result = element('p', { class: 'xp-result', role: 'status' });
  readonly #actions = element('div', { class: 'xp-choice' });
  #catalogue: Catalogue | undefined;
  #abort = new AbortController();

  constructor(container: HTMLElement, options: ExplainOptions) {
    this.#options = options;
    this.#player = new Player(options.checker);
    this.root.append(
      element(
        'div',
        { class: 'xp-choice' },
        element('label', {}, 'Protocol ', this.#protocol),
        element('label', {}, 'Scenario ', this.#scenario),
      ),
      this.#about,
      this.#result,
      this.#actions,
      this.#player.root,
    );
    container.append(this.root);
    this.#begin().catch((error: unknown) => this.#tell(error));
  }

  dispose(): void {
    this.#abort.abort();
    this.#player.stop();
    this.root.remove();
  }

  async #begin(): Promise<void> {
    this.#result.textContent = 'Loading the checker …';
    const catalogue = await this.#options.checker.catalogue();
    this.#catalogue = catalogue;
    this.#protocol.append(...catalogue.protocols.map(({ name }) => element('option', { value: name }, name)));
    for (const [group, title] of GROUPS) {
      const its = catalogue.scenarios.filter((each) => each.group === group);
      const options = its.map(({ name }) => element('option', { value: name }, name));
      this.#scenario.append(element('optgroup', { label: title }, ...options));
    }
    this.#protocol.value = FIRST.protocol;
    this.#scenario.value = FIRST.scenario;
    await this.#explore();
  }

  async #explore(): Promise<void> {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#actions.replaceChildren();
    this.#player.show(undefined);
    const [name, scenario] = [this.#protocol.value, this.#scenario.value];
    const protocol = this.#catalogue?.protocols.find((each) => each.name === name);
    const situation = this.#catalogue?.scenarios.find((each) => each.name === scenario);
    this.#about.replaceChildren(
      element('b', {}, `${situation?.title ?? ''}. `),
      `${situation?.about ?? ''} Protocol: ${protocol?.provenance ?? ''}.`,
    );
    this.#result.textContent = 'Exploring …';
    try {
      const finding = await this.#options.checker.verify({ name }, scenario, {
        signal: abort.signal,
        onStates: (states) => {
          this.#result.textContent = `Exploring: ${states.toLocaleString('en')} states so far …`;
        },
      });
      if (!abort.signal.aborted) this.#show(finding);
    } catch (error) {
      if (!abort.signal.aborted) this.#tell(error);
    }
  }

  #show(finding: Finding): void {
    this.#result.replaceChildren(...verdictLine(finding));
    this.#player.show(finding);
    const { onRun } = this.#options;
    if (finding.counterexample !== undefined) {
      const replay = element(
        'button',
        { type: 'button', onclick: () => void this.#replay(finding, replay) },
        'Replay it on real threads',
      );
      this.#actions.append(replay);
    }
    if (onRun !== undefined) {
      const run = () => onRun(finding.protocol);
      this.#actions.append(
        element('button', { type: 'button', onclick: run }, 'Start this page’s machine with this protocol'),
      );
    }
  }

  async #replay(finding: Finding, button: HTMLButtonElement): Promise<void> {
    button.disabled = true;
    const said = element('p', { role: 'status' }, 'The threads take their turns …');
    button.after(said);
    try {
      const { accesses, outcome, threads } = await replayOnThreads(this.#options.checker, finding);
      said.textContent =
        `${threads} threads of this browser made ${accesses} accesses to shared memory in this order, with the ` +
        `functions that ship. The outcome: ${outcome}.`;
    } catch (error) {
      said.textContent = errorText(error);
    }
    button.disabled = false;
  }

  #tell(error: unknown): void {
    this.#result.textContent =
      error instanceof CheckerMistake ? error.message : `Something is wrong: ${errorText(error)}`;
  }
}
