import { expect, test } from 'vitest';
import type { InterruptEvent } from './interrupt-timeline.ts';
import { type LiveBatch, type LiveInterrupt, LiveReceiver, LiveSender } from './live.ts';
import { createTrace, traceWords } from './ring.ts';

/** Both ends, with batches that arrive when they are told to. */
function ends() {
  const words = traceWords(createTrace(1, 2));
  const underWay: LiveBatch[] = [];
  const receiver = new LiveReceiver(words);
  const sender = new LiveSender(words, (batch) => underWay.push(structuredClone(batch)));
  const arrive = () => {
    for (const batch of underWay.splice(0)) receiver.receive(batch);
  };
  return { sender, receiver, arrive, underWay };
}

const event = (flow: number): InterruptEvent => ({
  ...{ time: flow / 8, cpu: flow % 4, what: 'taken', cause: 5, source: 0, flow },
});

async function takeAll(events: AsyncIterable<LiveInterrupt>): Promise<LiveInterrupt[]> {
  const all: LiveInterrupt[] = [];
  for await (const each of events) all.push(each);
  return all;
}

test('each watcher gets all events from its beginning on, until the end', async () => {
  const { sender, receiver, arrive } = ends();
  sender.add(event(1));
  const first = receiver.watch(100);
  sender.add(event(2));
  sender.flush();
  arrive();
  const second = receiver.watch(100);
  sender.add(event(3));
  sender.flush();
  arrive();
  receiver.end();
  expect(await takeAll(first)).toEqual([2, 3].map((flow) => ({ ...event(flow), missing: 0 })));
  expect(await takeAll(second)).toEqual([{ ...event(3), missing: 0 }]);
  expect(await takeAll(receiver.watch(1))).toEqual([]);
});

test('nothing is sent when nobody watches any more', async () => {
  const { sender, receiver, arrive, underWay } = ends();
  const events = receiver.watch(100);
  sender.add(event(1));
  sender.flush();
  arrive();
  for await (const { flow } of events) {
    expect(flow).toBe(1);
    break;
  }
  sender.add(event(2));
  sender.flush();
  expect(underWay).toEqual([]);
  expect(await events.next()).toEqual({ done: true, value: undefined });
});

test('a reader that waits is woken by an event, and by the end', async () => {
  const { sender, receiver, arrive } = ends();
  const events = receiver.watch(100);
  const [one, two] = [events.next(), events.next()];
  sender.add(event(1));
  sender.flush();
  arrive();
  expect((await one).value).toEqual({ ...event(1), missing: 0 });
  receiver.end();
  expect(await two).toEqual({ done: true, value: undefined });
});

test('a slow reader is told how many it has missed', async () => {
  const { sender, receiver, arrive } = ends();
  const events = receiver.watch(2);
  for (let flow = 1; flow <= 5; flow++) sender.add(event(flow));
  sender.flush();
  arrive();
  expect((await events.next()).value).toMatchObject({ flow: 1, missing: 0 });
  sender.add(event(6));
  sender.flush();
  arrive();
  expect((await events.next()).value).toMatchObject({ flow: 2, missing: 0 });
  expect((await events.next()).value).toMatchObject({ flow: 6, missing: 3 });
});

test('an owner that does not listen is sent no more than eight batches', async () => {
  const { sender, receiver, arrive, underWay } = ends();
  const events = receiver.watch(1000);
  for (let flow = 1; flow <= 20; flow++) {
    sender.add(event(flow));
    sender.flush();
  }
  expect(underWay).toHaveLength(8);
  arrive();
  sender.add(event(21));
  sender.flush();
  arrive();
  receiver.end();
  const all = await takeAll(events);
  expect(all.map(({ flow }) => flow)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 21]);
  expect(all.at(-1)?.missing).toBe(12);
});

test('a batch is bounded', async () => {
  const { sender, receiver, arrive } = ends();
  const events = receiver.watch(1 << 20);
  for (let flow = 0; flow < 20_000; flow++) sender.add(event(flow));
  sender.flush();
  sender.add(event(20_000));
  sender.flush();
  arrive();
  receiver.end();
  const all = await takeAll(events);
  expect(all).toHaveLength((1 << 14) + 1);
  expect(all.at(-1)).toMatchObject({ flow: 20_000, missing: 20_000 - (1 << 14) });
});
