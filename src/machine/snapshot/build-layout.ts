import type { DeviceSetting } from '../../devices/descriptor.ts';
import { Scheduler } from '../../hypervisor/scheduler.ts';
import { SoftwareEvents } from '../../hypervisor/software-events.ts';
import { VCPU } from '../../hypervisor/vcpu-layout.ts';
import { PARTS, type Part } from '../parts.ts';
import { layoutOf } from './state-parts.ts';

/** One of everything that a domain can have. */
const EVERYTHING: DeviceSetting = {
  ...{ kind: 'domain', cpus: 1, aia: 'aplic-imsic', virtio: 'pci', balloon: true },
  drives: [{ name: 'drive', bytes: 512, readOnly: false, serial: '' }],
  shares: [{ name: 'share', tag: 'share', readOnly: false }],
  ...{ network: { mac: 0 }, ports: [{}], vsock: { cid: 3 } },
};

/**
 * A sum over the layouts of all state that a domain of this build can have. Images that are kept are found by it, too:
 * builds with other layouts have theirs beside each other, and do not remove those of the other one.
 */
export function buildLayout(parts: readonly Part[] = PARTS): number {
  const devices = parts.filter(({ only = 'domain' }) => only === 'domain');
  return layoutOf([
    ...[VCPU, Scheduler.STATE, SoftwareEvents.STATE],
    ...devices.flatMap(({ device }) => device.state(EVERYTHING)),
  ]);
}
