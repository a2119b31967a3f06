import { parseCount, parseMemory, parseSeconds } from '../api/quantities.ts';
import { CONSOLES, type ConsoleName } from '../boot/command-line.ts';
import {
  AIA,
  type Aia,
  type AttachedParts,
  DOMAIN_AIA,
  type DomainAia,
  VIRTIO_TRANSPORTS,
  type VirtioTransportName,
} from '../devices/descriptor.ts';
import { IMSIC } from '../devices/imsic/facts.ts';
import { InputError } from '../errors/input-error.ts';
import { DEFAULT_PROTOCOL, protocolByName } from '../interrupts/protocols.ts';
import { type Cpu, readCpu, type Xlen } from '../machine/cpu.ts';
import { DEFAULT_ENGINE, ENGINES, type Engine } from '../machine/engine.ts';
import { RAM_BASE } from '../machine/parts.ts';
import { maximumMemory } from '../machine/plan.ts';
import { maximumCpus } from './choices.ts';

const defaultVcpus = 2;
/** More threads by default would take a desktop from its user. */
const defaultMaximumPcpus = 2;

/** Options of `hartvisor run` as they were typed. */
export interface RunWords {
  readonly cpu?: string | undefined;
  readonly smp?: string | undefined;
  readonly pcpus?: string | undefined;
  readonly memory: string;
  readonly protocol?: string | undefined;
  readonly aia?: string | undefined;
  readonly engine?: string | undefined;
  readonly timeout?: string | undefined;
}

/** The same, read and checked. */
export interface RunShape extends Cpu {
  readonly vcpus: number;
  readonly pcpus: number;
  readonly memoryBytes: number;
  readonly protocol: string;
  readonly aia: DomainAia;
  readonly engine: Engine;
  /** Seconds. */
  readonly timeout: number | undefined;
}

/**
 * Reads the options of `hartvisor run` that are numbers and names.
 *
 * @param cores - processors of this machine
 * @throws InputError with the possible values
 */
export function readRunWords(words: RunWords, cores: number, attached: AttachedParts = {}): RunShape {
  const vcpus = words.smp === undefined ? defaultVcpus : parseCount(words.smp, '--smp', 'vCPUs', maximumCpus);
  const engine = readEngine(words.engine);
  const most = engine === 'lockstep' ? 1 : defaultMaximumPcpus;
  const pcpus =
    words.pcpus === undefined
      ? Math.min(vcpus, cores, most)
      : parseCount(words.pcpus, '--pcpus', `threads for ${vcpus} vCPUs`, vcpus);
  if (engine === 'lockstep' && pcpus > 1) throw new InputError(oneThread('--pcpus', pcpus));
  const cpu = readCpu(words.cpu);
  const aia = readAia(words.aia, DOMAIN_AIA);
  const maximum = maximumMemory({ kind: 'domain', cpus: vcpus, pcpus, aia, ...attached });
  return {
    ...cpu,
    vcpus,
    pcpus,
    memoryBytes: readMemory(words.memory, cpu.xlen, maximum),
    aia,
    protocol: readProtocol(words.protocol),
    engine,
    timeout: words.timeout === undefined ? undefined : parseSeconds(words.timeout, '--timeout'),
  };
}

/** Options of `hartvisor machine` as they were typed. */
export interface MachineWords {
  readonly cpu?: string | undefined;
  readonly smp: string;
  readonly memory: string;
  readonly aia?: string | undefined;
  readonly aiaGuests?: string | undefined;
  readonly engine?: string | undefined;
  readonly timeout?: string | undefined;
}

/** The same, read and checked. */
export interface MachineShape extends Cpu {
  readonly harts: number;
  readonly memoryBytes: number;
  readonly aia: Aia;
  readonly aiaGuests: number;
  readonly engine: Engine;
  readonly timeout: number | undefined;
}

/**
 * Reads the options of `hartvisor machine` that are numbers.
 *
 * @throws InputError with the possible values
 */
