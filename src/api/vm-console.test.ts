import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VmConsole } from './vm-console.ts';

const KEPT = 64 * 1024;
const bytesOf = (text: string) => new TextEncoder().encode(text);

function newConsole() {
  let holds = 0;
  const console = new VmConsole(() => {
    let held = true;
    holds++;
    return () => {
      if (held) holds--;
      held = false;
    };
  });
  const backend = console.backend();
  return { console, backend, output: (text: string) => backend.output(bytesOf(text)), holds: () => holds };
}

describe('the output', () => {
  test('keeps the last 64 KiB, in whatever pieces they come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 * KEPT }), { maxLength: 6 }), (lengths) => {
        const { console, backend } = newConsole();
        let all = '';
        for (const [index, length] of lengths.entries()) {
          const piece = String.fromCharCode(97 + index).repeat(length);
          all += piece;
          backend.output(bytesOf(piece));
        }
        expect(console.text === all.slice(-KEPT)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('comes as a stream, from what was kept on, and holds the guest back while nobody reads', async () => {
    const { console, output, holds } = newConsole();
    expect(output('before')).toBeUndefined();
    const reader = console.output.getReader();
    expect(holds()).toBe(1);
    const busy = output('x'.repeat(KEPT));
    expect(busy).toBeInstanceOf(Promise);
    expect((await reader.read()).value).toEqual(bytesOf('before'));
    expect((await reader.read()).value).toHaveLength(KEPT);
    await busy;
    console.end();
    expect(await reader.read()).toMatchObject({ done: true });
    expect(holds()).toBe(0);
  });

  test('goes on without a reader that has given up', async () => {
    const { console, output, holds } = newConsole();
    const first = console.output.getReader();
    const busy = output('x'.repeat(2 * KEPT));
    await first.cancel();
    await busy;
    expect(holds()).toBe(0);
    expect(output('y'.repeat(2 * KEPT))).toBeUndefined();
    const second = console.output.getReader();
    expect((await second.read()).value).toEqual(bytesOf('y'.repeat(KEPT)));
  });
});

describe('waiting for a text', () => {
  test('finds what was there, what comes, and what comes in pieces', async () => {
    const { console, output, holds } = newConsole();
    output('login: ');
    expect((await console.waitFor('login:'))[0]).toBe('login:');
    const later = console.waitFor(/pass(w\w+)/);
    expect(holds()).toBe(1);
    output('pas');
    output('sword? ');
    expect((await later)[1]).toBe('word');
    expect(holds()).toBe(0);
  });

  test('takes a text for what it is, not for an expression', async () => {
    const { console, output } = newConsole();
    output('~ # a.b ~ $ [x]');
    await expect(console.waitFor('~ $ [x]')).resolves.toBeTruthy();
  });

  test('ends with the machine, or by a signal', async () => {
    const { console, holds } = newConsole();
    // As a program in JavaScript gives it, which no compiler reads: it would wait for ever.
    const timeout: object = { timeoutMs: 5 };
    await expect(console.waitFor('x', timeout)).rejects.toThrow(
      'timeoutMs: there is no such option; give some of signal.',
    );
    const aborted = console.waitFor('x', { signal: AbortSignal.abort(new Error('no more')) });
    await expect(aborted).rejects.toThrow('no more');
    const ended = console.waitFor('x');
    console.end();
    await expect(ended).rejects.toMatchObject({ name: 'MachineEndedError', code: 'ended' });
    await expect(console.waitFor('x')).rejects.toMatchObject({ code: 'ended' });
    expect(holds()).toBe(0);
  });
});

describe('input', () => {
  test('waits for room, and keeps its order', async () => {
    const { console, backend } = newConsole();
    let taken = '';
    let room = 4;
    console.attach({
      input: (bytes) => {
        const some = bytes.subarray(0, room);
        room -= some.length;
        taken += new TextDecoder().decode(some);
        return some.length;
      },
    });
    const writes = Promise.all([console.write('abcdef'), console.write(bytesOf('gh'))]);
    while (taken !== 'abcdefgh') {
      await Promise.resolve();
      room = 1;
      backend.inputSpace?.();
    }
    await writes;
    expect(taken).toBe('abcdefgh');
  });

  test('fails when the machine ends before it is taken', async () => {
    const { console, holds } = newConsole();
    console.attach({ input: () => 0 });
    const first = console.write('x');
    const second = console.write('y');
    console.end();
    await expect(first).rejects.toMatchObject({ code: 'ended' });
    await expect(second).rejects.toMatchObject({ code: 'ended' });
    expect(holds()).toBe(0);
  });
});
