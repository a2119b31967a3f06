import type { ChildProcess } from 'node:child_process';

/** Waits for QEMU to end well. @param timeout milliseconds after which it is ended */
export function finished(child: ChildProcess, seed: number, timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (text: Buffer) => {
      said += text.toString();
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`QEMU did not finish the program of seed ${seed} within ${timeout / 1000} s`));
    }, timeout);
    child.on('error', reject);
    child.on('exit', (status) => {
      clearTimeout(timer);
      if (status === 0) resolve();
      else reject(new Error(`QEMU ended with ${status} for seed ${seed}: ${said}`));
    });
  });
}
