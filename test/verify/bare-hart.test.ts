/** The loop of a bare machine's hart, its sleep and those who kick it, as they ship. */
import { afterAll, describe, expect, test } from 'vitest';
import { takeMirror } from '../../src/interrupts/take-mirror.ts';
import { HartWords } from '../../src/machine/bare/hart-words.ts';
import { BareLoop, type BarePart, type BareSurroundings } from '../../src/machine/bare/loop.ts';
import type { Scenario, ThreadMaker } from '../../src/verify/scenario.ts';
import type { Env } from '../../src/verify/thread.ts';
import { type VerifyResult, verify } from '../../src/verify/verify.ts';
import type { World } from '../../src/verify/world/world.ts';
import { ChangedSources, type Mistake } from './changed-source.ts';
import { of } from './idle-pcpus.ts';
import { inModelTime, LIMIT } from './model-time.ts';
import { SLEEP_MISTAKES } from './sleep-mistakes.ts';

/** The modules of a bare hart, as they ship or with a mistake. */
interface Modules {
  readonly BareLoop: typeof BareLoop;
  readonly HartWords: typeof HartWords;
}

const shipped: Modules = { BareLoop, HartWords };

const NAMES = ['exit_request', 'wake_sequence', 'sleepers'];
const EXIT_REQUEST = NAMES.indexOf('exit_request');

const shared = new WeakMap<World, Int32Array<ArrayBufferLike>>();

function hartWords(world: World): Int32Array<ArrayBufferLike> {
  let words = shared.get(world);
  if (words === undefined) {
    words = world.memory.add(NAMES.map((name) => ({ name, isCount: name === 'wake_sequence' })));
    shared.set(world, words);
  }
  return words;
}

/** The hart's words, as a thread sees them. */
function wordsOf(world: World, modules: Modules): HartWords {
  return new modules.HartWords(hartWords(world) as Int32Array, 0);
}

/** Interrupt lines of the hart, one bit each. */
const lines = (world: World) => world.word('lines');
const time = (world: World) => world.word('time');
/** Not 0 when the machine has ended, when it is to stand still, and when the hart does. */
const ended = (world: World) => world.word('ended');
const pausing = (world: World) => world.word('pausing');
const stands = (world: World) => world.word('stands');
/** When the timer is due: 1 for when `time` is 1, 0 for never. */
const deadline = (world: World, initial = 0) => world.word('deadline', initial);

/** A timer that is due keeps its line up until it is programmed anew. */
const timerLine = (world: World) =>
  Atomics.load(deadline(world), 0) === 1 && Atomics.load(time(world), 0) === 1;

/** The hart: it takes interrupts when it sees them, computes without end, or waits in WFI unless it is busy. */
function hart(modules: Modules, { hasTimer = false, isBusy = false } = {}): ThreadMaker {
  return (world) => {
    hartWords(world);
    // All words are there before the first step.
    deadline(world, hasTimer ? 1 : 0);
    for (const word of [lines, time, ended, pausing, stands]) word(world);
    world.addRestCheck((view, stateOf) => {
      if (world.valueIn(view, ended(world)) === 1) {
        return stateOf('hart') === undefined
          ? undefined
          : { property: 'P4', message: 'the hart does not see the end of the machine' };
      }
      if (world.valueIn(view, pausing(world)) === 1) {
        return { property: 'P4', message: 'the hart does not stand still' };
      }
      const line = world.valueIn(view, lines(world)) !== 0;
      // Where the hart sleeps or computes with a limit, time goes on.
      const timer =
        world.valueIn(view, deadline(world)) * world.valueIn(view, time(world)) === 1 && !view.hasLimit;
      return line || timer
        ? { property: 'P4', message: `the hart does not see its ${line ? 'line' : 'timer'}` }
        : undefined;
    });
    return {
      name: 'hart',
      initial: { at: 'code' },
      step: (state, env) =>
        inModelTime(env, () => {
          const { at } = state as { readonly at: BarePart };
          const words = wordsOf(world, modules);
          // The sleep before was short, or was not.
          if (at === 'wait' && env.choose(2) === 1) words.sleep.until(-1, 0);
          const next = new modules.BareLoop(words, surroundings(world, env, isBusy)).step(at);
          return next === 'end' ? null : { at: next };
        }),
    };
  };
}

