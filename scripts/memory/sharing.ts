/**
 * Finds out whether the engine shares compiled WebAssembly between threads that compile equal bytes for themselves, as
 * the harts of a machine do.
 *
 *     node scripts/memory/sharing.ts
 *
 * One thread runs a function until it is optimized. Another one then compiles equal bytes, and bytes that differ in a
 * custom section, and says how long the first call of each took, and the same again when no thread has the first module
 * any more. With sharing the first call of equal bytes is as fast as the last one of the thread that warmed it up.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { FunctionBuilder, i32, ModuleBuilder } from '../../src/wasm/index.ts';

/** The work that a thread is asked for, and how long it took, in milliseconds. */
type Request = { readonly label: number; readonly calls: number } | 'forget';
export interface Times {
  readonly first: number;
  /** Of the last ten calls the fastest. */
  readonly last: number;
}

const TURNS = 200;
const STEPS = 400;
const ENOUGH_TO_OPTIMIZE = 5000;

/**
 * A function with much for an optimizing compiler to leave out, in a module with a label that changes its bytes only.
 */
function moduleBytes(label: number): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ minimum: 0, maximum: 0 });
  const f = new FunctionBuilder(['i32']);
  const turns = f.param(0, 'i32');
  const sum = f.local('i32');
  f.loop((again) => {
    for (let step = 0; step < STEPS; step++)
      f.set(sum, i32.add(i32.mul(turns, i32.const(step)), i32.const(5)));
    f.set(turns, i32.sub(turns, i32.const(1)));
    f.brIf(again, turns);
  });
  f.return(sum);
  f.unreachable();
  module.append('work', f, 'i32', true);
  const custom = [0, 4, 1, 0x6c, label & 0x7f, label >> 7];
  return Uint8Array.from([...module.toBytes(), ...custom]);
}

function serve(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let kept: WebAssembly.Instance[] = [];
  parentPort?.on('message', (request: Request) => {
    if (request === 'forget') {
      kept = [];
      collect();
      collect();
      parentPort?.postMessage(undefined);
      return;
    }
    const memory = new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true });
    const module = new WebAssembly.Module(moduleBytes(request.label));
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    kept.push(instance);
    const work = instance.exports.work as (turns: number) => number;
    const times = Array.from({ length: request.calls }, () => {
      const start = performance.now();
      work(TURNS);
      return performance.now() - start;
    });
    const last = Math.min(...times.slice(-10));
    parentPort?.postMessage({ first: times[0] ?? Number.NaN, last } satisfies Times);
  });
}

function ask(worker: Worker, request: Request): Promise<Times> {
  return new Promise((resolve) => {
    worker.once('message', resolve);
    worker.postMessage(request);
  });
}

async function main(): Promise<void> {
  const one = new Worker(new URL(import.meta.url));
  const other = new Worker(new URL(import.meta.url));
  const show = (what: string, { first, last }: Times) =>
    console.log(`${what.padEnd(44)} first call ${first.toFixed(3)} ms, later ${last.toFixed(3)} ms`);
  show('one thread, until it is optimized', await ask(one, { label: 1, calls: ENOUGH_TO_OPTIMIZE }));
  show('another thread, equal bytes', await ask(other, { label: 1, calls: 10 }));
  show('another thread, other bytes', await ask(other, { label: 2, calls: 10 }));
  for (const worker of [one, other]) await ask(worker, 'forget');
  show('equal bytes, when no module is left', await ask(other, { label: 1, calls: 10 }));
  await Promise.all([one.terminate(), other.terminate()]);
}

if (isMainThread) await main();
else serve();
