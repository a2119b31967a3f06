import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { leftProcesses } from './left-processes.ts';

test.skipIf(process.platform !== 'linux')('a process that a test leaves behind is named', async () => {
  const mark = randomUUID();
  // The shell, a child of this process, counts as one that carries out tests; `cat` is what is left.
  const shell = spawn('sh', ['-c', 'cat; true'], {
    env: { ...process.env, HARTVISOR_TEST_RUN: mark },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  shell.stdin.write('there\n');
  await once(shell.stdout, 'data');
  expect(leftProcesses(mark).map(({ command }) => command)).toEqual(['cat']);
  expect(leftProcesses(randomUUID())).toEqual([]);
  shell.stdin.end();
  await once(shell, 'close');
  expect(leftProcesses(mark)).toEqual([]);
});
