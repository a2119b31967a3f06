import type { MachineDescription } from '../boot/machine-tree.ts';
import type { DeviceSetting } from '../devices/descriptor.ts';
import { EVENT_COUNTER_BITS } from '../hart/privileged/index.ts';
import type { CommonConfig } from './common-config.ts';
import { cpuOf } from './cpu.ts';
import { describeDevices } from './devices.ts';
import { advertisedExtensions } from './extensions.ts';
import { RAM_BASE } from './parts.ts';

/** Bytes of the randomness that a kernel is given. */
const SEED_BYTES = 64;

/** Describes a machine for its device tree. */
export function describeMachine(
  setting: DeviceSetting,
  { memoryBytes, engine, bootArgs, ...config }: CommonConfig & { readonly bootArgs?: string },
): MachineDescription {
  const { xlen, extensions } = cpuOf(config);
  const seed = new Uint8Array(SEED_BYTES);
  return {
    cpus: setting.cpus,
    ramBase: RAM_BASE,
    memorySize: memoryBytes,
    devices: describeDevices(setting),
    extensions: advertisedExtensions(setting, extensions),
    mmuType: xlen === 64 ? 'riscv,sv57' : 'riscv,sv32',
    xlen,
    eventCounters: setting.kind === 'bare' && extensions.includes('zihpm') ? EVENT_COUNTER_BITS : 0,
    ...(bootArgs === undefined ? {} : { bootArgs }),
    // In lock step a machine does the same each time.
    rngSeed: engine === 'lockstep' ? seed.fill(1) : crypto.getRandomValues(seed),
  };
}
