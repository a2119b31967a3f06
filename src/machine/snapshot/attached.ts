import type { AttachedParts, DeviceSetting } from '../../devices/descriptor.ts';
import { InputError } from '../../errors/input-error.ts';
import { settingOf } from '../plan.ts';
import type { SavedMachine } from './saved-machine.ts';

/**
 * The parts of a machine that was saved, with those that it is restored with in their place: the guest must find them
 * as they were.
 *
 * @param attached the things that are there for it now; parts that the guest cannot see may differ
 * @throws InputError with the difference
 */
export function reattached(machine: DeviceSetting, attached: AttachedParts): DeviceSetting {
  const { drives = [], shares = [], ports = [], network, vsock } = machine;
  const given = attached.drives ?? [];
  compare('drive', drives.map(driveWords), given.map(driveWords));
  compare(
    'shared folder',
    shares.map(({ tag, readOnly }) => `tag ${tag}${readOnly ? ', read-only' : ''}`),
    (attached.shares ?? []).map(({ tag, readOnly }) => `tag ${tag}${readOnly ? ', read-only' : ''}`),
  );
  const portWords = (each: { readonly name?: string }) => each.name ?? 'a terminal';
  compare('port', ports.map(portWords), (attached.ports ?? []).map(portWords));
  const cable = (each: AttachedParts['network']) =>
    each === undefined ? [] : [each.plain === true ? 'a cable' : 'a network'];
  compare('network card', cable(network), cable(attached.network));
  compare(
    'socket device',
    vsock === undefined ? [] : ['sockets'],
    attached.vsock === undefined ? [] : ['sockets'],
  );
  // The guest knows the numbers that it had; names and ways of opening are the host's.
  return { ...machine, drives: given, shares: attached.shares ?? [], ports };
}

/**
 * A machine in memory that goes on with the things that are there for it now: how threads get at them is theirs.
 *
 * @throws InputError as {@link reattached}
 */
export function withAttached(saved: SavedMachine, attached: AttachedParts): SavedMachine {
  const { plan } = saved;
  const { drives = [], shares = [] } = reattached(settingOf(plan), attached);
  return { ...saved, plan: { ...plan, drives, shares } };
}

function driveWords({ bytes, readOnly, serial }: NonNullable<AttachedParts['drives']>[number]): string {
  return `${bytes} bytes${readOnly ? ', read-only' : ''}${serial === '' ? '' : `, serial number ${serial}`}`;
}

function compare(what: string, saved: readonly string[], given: readonly string[]): void {
  for (let index = 0; index < Math.max(saved.length, given.length); index++) {
    if (saved[index] === given[index]) continue;
    const numbered = `${what} ${index + 1}`;
    if (saved[index] === undefined)
      throw new InputError(`The machine was saved without a ${numbered} (${given[index]}). Leave it out.`);
    throw new InputError(
      given[index] === undefined
        ? `The machine was saved with a ${numbered} (${saved[index]}), and none is given. Give it as it was.`
        : `The machine was saved with another ${numbered}: ${saved[index]}, and now it is ${given[index]}. Give it as it was.`,
    );
  }
}
