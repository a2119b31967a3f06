import {
  DOMAIN_AIA,
  type DomainAia,
  VIRTIO_TRANSPORTS,
  type VirtioTransportName,
} from '../devices/descriptor.ts';
import { InputError } from '../errors/input-error.ts';
import { DEFAULT_PROTOCOL, PROTOCOLS } from '../interrupts/protocols.ts';
import { type Cpu, readCpu } from '../machine/cpu.ts';
import { DEFAULT_ENGINE, ENGINES, type Engine } from '../machine/engine.ts';
import type { BootOptions } from './boot-options.ts';
import { LONGEST_TIMEOUT, parseMemory } from './quantities.ts';
import type { RestoreOptions } from './vm-image.ts';

const DEFAULT_CPUS = 2;
const DEFAULT_MEMORY = '512M';
/** The most vCPUs of a domain. */
const MOST_CPUS = 64;
const PAGE = 4096;
/** Linux has no more process numbers. */
const MOST_PROCESSES = 1 << 22;
/** Of a processor of the host: with less, a guest would hardly answer. */
const LEAST_SHARE = 0.01;

/** The numbers and words of `BootOptions`, checked. */
export interface Shape extends Cpu {
  readonly vcpus: number;
  readonly pcpus: number;
  readonly protocol: string;
  readonly aia: DomainAia;
  readonly engine: Engine;
  readonly virtio: VirtioTransportName;
  readonly cpuLimit: number | undefined;
}

/**
 * Reads the numbers and words of a machine's options.
 *
 * @param processors those of the host
 * @throws InputError with the possible values
 */
export function readShape(options: BootOptions, processors: number): Shape {
  const { cpus = DEFAULT_CPUS } = options;
  const vcpus = wholeNumber('cpus', cpus, MOST_CPUS);
  const engine = readEngine(options);
  if (engine === 'lockstep' && vcpus > 1)
    throw new InputError('engine: lockstep compares one hart with itself. Give cpus: 1 with it.');
  const usual = Math.max(1, Math.min(vcpus, processors));
  const names = PROTOCOLS.map(({ name }) => name);
  checkLimits(options);
  return {
    ...readCpu(options.cpu, 'cpu:'),
    vcpus,
    pcpus: options.threads === undefined ? usual : wholeNumber('threads', options.threads, vcpus),
    protocol:
      typeof options.protocol === 'string'
        ? oneOf('protocol', options.protocol, names)
        : DEFAULT_PROTOCOL.name,
    aia: oneOf('aia', options.aia ?? 'none', DOMAIN_AIA),
    engine,
    virtio: oneOf('virtio', options.virtio ?? 'pci', VIRTIO_TRANSPORTS),
    cpuLimit: options.limits?.cpus,
  };
}

/**
 * Reads the size of a guest's RAM.
 *
 * @param maximum bytes
 * @returns bytes, a multiple of 4096
 * @throws InputError with the possible values
 */
export function readMemorySize(memory: BootOptions['memory'] = DEFAULT_MEMORY, maximum: number): number {
  if (typeof memory === 'string') return parseMemory(memory, 'memory:', maximum);
  if (Number.isInteger(memory) && memory >= PAGE && memory <= maximum && memory % PAGE === 0) return memory;
  throw new InputError(
    `memory: ${memory} bytes are not possible: give a multiple of ${PAGE} up to ${maximum}, or a text such as '512M'.`,
  );
}

/**
 * Checks the options of a machine that is restored or copied, as {@link readShape} does those of a new one.
 *
 * @param cpus its vCPUs, where that is known already
 * @throws InputError with the possible values
 */
export function checkRestoreShape(options: RestoreOptions, cpus: number = MOST_CPUS): void {
  readEngine(options);
  checkLimits(options);
  if (options.threads !== undefined) wholeNumber('threads', options.threads, cpus);
}

function readEngine({ engine = DEFAULT_ENGINE }: Pick<BootOptions, 'engine'>): Engine {
  return oneOf('engine', engine, ENGINES);
}

function checkLimits({ limits = {} }: Pick<BootOptions, 'limits'>): void {
  const { seconds, cpus, processes } = limits;
  if (seconds !== undefined && !(seconds > 0 && seconds <= LONGEST_TIMEOUT))
    throw new InputError(
      `limits.seconds: ${seconds} is not possible: give seconds, up to ${LONGEST_TIMEOUT}.`,
    );
  if (cpus !== undefined && !(cpus >= LEAST_SHARE && cpus <= MOST_CPUS))
    throw new InputError(
      `limits.cpus: ${cpus} is not possible: give processors of the host, ${LEAST_SHARE} to ${MOST_CPUS}.`,
    );
  if (processes !== undefined) wholeNumber('limits.processes', processes, MOST_PROCESSES);
}

function wholeNumber(option: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new InputError(`${option}: ${value} is not possible: give a whole number, 1 to ${most}.`);
}

function oneOf<Word extends string>(option: string, value: string, possible: readonly Word[]): Word {
  const found = possible.find((word) => word === value);
  if (found !== undefined) return found;
  throw new InputError(`${option}: there is no "${value}"; give one of ${possible.join(', ')}.`);
}
