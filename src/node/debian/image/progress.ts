import { COMPLETE, KEEP_WORD, STEP_WORD, STEPS, type Step } from './second-stage.ts';

/** How far the guest that makes an image has come. */
export interface StageProgress {
  readonly step: Step;
  /** 0 to 1, of all steps. */
  readonly fraction: number;
  /** The package that it is at. */
  readonly what: string | undefined;
}

/** How long the steps take of each other: seconds on one machine, for the usual packages. */
const WEIGHTS: Readonly<Record<Step, number>> = {
  format: 5,
  unpack: 25,
  essential: 90,
  install: 150,
  settle: 5,
};
const TOTAL = STEPS.reduce((sum, step) => sum + WEIGHTS[step], 0);
/** Lines that dpkg writes of each package: that it is unpacked, and that it is installed. */
const EVENTS = 2;
/** Lines kept for the words about a failure. */
const KEPT_LINES = 40;

/** Reads the lines of the guest that makes an image. */
export class StageReader {
  readonly #essential: number;
  readonly #portions: readonly number[];
  readonly #onProgress: (progress: StageProgress) => void;
  readonly #lines: string[] = [];
  #step: Step = 'format';
  #portion = 0;
  #events = 0;
  #complete = false;

  /**
   * @param essential - packages that the step of that name installs
   * @param portions - packages of each portion that the step `install` installs
   */
  constructor(essential: number, portions: readonly number[], onProgress: (progress: StageProgress) => void) {
    this.#essential = essential;
    this.#portions = portions;
    this.#onProgress = onProgress;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** The reason of a failure, by the last lines: those that tell it, or else the last of all. */
  get trouble(): string {
    const telling = this.#lines.filter((line) =>
      /^(E:|dpkg: error)|: error |No space left|I\/O error/.test(line),
    );
    return (telling.length > 0 ? telling.slice(-3) : this.#lines.slice(-3)).join(' ');
  }

  line(text: string): void {
    const line = text.trim();
    if (line === COMPLETE) this.#complete = true;
    const [step, portion] = line.startsWith(STEP_WORD) ? line.slice(STEP_WORD.length).trim().split(' ') : [];
    const known = STEPS.find((each) => each === step);
    if (known !== undefined) {
      this.#step = known;
      this.#portion = Math.min(Math.max(0, Number(portion ?? 1) - 1 || 0), this.#portions.length);
      this.#tell(this.#within(0), undefined);
      return;
    }
    const [, name, state] = /^status: (\S+)\s*: (unpacked|installed)$/.exec(line) ?? [];
    const [, package_, percent] = /^pmstatus:([^:]+):(\d+(?:\.\d+)?):/.exec(line) ?? [];
    if (name !== undefined && state !== undefined && this.#step === 'essential')
      this.#tell(Math.min(1, ++this.#events / (EVENTS * this.#essential)), name.split(':')[0]);
    else if (package_ !== undefined && percent !== undefined)
      this.#tell(this.#within(Math.min(1, Number(percent) / 100)), package_);
    else if (!/^(status|processing|pmstatus|hartvisor): ?/.test(line) && !line.startsWith(KEEP_WORD))
      this.#keep(line);
  }

  /** @returns the part of all portions, by the part of the present one */
  #within(fraction: number): number {
    const sum = (portions: readonly number[]) => portions.reduce((packages, each) => packages + each, 0);
    if (this.#portions.length === 0 || this.#step !== 'install') return fraction;
    const before = sum(this.#portions.slice(0, this.#portion));
    return (before + fraction * (this.#portions[this.#portion] ?? 0)) / sum(this.#portions);
  }

  #keep(line: string): void {
    if (line === '') return;
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }

  #tell(within: number, what: string | undefined): void {
    const before = STEPS.slice(0, STEPS.indexOf(this.#step)).reduce((sum, step) => sum + WEIGHTS[step], 0);
    this.#onProgress({ step: this.#step, fraction: (before + within * WEIGHTS[this.#step]) / TOTAL, what });
  }
}
