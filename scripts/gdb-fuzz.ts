/**
 * Hostile packets of a debugger, many more than a test makes: no call may throw, memory has to stay flat, and a machine
 * with such a debugger must live on and answer the next one.
 *
 *     node scripts/gdb-fuzz.ts [--packets N] [--seed S] [--kind fake|bare|domain]...
 *
 * A million packets unless given, for a target without a machine, and a tenth of that for each kind of machine: those
 * stop and go on. Parts of packets are cut off, doubled and changed, and bytes come as they like. The exit status is 1
 * if something is wrong, with the seed.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { framePacket } from '../src/debug/packets.ts';
import { DebugSession } from '../src/debug/session.ts';
import type { DebugTarget } from '../src/debug/target.ts';
import { Machine } from '../src/machine/machine.ts';
import type { MachineEnd } from '../src/machine/machine-end.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { FakeTarget, hostileText } from '../test/debug/fake-target.ts';
import { GdbClient } from '../test/debug/gdb-client.ts';
import { COUNTING, debugged } from '../test/debug/programs.ts';

/** It stops as soon as it goes on. */
class RestlessTarget extends FakeTarget {
  override resume(actions: Parameters<FakeTarget['resume']>[0]): void {
    super.resume(actions);
    this.log.length = 0;
    setImmediate(() => this.stop({ kind: 'step', thread: 1 }));
  }
}

const KINDS = ['fake', 'bare', 'domain'] as const;
type Kind = (typeof KINDS)[number];

/** Packets after which another debugger comes. */
const ROUND = 1000;
/** Packets for one machine. */
const PER_MACHINE = 10_000;
const LARGEST_GROWTH = 64e6;
/** A debugger that takes the machine away leaves nothing to try. */
const ENDS = /^(k|vKill)/;

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
    kind: { type: 'string', multiple: true, default: [...KINDS] },
  },
});
const seed = Number(values.seed);

for (const kind of KINDS.filter((each) => values.kind.includes(each))) {
  const packets = Number(values.packets) / (kind === 'fake' ? 1 : 10);
  try {
    console.log(`${kind}: ${packets} packets, ${await attack(kind, packets)} bytes of replies: good`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`${kind}: seed ${seed}:`, error);
  }
}

async function attack(kind: Kind, packets: number): Promise<number> {
  if (kind === 'fake') return attackTarget(new RestlessTarget(), packets, seed);
  let heard = 0;
  // A guest whose registers are written over traps for ever at last, which is its machine's end: then comes another.
  for (let done = 0; done < packets; done += PER_MACHINE)
    heard += await attackMachine(kind, Math.min(PER_MACHINE, packets - done), seed + done);
  return heard;
}

async function attackMachine(kind: 'bare' | 'domain', packets: number, from: number): Promise<number> {
  const { config } = debugged(kind, COUNTING);
  const machine = new Machine(config, new NodeHost(), { console: { output: () => undefined } });
  let end: MachineEnd | undefined;
  void machine.ended.then((how) => {
    end = how;
  });
  machine.start();
  const target = await machine.debug();
  const heard = await attackTarget(target, packets, from);
  if (end === undefined) {
    const client = new GdbClient(target);
    if (!(await client.ask('?')).startsWith('T05')) throw new Error('the machine does not stop');
    if ((await client.ask('g')).length !== 2 * 65 * 8)
      throw new Error('the machine has no registers any more');
    machine.stop();
  }
  const { reason } = await machine.ended;
  if (reason !== 'stopped' && reason !== 'stuck') throw new Error(`the machine has ended: ${reason}`);
  return heard;
}

async function attackTarget(target: DebugTarget, packets: number, from: number): Promise<number> {
  let heard = 0;
  let early = 0;
  for (let done = 0, round = 0; done < packets; done += ROUND, round++) {
    const texts = fc.sample(hostileText(), { numRuns: ROUND, seed: from + round });
    let isOver = false;
    const open = () => {
      isOver = false;
      return new DebugSession(target, {
        send: (bytes) => {
          heard += bytes.length;
        },
        close: () => {
          isOver = true;
        },
      });
    };
    let session = open();
    for (const [index, text] of texts.entries()) {
      if (!ENDS.test(text)) session.receive(mangle(framePacket(text), index));
      // Stops come about, and what was early is answered.
      if (index % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (isOver) {
        await session.lost();
        session = open();
      }
    }
    await session.lost();
    const { rss } = process.memoryUsage();
    if (done <= packets / 4) early = rss;
    else if (rss > early + LARGEST_GROWTH) throw new Error(`${rss - early} bytes more are resident`);
  }
  return heard;
}

/** Most arrive as they are. */
function mangle(packet: Uint8Array, index: number): Uint8Array {
  switch (index % 16) {
    case 3:
      return packet.subarray(0, index % packet.length);
    case 7:
      return packet.with(index % packet.length, index & 0xff);
    case 11:
      return Uint8Array.of(...packet, ...packet);
    case 15:
      return Uint8Array.of(3, ...packet);
    default:
      return packet;
  }
}
