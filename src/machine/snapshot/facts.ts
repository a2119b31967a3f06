import {
  AIA,
  type DeviceSetting,
  type DriveFacts,
  type NetworkFacts,
  type PortFacts,
  type ShareFacts,
  VIRTIO_TRANSPORTS,
  type VsockFacts,
} from '../../devices/descriptor.ts';
import { SAVED_HART } from '../../hart/saved-registers.ts';
import type { Xlen } from '../cpu.ts';
import type { OwnFacts } from '../kind.ts';
import { type MachinePlan, settingOf } from '../plan.ts';
import type { RunBare } from '../thread.ts';
import {
  amount,
  type Check,
  FactsError,
  flag,
  integer,
  list,
  object,
  oneOf,
  optional,
  text,
  texts,
} from './check.ts';
import type { SavedMachine } from './saved-machine.ts';
import { layoutOf, stateParts } from './state-parts.ts';

/** Facts that the machine itself has no use for. */
export interface HostFacts {
  /** The version of hartvisor. */
  readonly version: string;
  /** Anything else that the program that saves wants to have back. */
  readonly notes?: Readonly<Record<string, string>>;
}

/** The facts at the head of a snapshot. */
export interface SnapshotFacts extends HostFacts {
  /** The codec by which the sections are packed. */
  readonly codec: string;
  readonly machine: DeviceSetting;
  /** Threads of the machine when it was saved. */
  readonly pcpus: number;
  readonly ramBytes: number;
  readonly xlen: Xlen;
  /** The extensions that its software may count on, in canonical order. */
  readonly extensions: readonly string[];
  readonly own: OwnFacts;
  /** Guest time. */
  readonly milliseconds: number;
  /** The layouts of its parts, as {@link layoutsOf} lists them. */
  readonly layouts: readonly number[];
}

/** A part of the state and its layout. */
export interface PartLayout {
  readonly name: string;
  readonly layout: number;
}

/** The facts of a machine, for the head of its snapshot. */
export function factsOf(saved: SavedMachine, host: HostFacts, codec: string): SnapshotFacts {
  const { plan, own, xlen, extensions, milliseconds } = saved;
  return {
    ...host,
    ...{
      codec,
      machine: settingOf(plan),
      pcpus: plan.pcpus,
      ramBytes: plan.ram.size,
      xlen,
      extensions,
      own,
      milliseconds,
    },
    layouts: layoutsOf(plan).map(({ layout }) => layout),
  };
}

/** The layouts of all parts of a machine's state. */
export function layoutsOf(plan: MachinePlan): readonly PartLayout[] {
  const registers = { name: 'the registers of a hart', layout: layoutOf([SAVED_HART]) };
  return [...stateParts(plan), ...(plan.kind === 'bare' ? [registers] : [])];
}

const MOST_CPUS = 64;
const MOST_EXTENSIONS = 256;
const SECTOR = 512;
const PAGE = 4096;
/** More of each than a machine can have; how many it can have is for its plan to say. */
const MOST_PARTS = 64;
const anyWord = integer(0, 2 ** 32 - 1);
const address = integer(0, Number.MAX_SAFE_INTEGER);

const drive: Check<DriveFacts> = object<DriveFacts>({
  ...{
    name: text,
    bytes: multiple(SECTOR, address),
    readOnly: flag,
    serial: text,
    anyThread: optional(flag),
  },
});
const network: Check<NetworkFacts> = object<NetworkFacts>({
  ...{ mac: integer(0, 2 ** 48 - 1), plain: optional(flag) },
});
const share: Check<ShareFacts> = object<ShareFacts>({ name: text, tag: text, readOnly: flag });
const port: Check<PortFacts> = object<PortFacts>({ name: optional(text) });
const vsock: Check<VsockFacts> = object<VsockFacts>({ cid: integer(3, 2 ** 32 - 2) });

const machine: Check<DeviceSetting> = object<DeviceSetting>({
  ...{ kind: oneOf(['domain', 'bare']), cpus: integer(1, MOST_CPUS) },
  ...{ aia: optional(oneOf(AIA)), aiaGuests: optional(integer(0, 7)) },
  ...{ drives: optional(list(MOST_PARTS, drive)), shares: optional(list(MOST_PARTS, share)) },
  ...{ ports: optional(list(MOST_PARTS, port)), virtio: optional(oneOf(VIRTIO_TRANSPORTS)) },
  ...{ network: optional(network), vsock: optional(vsock), balloon: optional(flag) },
});

const bare: Check<RunBare> = object<RunBare>({
  ...{ entry: address, deviceTreeAddress: address, dynamicInfo: address },
  ...{ tohost: optional(address), fromhost: optional(address) },
});

const domainFacts = object<Extract<OwnFacts, { kind: 'domain' }>>({
  kind: oneOf(['domain']),
  protocol: text,
});
const bareFacts = object<Extract<OwnFacts, { kind: 'bare' }>>({ kind: oneOf(['bare']), bare });
const anyKind = object<Pick<OwnFacts, 'kind'>>({ kind: oneOf(['domain', 'bare']) });

const ownFacts: Check<OwnFacts> = (value, where) =>
  anyKind(value, where).kind === 'domain' ? domainFacts(value, where) : bareFacts(value, where);

const facts: Check<SnapshotFacts> = object<SnapshotFacts>({
  ...{ version: text, notes: optional(texts), codec: text, machine, pcpus: integer(1, MOST_CPUS) },
  ...{ ramBytes: multiple(PAGE, integer(PAGE, 2 ** 32)), xlen: oneOf([32, 64]), own: ownFacts },
  extensions: list(MOST_EXTENSIONS, text),
  ...{ milliseconds: amount, layouts: list(1024, anyWord) },
});

/** Reads the facts at the head of a snapshot. @throws FactsError for anything else */
export function readFacts(json: string): SnapshotFacts {
  const read = facts(parse(json), 'the head');
  if (read.machine.kind !== read.own.kind) throw new FactsError('the head is of two kinds of machine');
  return read;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new FactsError('the head is no JSON');
  }
}

function multiple(of: number, check: Check<number>): Check<number> {
  return (value, where) => {
    const read = check(value, where);
    if (read % of === 0) return read;
    throw new FactsError(`${where} is no multiple of ${of}`);
  };
}
