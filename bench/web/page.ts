/** The works of the benchmark in a page, by name. Bundled beside the built package. */
import { boot, disks, Machine, readElf, restore, type Vm, WebHost } from '../../src/web/index.ts';

/** Runs a program on a bare machine to its end. @returns its output */
async function bare(file: string): Promise<string> {
  const bytes = new Uint8Array(await (await fetch(file)).arrayBuffer());
  const host = new WebHost();
  host.prepare(['bare']);
  let output = '';
  const decoder = new TextDecoder();
  const program = {
    kind: 'program',
    image: { kind: 'elf', elf: readElf(bytes, file), source: file },
  } as const;
  const machine = new Machine({ kind: 'bare', harts: 1, memoryBytes: 2 ** 27, program }, host, {
    console: {
      output: (piece) => {
        output += decoder.decode(piece, { stream: true });
        return undefined;
      },
    },
  });
  machine.start();
  const { reason } = await machine.ended;
  host.close();
  return reason === 'poweroff' ? output : `${reason}\n${output}`;
}

/** Long tasks of the page so far, in milliseconds: nothing else happens in it meanwhile. */
const tasks: number[] = [];
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) tasks.push(duration);
}).observe({ type: 'longtask', buffered: true });

/** @returns seconds from the navigation until a program has run in the guest */
async function untilWorks(start: Promise<Vm>) {
  const vm = await start;
  await vm.commands.run('true');
  const seconds = performance.now() / 1000;
  await vm.stop();
  return { seconds, longest: Math.max(0, ...tasks) };
}

const cold = () =>
  untilWorks(boot({ cpus: 2, memory: '256M', kernel: 'guest/kernel', initrd: 'guest/initrd' }));
const warm = () => untilWorks(restore('guest/snapshot'));

let withDisks: Vm;

/** Boots with an empty disk of so many bytes in files of this browser, and one in records. */
async function startWithDisks(bytes: string): Promise<void> {
  const empty = new Blob([new Uint8Array(Number(bytes))]);
  await disks.import('files', empty);
  const { getDirectory } = StorageManager.prototype;
  StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('no files', 'SecurityError'));
  await disks.import('records', empty).finally(() => {
    StorageManager.prototype.getDirectory = getDirectory;
  });
  const files = { kernel: 'guest/kernel', initrd: 'guest/initrd', disk: ['opfs:files', 'opfs:records'] };
  withDisks = await boot({ cpus: 2, memory: '256M', ...files });
  await withDisks.commands.run('true');
}

/** @returns seconds that a command takes in that guest */
async function secondsOf(command: string): Promise<number> {
  const begin = performance.now();
  const { exitCode, stdout } = await withDisks.commands.run(command);
  if (exitCode !== 0) throw new Error(`${command}: ${stdout}`);
  return (performance.now() - begin) / 1000;
}

Object.assign(globalThis, { checks: { bare, cold, warm, startWithDisks, secondsOf } });
