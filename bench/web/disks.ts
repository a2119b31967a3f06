import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boot } from '../../src/node/index.ts';
import type { TestBrowser } from '../../test/web/browser.ts';
import { median, ratioOfTurns, type Spread } from '../statistics.ts';

/** MiB that a turn writes, and reads. */
const MEBIBYTES = 64;
const BYTES = (MEBIBYTES + 1) * 2 ** 20;

/** Past the guest's cache, to what the browser or the host says is safe. */
const writing = (drive: string) =>
  `dd if=/dev/zero of=/dev/${drive} bs=1M count=${MEBIBYTES} oflag=direct conv=fsync 2>&1`;
const reading = (drive: string) =>
  `dd if=/dev/${drive} of=/dev/null bs=1M count=${MEBIBYTES} iflag=direct 2>&1`;

/** A disk's row: MiB a second in Node and in the tab. */
export interface DiskRow {
  readonly name: string;
  readonly node: number;
  readonly tab: number;
  /** Of the tab to Node. */
  readonly speed: Spread;
}

/** How fast guests use disks: a raw file of Node, and those that a browser keeps, in files and in records. */
export async function measureDisks(
  browser: TestBrowser,
  folder: string,
  runs: number,
): Promise<readonly DiskRow[]> {
  const directory = mkdtempSync(join(folder, 'disks-'));
  const file = join(directory, 'raw');
  writeFileSync(file, '');
  truncateSync(file, BYTES);
  const vm = await boot({ cpus: 2, memory: '256M', disk: [{ file, format: 'raw' }] });
  const tab = await browser.open();
  try {
    await tab.run('startWithDisks', String(BYTES));
    const inNode = async (command: string) => {
      const begin = performance.now();
      const { exitCode, stdout } = await vm.commands.run(command);
      if (exitCode !== 0) throw new Error(`${command} in Node: ${stdout}`);
      return (performance.now() - begin) / 1000;
    };
    const rows: DiskRow[] = [];
    for (const [drive, kind] of [
      ['vda', 'in files'],
      ['vdb', 'in records'],
    ]) {
      for (const [does, order] of [
        ['written', writing],
        ['read', reading],
      ] as const) {
        const times = { node: [] as number[], tab: [] as number[] };
        for (let turn = 0; turn < runs; turn++) {
          times.node.push(await inNode(order('vda')));
          times.tab.push(Number(await tab.run('secondsOf', order(drive ?? ''))));
        }
        rows.push({
          name: `${does}, ${kind}`,
          node: MEBIBYTES / median(times.node),
          tab: MEBIBYTES / median(times.tab),
          speed: ratioOfTurns(times.node, times.tab),
        });
      }
    }
    return rows;
  } finally {
    await vm.stop();
    await tab.page.close();
    rmSync(directory, { recursive: true });
  }
}