export function readMachineWords(words: MachineWords, attached: AttachedParts = {}): MachineShape {
  const harts = parseCount(words.smp, '--smp', 'harts', maximumCpus);
  const engine = readEngine(words.engine);
  if (engine === 'lockstep' && harts > 1) throw new InputError(oneThread('--smp', harts));
  const aia = readAia(words.aia, AIA);
  const aiaGuests = readGuestFiles(words.aiaGuests, aia);
  const maximum = maximumMemory({ kind: 'bare', cpus: harts, pcpus: harts, aia, aiaGuests, ...attached });
  const cpu = readCpu(words.cpu);
  return {
    ...cpu,
    harts,
    memoryBytes: readMemory(words.memory, cpu.xlen, maximum),
    aia,
    aiaGuests,
    engine,
    timeout: words.timeout === undefined ? undefined : parseSeconds(words.timeout, '--timeout'),
  };
}

/** @throws InputError with the possible values */
export function readConsole(name: string | undefined): ConsoleName {
  const found = CONSOLES.find((console) => console === (name ?? 'serial'));
  if (found !== undefined) return found;
  throw new InputError(`--console ${name}: there is no such console; give one of ${CONSOLES.join(', ')}.`);
}

/** @throws InputError with the possible values */
export function readVirtio(name: string | undefined): VirtioTransportName {
  const found = VIRTIO_TRANSPORTS.find((transport) => transport === (name ?? 'pci'));
  if (found !== undefined) return found;
  throw new InputError(
    `--virtio ${name}: there is no such transport; give one of ${VIRTIO_TRANSPORTS.join(', ')}.`,
  );
}

/** Memory that RAM can have below 4 GiB, where the addresses of RV32 end. */
const below4GiB = 2 ** 32 - RAM_BASE;

function readMemory(text: string, xlen: Xlen, maximum: number): number {
  if (xlen === 64 || parseMemory(text, '--memory', Number.MAX_SAFE_INTEGER) <= below4GiB) {
    return parseMemory(text, '--memory', maximum);
  }
  throw new InputError(
    `--memory ${text}: addresses of RV32 end at 4 GiB, and RAM begins at ${RAM_BASE / 2 ** 30} GiB, so that at most ` +
      `${below4GiB / 2 ** 20} MiB fit.`,
  );
}

function oneThread(option: string, given: number): string {
  return `${option} ${given}: --engine lockstep compares one hart with itself, so there can be but one thread: give ${option} 1.`;
}

/** @throws InputError with the possible values */
export function readEngine(name: string | undefined): Engine {
  const found = ENGINES.find((engine) => engine === (name ?? DEFAULT_ENGINE));
  if (found !== undefined) return found;
  throw new InputError(`--engine ${name}: there is no such engine; the engines are ${ENGINES.join(', ')}.`);
}

function readAia<Choice extends Aia>(name: string | undefined, choices: readonly Choice[]): Choice {
  const found = choices.find((aia) => aia === (name ?? 'none'));
  if (found !== undefined) return found;
  throw new InputError(
    `--aia ${name}: there is no such interrupt architecture; give one of ${choices.join(', ')}.`,
  );
}

/** Guest interrupt files of each hart are files of IMSICs. */
function readGuestFiles(text: string | undefined, aia: Aia): number {
  if (text === undefined) return 0;
  const most = IMSIC.maxGuests;
  const files = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(files >= 0 && files <= most)) {
    throw new InputError(
      `--aia-guests ${text} is not possible: give a whole number of guest interrupt files, 0 to ${most}.`,
    );
  }
  if (files > 0 && aia !== 'aplic-imsic') {
    throw new InputError(
      `--aia-guests ${text}: guest interrupt files are those of IMSICs: give --aia aplic-imsic with it.`,
    );
  }
  return files;
}

function readProtocol(name: string | undefined): string {
  if (name === undefined) return DEFAULT_PROTOCOL.name;
  try {
    return protocolByName(name).name;
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(`--protocol ${name}: ${error.message}.`);
    throw error;
  }
}
