import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PromptWatch } from './prompt-watch.ts';

const ASK = '\u001b[6n';
const bytes = (text: string) => new TextEncoder().encode(text);

describe('a prompt', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const watch = () => {
    const onPrompt = vi.fn<() => void>();
    return { onPrompt, watch: new PromptWatch(onPrompt) };
  };

  test.each([
    ['at once', ['boot\r\n~ # ']],
    ['with the question for the cursor', [`boot\r\n~ # ${ASK}`]],
    ['in pieces', ['boot\r\n~', ' # ', ASK]],
  ])('is told once, when the guest has come to rest (%s)', (_, pieces) => {
    const { onPrompt, watch: each } = watch();
    for (const piece of pieces) each.see(bytes(piece));
    expect(onPrompt).not.toHaveBeenCalled();
    vi.runAllTimers();
    each.see(bytes('\r\n~ # '));
    vi.runAllTimers();
    expect(onPrompt).toHaveBeenCalledTimes(1);
  });

  test('is none while the guest writes on, or after somebody has typed', () => {
    const { onPrompt, watch: each } = watch();
    each.see(bytes('~ # '));
    each.see(bytes('more'));
    vi.runAllTimers();
    each.see(bytes('~ # '));
    each.type(bytes('l'));
    vi.runAllTimers();
    each.see(bytes('~ # '));
    vi.runAllTimers();
    expect(onPrompt).not.toHaveBeenCalled();
  });

  test('stays one when a terminal says where its cursor is', () => {
    const { onPrompt, watch: each } = watch();
    each.see(bytes(`~ # ${ASK}`));
    each.type(bytes('\u001b[12;5R'));
    vi.runAllTimers();
    expect(onPrompt).toHaveBeenCalledTimes(1);
  });
});
