import { type Checker, CheckerMistake } from '../checker/checker.ts';
import { element, errorText } from '../dom.ts';
import { Player } from '../explain/player.ts';
import { verdictLine } from '../explain/verdict.ts';
import { type Choice, LESSONS, type Lesson } from './lessons.ts';

/** The question of the mail thread in steps, with code that can be changed and checked. */
export class Learn {
  readonly root = element('section', { class: 'xp learn view', 'aria-label': 'Lessons' });
  readonly #checker: Checker;
  readonly #player: Player;
  readonly #steps: readonly HTMLButtonElement[];
  readonly #lesson = element('div');
  readonly #result = element('p', { class: 'xp-result', role: 'status' });
  /** The texts written in the lessons, by number, as long as the view is there. */
  readonly #written = new Map<number, string>();
  #at = 0;
  #abort = new AbortController();

  constructor(container: HTMLElement, checker: Checker) {
    this.#checker = checker;
    this.#player = new Player(checker);
    this.#steps = LESSONS.map(({ title }, index) =>
      element('button', { type: 'button', onclick: () => this.#go(index, true) }, `${index + 1}. ${title}`),
    );
    this.root.append(
      element(
        'nav',
        { 'aria-label': 'Lessons' },
        element('ol', { class: 'learn-nav' }, ...this.#steps.map((step) => element('li', {}, step))),
      ),
      this.#lesson,
      this.#result,
      this.#player.root,
    );
    container.append(this.root);
    this.#go(0, false);
  }

  dispose(): void {
    this.#abort.abort();
    this.#player.stop();
    this.root.remove();
  }

  /** @param byUser then the heading of the lesson gets the focus, and readers begin there */
  #go(at: number, byUser: boolean): void {
    const lesson = LESSONS[at];
    if (lesson === undefined) return;
    this.#at = at;
    this.#abort.abort();
    this.#player.show(undefined);
    this.#result.textContent = '';
    for (const [index, step] of this.#steps.entries()) {
      if (index === at) step.setAttribute('aria-current', 'step');
      else step.removeAttribute('aria-current');
    }
    this.#lesson.replaceChildren(...this.#parts(lesson, at));
    this.root.scrollTop = 0;
    if (byUser) this.#lesson.querySelector('h2')?.focus();
  }

  #parts(lesson: Lesson, at: number): HTMLElement[] {
    const [first] = lesson.choices;
    const editor = element('textarea', {
      ...{ spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', wrap: 'off' },
      'aria-label': 'Code of the protocol',
      oninput: () => {
        this.#written.set(at, editor.value);
        for (const each of choices.querySelectorAll('input')) each.checked = each.value === 'own';
      },
    });
    editor.value = this.#written.get(at) ?? first?.code ?? '';
    const scenario = element(
      'select',
      {},
      ...scenariosOf(lesson).map((name) => element('option', { value: name }, name)),
    );
    const choices = this.#choices(lesson, at, editor);
    const check = element(
      'button',
      { type: 'button', class: 'view-main', onclick: () => void this.#check(editor.value, scenario.value) },
      'Check it',
    );
    const next = element(
      'button',
      { type: 'button', hidden: at === LESSONS.length - 1, onclick: () => this.#go(at + 1, true) },
      'Next lesson',
    );
    const bar = element('div', { class: 'xp-bar' }, element('label', {}, 'Scenario ', scenario), check, next);
    const text = element(
      'div',
      {},
      element('h2', { tabindex: -1 }, `${at + 1}. ${lesson.title}`),
      ...lesson.text.map((paragraph) => element('p', {}, paragraph)),
      element('p', { class: 'learn-task' }, lesson.task),
    );
    return [element('div', { class: 'learn-halves' }, text, element('div', {}, choices, editor, bar))];
  }

  /** Codes to begin with; what is typed is one's own. */
  #choices(lesson: Lesson, at: number, editor: HTMLTextAreaElement): HTMLFieldSetElement {
    const own = this.#written.get(at);
    const radio = (title: string, value: string, checked: boolean, onchange: () => void) =>
      element(
        'label',
        {},
        element('input', { type: 'radio', name: `code-${at}`, value, checked, onchange }),
        title,
      );
    const labels = lesson.choices.map((choice: Choice, index) =>
      radio(choice.title, String(index), own === undefined && index === 0, () => {
        editor.value = choice.code;
      }),
    );
    const mine = radio('your own', 'own', own !== undefined, () => {
      editor.value = this.#written.get(at) ?? editor.value;
      editor.focus();
    });
    return element('fieldset', { class: 'learn-choices' }, element('legend', {}, 'Code'), ...labels, mine);
  }

  async #check(code: string, scenario: string): Promise<void> {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const at = this.#at;
    this.#player.show(undefined);
    this.#result.textContent = 'Exploring all orders …';
    try {
      const finding = await this.#checker.verify({ code }, scenario, {
        signal: abort.signal,
        onStates: (states) => {
          this.#result.textContent = `Exploring: ${states.toLocaleString('en')} states so far …`;
        },
      });
      if (abort.signal.aborted || at !== this.#at) return;
      this.#result.replaceChildren(...verdictLine(finding));
      this.#player.show(finding, code);
    } catch (error) {
      if (abort.signal.aborted) return;
      const text = errorText(error);
      this.#result.textContent = error instanceof CheckerMistake ? text : `Something is wrong: ${text}`;
    }
  }
}

/** Those that some code of the lesson is about, in the order in which they are named. */
function scenariosOf({ choices }: Lesson): readonly string[] {
  return [...new Set(choices.flatMap(({ verdicts }) => Object.keys(verdicts)))];
}