function surroundings(world: World, env: Env, isBusy: boolean): BareSurroundings {
  const untilTimer = () => {
    if (Atomics.load(deadline(world), 0) === 0) return Number.POSITIVE_INFINITY;
    return Atomics.load(time(world), 0) === 1 ? Number.POSITIVE_INFINITY : LIMIT;
  };
  return {
    get running() {
      return Atomics.load(ended(world), 0) === 0;
    },
    get pausing() {
      return Atomics.load(pausing(world), 0) === 1;
    },
    stand: () => {
      if (Atomics.load(pausing(world), 0) === 0) return;
      Atomics.store(stands(world), 0, 1);
      env.awaitWord(pausing(world), 0, 'equal', 0);
      Atomics.store(stands(world), 0, 0);
    },
    // That the hart looks around from time to time is nothing to rely on.
    longestSleep: Number.POSITIVE_INFINITY,
    untilTimer,
    wakePending: () => Atomics.load(lines(world), 0) !== 0 || timerLine(world),
    runCode: () => {
      const hasEnd = untilTimer() < Number.POSITIVE_INFINITY;
      if (timerLine(world)) {
        env.note('takes the timer, and stops it');
        Atomics.store(deadline(world), 0, 0);
        return false;
      }
      // Meets the or of a device.
      if (Atomics.load(lines(world), 0) !== 0) {
        env.note('takes what is on its lines');
        Atomics.exchange(lines(world), 0, 0);
        return false;
      }
      if (!isBusy && env.choose(2) === 1) {
        env.note('WFI');
        return true;
      }
      // Meets the store in `kick`; the stay ends when the timer is due, or before.
      if (!hasEnd) env.awaitWord(hartWords(world), EXIT_REQUEST, 'different', 0);
      return false;
    },
  };
}

/** A device raises its line. */
function device(modules: Modules, number: number): ThreadMaker {
  return (world) => ({
    name: `D${number}`,
    initial: {},
    step: () => {
      // Meets the loads in `surroundings`.
      Atomics.or(lines(world), 0, 1 << number);
      wordsOf(world, modules).kick();
      return null;
    },
  });
}

/** Another hart programs the timer of this one. */
function programmer(modules: Modules): ThreadMaker {
  return (world) => ({
    name: 'T',
    initial: {},
    step: () => {
      Atomics.store(deadline(world), 0, 1);
      wordsOf(world, modules).kick();
      return null;
    },
  });
}

/** Somebody ends the machine. */
function ender(modules: Modules): ThreadMaker {
  return (world) => ({
    name: 'E',
    initial: {},
    step: () => {
      Atomics.store(ended(world), 0, 1);
      wordsOf(world, modules).kick();
      return null;
    },
  });
}

/** Somebody has the machine stand still, waits until it does, and has it go on. */
function pauser(modules: Modules): ThreadMaker {
  return (world) => ({
    name: 'P',
    initial: {},
    step: (_state, env) => {
      Atomics.store(pausing(world), 0, 1);
      wordsOf(world, modules).kick();
      env.awaitWord(stands(world), 0, 'equal', 1);
      Atomics.store(pausing(world), 0, 0);
      return null;
    },
  });
}

/** Time goes on; nobody is told. */
const clock: ThreadMaker = (world) => ({
  name: 'clock',
  initial: {},
  step: () => {
    Atomics.store(time(world), 0, 1);
    return null;
  },
});

const twoDevices = (modules: Modules) =>
  of('two-devices', hart(modules), device(modules, 0), device(modules, 1));
const busyHart = (modules: Modules) =>
  of('busy-hart', hart(modules, { isBusy: true }), device(modules, 0), device(modules, 1));
const timerAndDevice = (modules: Modules) =>
  of('timer-and-device', hart(modules, { hasTimer: true }), clock, device(modules, 0));
const end = (modules: Modules) => of('end', hart(modules), device(modules, 0), ender(modules));
const pause = (modules: Modules) => of('pause', hart(modules), device(modules, 0), pauser(modules));
const timerOfAnother = (modules: Modules) =>
  of('timer-of-another', hart(modules), clock, programmer(modules));

function run(scenario: Scenario): VerifyResult {
  return verify(takeMirror, scenario);
}

