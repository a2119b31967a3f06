/**
 * How long interrupts take: from the call that sets one until the guest is in its trap handler. The vCPUs of the guest
 * `tick` send each other interrupts all the time.
 *
 *     npm run example -- latency [PROTOCOL]      in a checkout
 *     node latency.ts [PROTOCOL]                 beside an installed hartvisor, Node 24
 *
 * The histogram shows mostly the guest itself, which has interrupts disabled now and then, and this host's scheduler.
 */
import { boot } from 'hartvisor';

const [protocol = 'take-mirror'] = process.argv.slice(2);
const vm = await boot({ guest: 'tick', append: 'seconds=3', cpus: 2, memory: '64M', protocol, trace: true });

const setAt = new Map<number, number>();
const microseconds: number[] = [];
const counts = new Map<string, number>();
let missed = 0;
for await (const { what, time, flow, missing } of vm.interrupts()) {
  missed += missing;
  counts.set(what, (counts.get(what) ?? 0) + 1);
  if (flow === 0) continue;
  if (what === 'set') setAt.set(flow, time);
  const began = setAt.get(flow);
  if (what !== 'taken' || began === undefined) continue;
  microseconds.push((time - began) * 1000);
  setAt.delete(flow);
}
await vm.ended;

console.log([...counts].map(([what, count]) => `${count} ${what}`).join(', '));
if (missed > 0) console.log(`${missed} events came too fast to be looked at.`);
console.log(`\n${protocol}: microseconds from set to trap, ${microseconds.length} interrupts`);
const rows = histogram(microseconds);
const most = Math.max(...rows.map(({ count }) => count));
for (const { below, count } of rows)
  console.log(
    `${`< ${below}`.padStart(9)} ${String(count).padStart(7)} ${'#'.repeat(Math.ceil((60 * count) / most))}`,
  );

/** Each row reaches twice as far as the one before. */
function histogram(values: readonly number[]): { below: number; count: number }[] {
  const counted: number[] = [];
  for (const value of values) {
    const row = Math.max(0, Math.ceil(Math.log2(value)));
    counted[row] = (counted[row] ?? 0) + 1;
  }
  return Array.from(counted, (count, row) => ({ below: 2 ** row, count: count ?? 0 }));
}
