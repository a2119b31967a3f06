/** What the benchmark does in a page, by name. Bundled beside the built package. */
import { boot, Machine, readElf, restore, type Vm, WebHost } from '../../src/web/index.ts';

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

Object.assign(globalThis, { checks: { bare, cold, warm } });
