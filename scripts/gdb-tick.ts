/**
 * A debugger that stops, steps and holds vCPUs of `tick` all the time: the guest counts every interrupt that it asks
 * for and every one that it gets, and must find none lost and none invented.
 *
 *     node scripts/gdb-tick.ts [--seconds N] [--smp N] [--pcpus N] [--seed S]
 *
 * The seconds are the guest's, whose time stands still while it is stopped. The exit status is 1 if `tick` fails.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readKernel } from '../src/boot/kernel-image.ts';
import { Machine } from '../src/machine/machine.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { GdbClient } from '../test/debug/gdb-client.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    smp: { type: 'string', default: '4' },
    pcpus: { type: 'string', default: '2' },
    seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
  },
});
const vcpus = Number(values.smp);
let state = Number(values.seed) | 1;

/** 0 to limit - 1. */
function random(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

const path = new URL('../guests/tick/tick.elf', import.meta.url);
let output = '';
const machine = new Machine(
  {
    kind: 'domain',
    ...{ vcpus, pcpus: Number(values.pcpus), memoryBytes: 32 << 20, protocol: 'take-mirror', debug: true },
    kernel: await readKernel(readFileSync(path), 'tick.elf'),
    bootArgs: `seconds=${values.seconds}`,
  },
  new NodeHost(),
  {
    console: {
      output: (bytes) => {
        output += new TextDecoder().decode(bytes);
        return undefined;
      },
    },
  },
);
let isOver = false;
void machine.ended.then(() => {
  isOver = true;
});
machine.start();
const client = new GdbClient(await machine.debug());
await client.ask('?');

const counts = { stops: 0, steps: 0, points: 0 };
while (!isOver) {
  const reply = await turn();
  if (/^[WX]/.test(reply)) break;
}
const end = await machine.ended;
console.log(output.trim().split('\n').at(-1), JSON.stringify(counts), end.reason);
process.exitCode = output.includes('tick: PASS') && end.reason === 'poweroff' ? 0 : 1;

/** Some steps, perhaps with a breakpoint ahead, and then all go on for a while. @returns the last stop */
async function turn(): Promise<string> {
  const thread = 1 + random(vcpus);
  const others = random(2) === 0 ? ';c' : '';
  let reply = '';
  for (let left = random(20); left > 0; left--) {
    counts.steps++;
    reply = await client.ask(`vCont;s:${thread}${others}`);
    if (!reply.startsWith('T05')) return reply;
  }
  counts.stops++;
  client.send('vCont;c');
  // Nothing depends on how long it is.
  await new Promise((resolve) => setTimeout(resolve, random(12)));
  reply = await client.interrupt();
  if (random(4) === 0 && reply.startsWith('T0')) reply = await meetPoint();
  return reply;
}

/** A breakpoint where a thread is now: it comes by again, or another one does. */
async function meetPoint(): Promise<string> {
  counts.points++;
  await client.ask(`Hg${1 + random(vcpus)}`);
  const point = `0,${(await client.pc()).toString(16)},2`;
  await client.ask(`Z${point}`);
  client.send('vCont;c');
  await new Promise((resolve) => setTimeout(resolve, 5));
  // It may have stopped there before.
  const reply = await client.interrupt();
  if (!reply.startsWith('T0')) return reply;
  await client.ask(`z${point}`);
  return reply;
}
