import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeTarget, hostileText } from '../../test/debug/fake-target.ts';
import { GdbClient } from '../../test/debug/gdb-client.ts';
import { framePacket } from './packets.ts';

/** A session with a machine that is only said to be one. */
async function start(): Promise<{ target: FakeTarget; client: GdbClient }> {
  const target = new FakeTarget();
  const client = new GdbClient(target);
  await client.ask('?');
  return { target, client };
}

describe('a session', () => {
  test('answers what it can before the machine stands still, and the rest then', async () => {
    const target = new FakeTarget();
    const client = new GdbClient(target);
    expect(await client.ask('qSupported:x')).toContain('PacketSize=4000');
    expect(await client.ask('vMustReplyEmpty')).toBe('');
    expect(target.log).toEqual(['pause']);
    expect(await client.ask('?')).toBe('T05thread:01;');
  });

  test('says again what did not arrive, until both have agreed on leaving that out', async () => {
    const target = new FakeTarget();
    const said: string[] = [];
    const { DebugSession } = await import('./session.ts');
    const session = new DebugSession(target, {
      send: (bytes) => said.push(String.fromCharCode(...bytes)),
      close: () => undefined,
    });
    const hear = (text: string) =>
      session.receive(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    hear('$vCont?#49');
    hear('-');
    hear('$vCont?#00');
    expect(said).toEqual(['+', '$vCont;c;C;s;S;r#0f', '$vCont;c;C;s;S;r#0f', '-']);
    said.length = 0;
    hear('$QStartNoAckMode#b0');
    hear('$vCont?#49');
    hear('-');
    hear('$vCont?#00');
    expect(said).toEqual(['+', '$OK#9a', '$vCont;c;C;s;S;r#0f']);
  });

  test('describes registers by the names of the RISC-V features', async () => {
    const { client } = await start();
    let text = '';
    for (let part = 'm'; part.startsWith('m'); text += part.slice(1))
      part = await client.ask(`qXfer:features:read:target.xml:${text.length.toString(16)},200`);
    for (const feature of ['cpu', 'fpu', 'csr', 'virtual', 'vector'])
      expect(text).toContain(`<feature name="org.gnu.gdb.riscv.${feature}">`);
    expect(text).toContain('<reg name="sstatus" bitsize="64" regnum="321" type="int" group="csr"/>');
    expect(text).toContain('<osabi>none</osabi>');
    expect(text).toContain('<reg name="priv" bitsize="64" regnum="4161" type="int"/>');
    expect(text).toContain(
      '<reg name="v31" bitsize="128" regnum="4193" type="riscv_vector" group="vector"/>',
    );
    expect(await client.ask('qXfer:features:read:other.xml:0,10')).toBe('E00');
    expect(await client.ask('qXfer:auxv:read::0,10')).toBe('');
  });

  test('lists threads with their names and what they do', async () => {
    const { client } = await start();
    expect(await client.ask('qfThreadInfo')).toBe('m1,2,3');
    expect(await client.ask('qsThreadInfo')).toBe('l');
    expect(await client.ask('qThreadExtraInfo,2')).toBe(Buffer.from('hart 1: running').toString('hex'));
    expect(await client.ask('qXfer:threads:read::0,1000')).toContain('name="hart 2">running</thread>');
    expect(await client.ask('T3')).toBe('OK');
    expect(await client.ask('T4')).toBe('E22');
    expect(await client.ask('Hg2')).toBe('OK');
    expect(await client.ask('qC')).toBe('QC2');
  });

  test('has threads do what the first action says that is for them', async () => {
    const { target, client } = await start();
    client.send('vCont;s:2;c:1');
    expect(target.actions).toEqual(['run', 'step', 'hold']);
    target.stop({ kind: 'step', thread: 1 });
    expect(await client.next()).toBe('T05thread:2;');
    client.send('vCont;C05:3;c');
    expect(target.actions).toEqual(['run', 'run', 'run']);
    target.stop({ kind: 'data', thread: 2, access: 'read', address: 0x8000_0010n });
    expect(await client.next()).toBe('T05thread:3;rwatch:80000010;');
    for (const words of ['', 'x', 's:9', 'r1', 'c:1:2', 'Cxyz'])
      expect(await client.ask(`vCont;${words}`)).toBe('E22');
    await client.ask('Hc2');
    client.send('s80000000');
    expect(target.actions).toEqual(['hold', 'step', 'hold']);
    expect(target.registers.get(32)).toBe(0x8000_0000n);
  });

  test('steps on in a range, and no further', async () => {
    const { target, client } = await start();
    client.send('vCont;r1000,1008:1;c');
    for (const pc of [0x1004n, 0x1000n]) {
      target.registers.set(32, pc);
      target.stop({ kind: 'step', thread: 0 });
    }
    target.registers.set(32, 0x1008n);
    target.stop({ kind: 'step', thread: 0 });
    expect(await client.next()).toBe('T05thread:1;');
    expect(target.log.filter((line) => line === 'resume')).toHaveLength(3);
  });

  test('keeps a place that has two points until both are gone', async () => {
    const { target, client } = await start();
    await client.ask('Z0,1000,4');
    await client.ask('Z1,1000,4');
    await client.ask('z0,1000,4');
    expect(target.points).toEqual(['code 4096 1']);
    await client.ask('z1,1000,4');
    expect(target.points).toEqual([]);
    expect(await client.ask('Z5,1000,4')).toBe('');
    expect(await client.ask('Z2,1000,0')).toBe('E22');
    expect(await client.ask('Z2,1000,fffffff')).toBe('E22');
  });

  test('takes the traps that a debugger writes for points', async () => {
    const { target, client } = await start();
    await client.ask('M80000100,2:0290');
    expect(target.points).toEqual([`code ${0x8000_0100} 1`]);
    await client.ask('M800000fe,4:13000000');
    expect(target.points).toEqual([]);
  });

  test('keeps no more places than the machine has points for', async () => {
    const { target, client } = await start();
    for (let place = 0; place < 20; place++)
      expect(await client.ask(`M800002${(place * 4).toString(16).padStart(2, '0')},4:73001000`)).toBe(
        place < 8 ? 'OK' : 'E14',
      );
    expect(target.points).toHaveLength(8);
    await client.ask(`M80000200,50:${'00'.repeat(0x50)}`);
    expect(target.points).toEqual([]);
  });

  test('leaves nothing behind, however it ends', async () => {
    const { target, client } = await start();
    await client.ask('Z0,1000,4');
    client.send('vCont;c');
    await client.session.lost();
    expect(target.points).toEqual([]);
    expect(target.actions).toEqual(['run', 'run', 'run']);
  });

  test('tells how the machine ends', async () => {
    const { target, client } = await start();
    client.send('c');
    target.end({ kind: 'exit', status: 3 });
    expect(await client.next()).toBe('W03');
    expect(client.closed).toBe(true);
    const other = new GdbClient(target);
    expect(await other.ask('?')).toBe('W03');
    expect(await other.ask('g')).toBe('E22');
  });

  test('answers words of monitor', async () => {
    const { client } = await start();
    const say = async (word: string) =>
      Buffer.from(await client.ask(`qRcmd,${Buffer.from(word).toString('hex')}`), 'hex').toString();
    expect(await say('help')).toContain('pending');
    expect(await say('pending')).toBe('0: nothing\n1: nothing\n2: nothing\n');
    expect(await say('constructor\n')).toContain('There is no "monitor constructor"');
    expect(await client.ask('qRcmd,zz')).toBe('E22');
  });

  test('adds up memory as gdb does', async () => {
    const { client } = await start();
    await client.ask('M80000000,9:313233343536373839');
    // CRC-32/MPEG-2 of "123456789".
    expect(await client.ask('qCRC:80000000,9')).toBe('C376e6e7');
  });
});

test('whatever a debugger says, there is a reply to it or none, and memory stays bounded', () => {
  fc.assert(
    fc.property(fc.array(hostileText(), { maxLength: 30 }), (texts) => {
      const target = new FakeTarget();
      const client = new GdbClient(target);
      for (const text of texts) {
        client.session.receive(framePacket(text));
        client.session.receive(Uint8Array.from(text, (character) => character.charCodeAt(0) & 255));
      }
      expect(target.written).toBeLessThanOrEqual(0x10_0000);
    }),
    { numRuns: 60 },
  );
});