describe('nothing pending stays unseen while a bare hart sleeps or computes', () => {
  test.each([
    ['two devices', twoDevices],
    ['two devices, while it computes', busyHart],
    ['its timer, and a device', timerAndDevice],
    ['its timer, which another hart has programmed', timerOfAnother],
    ['a pause, and a device', pause],
    ['the end of the machine, and a device', end],
  ])('%s', (_title, make) => {
    const result = run(make(shipped));
    expect(result, result.reason).toMatchObject({ verdict: 'PROVEN' });
  });
});

const changed = new ChangedSources();
afterAll(() => changed.remove());

async function withMistake(files: readonly string[], mistake: Mistake): Promise<Modules> {
  return { ...shipped, ...((await changed.import(files, mistake)) as Partial<Modules>) };
}

describe('a mistake there is found', () => {
  const line = { verdict: 'VIOLATED', reason: 'P4: the hart does not see its line' };

  test.each(SLEEP_MISTAKES)('$name', async (mistake) => {
    const files = ['machine/bare/hart-words.ts', 'hypervisor/sleep.ts'];
    const result = run(twoDevices(await withMistake(files, mistake)));
    expect(result, result.reason).toMatchObject(line);
  });

  test.each([
    ['kick-asks-for-no-exit', 'Atomics.store(this.#words, WORD.exitRequest, 1);', ''],
    ['kick-wakes-nobody', 'wakeSleepers(this.#words, WORD.wakeSequence, WORD.sleepers);', ''],
  ])('%s', async (_name, piece, by) => {
    const file = 'machine/bare/hart-words.ts';
    const result = run(twoDevices(await withMistake([file], { file, piece, by })));
    expect(result, result.reason).toMatchObject(line);
  });

  const file = 'machine/bare/loop.ts';

  test('the sequence is read after the look at what is pending', async () => {
    const mistake = { file, piece: 'until(sequence, ', by: 'until(sleep.sequence, ' };
    const result = run(twoDevices(await withMistake([file], mistake)));
    expect(result, result.reason).toMatchObject(line);
  });

  test('what is pending is not looked at', async () => {
    const mistake = { file, piece: "if (this.#at.wakePending()) return 'code';", by: '' };
    const result = run(twoDevices(await withMistake([file], mistake)));
    expect(result, result.reason).toMatchObject(line);
  });

  test('the timer is looked at after what is pending', async () => {
    const look = 'const untilTimer = this.#at.untilTimer();';
    const pending = "if (this.#at.wakePending()) return 'code';";
    const mistake = { file, piece: `${look}\n    ${pending}`, by: `${pending}\n    ${look}` };
    const result = run(timerAndDevice(await withMistake([file], mistake)));
    expect(result, result.reason).toMatchObject({
      verdict: 'VIOLATED',
      reason: 'P4: the hart does not see its timer',
    });
  });

  const readFirst = 'const { sequence } = sleep;';
  const lookForEnd = "if (!this.#at.running) return 'end';";

  test('the end is looked for before the sequence is read', async () => {
    const [first, second] = [`    ${readFirst}\n    `, `${lookForEnd}\n    if (this.#at.pausing)`];
    const mistake = { file, piece: first + second, by: `    ${lookForEnd}${first}if (this.#at.pausing)` };
    const result = run(end(await withMistake([file], mistake)));
    expect(result, result.reason).toMatchObject({
      verdict: 'VIOLATED',
      reason: 'P4: the hart does not see the end of the machine',
    });
  });

  test.each(['pausing', 'running'])(
    'the %s of the machine is looked at before the exit request is cleared',
    async (what) => {
      const enter = 'this.#words.enter();\n    ';
      const looks = `${lookForEnd}\n    if (this.#at.pausing) return 'code';\n`;
      const mistake = { file, piece: enter + looks, by: `${looks}    ${enter}` };
      const result = run((what === 'pausing' ? pause : end)(await withMistake([file], mistake)));
      expect(result, result.reason).toMatchObject({
        verdict: 'VIOLATED',
        counterexample: { property: 'P4' },
      });
    },
  );

  test('the exit request is never cleared', async () => {
    const mistake = { file, piece: 'this.#words.enter();', by: '' };
    const result = run(busyHart(await withMistake([file], mistake)));
    expect(result, result.reason).toMatchObject({ verdict: 'VIOLATED', counterexample: { property: 'P5' } });
  });
});
