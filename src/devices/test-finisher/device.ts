import type { Finish } from '../descriptor.ts';
import type { AccessWidth, Device } from '../device.ts';
import { TEST_FINISHER } from './facts.ts';
import { FINISH, REG } from './registers.ts';

/**
 * SiFive's test finisher: one write powers the machine off or resets it. It has no state, so nothing to share,
 * save or reset; the callback runs on the thread of the hart that wrote.
 */
export class TestFinisher implements Device {
  readonly name = 'test-finisher';
  readonly size = TEST_FINISHER.size;
  readonly widths = 2 | 4;
  readonly #onFinish: (finish: Finish) => void;

  constructor(onFinish: (finish: Finish) => void) {
    this.#onFinish = onFinish;
  }

  read(_offset: number, _width: AccessWidth): number {
    return 0;
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    if (offset !== REG.FINISH) return;
    switch (value & 0xffff) {
      case FINISH.PASS:
        this.#onFinish({ kind: 'pass' });
        break;
      case FINISH.FAIL:
        this.#onFinish({ kind: 'fail', code: value >>> 16 });
        break;
      case FINISH.RESET:
        this.#onFinish({ kind: 'reset' });
        break;
    }
  }
}
