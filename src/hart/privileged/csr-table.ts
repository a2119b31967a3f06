import { CSR } from '../layout.ts';
import { AIA_CSRS } from './aia/csr-aia.ts';
import { WIDENED, widenedUpperHalves } from './aia/widened.ts';
import type { Context, Features } from './context.ts';
import { COUNTER_CSRS } from './csr-counters.ts';
import { type CsrDefinition, upperHalves, VERDICT, type Verdict } from './csr-definition.ts';
import { ENVIRONMENT_CSRS } from './csr-environment.ts';
import { FLOAT_CSRS } from './csr-float.ts';
import { HYPERVISOR_CSRS } from './csr-hypervisor.ts';
import { MACHINE_CSRS } from './csr-machine.ts';
import { SUPERVISOR_CSRS } from './csr-supervisor.ts';
import { VECTOR_CSRS } from './csr-vector.ts';
import { HSTATUS, MODE, STATUS } from './registers.ts';

/** All CSRs that a hart can have but the upper halves of those that RV32 divides. */
const WHOLE: readonly CsrDefinition[] = [
  ...FLOAT_CSRS,
  ...VECTOR_CSRS,
  ...COUNTER_CSRS,
  ...SUPERVISOR_CSRS,
  ...HYPERVISOR_CSRS,
  ...ENVIRONMENT_CSRS,
  ...MACHINE_CSRS,
  ...AIA_CSRS,
];

/** All CSRs that a hart can have. */
export const CSR_DEFINITIONS: readonly CsrDefinition[] = [
  ...WHOLE,
  ...upperHalves(WHOLE),
  ...widenedUpperHalves(WHOLE),
];

const byName = new Map(CSR_DEFINITIONS.map((definition) => [definition.name, definition]));
const byNumber = new Map(CSR_DEFINITIONS.map((definition) => [definition.number, definition]));

/** The number of a CSR, undefined for an unknown name. */
export function csrNumber(name: string): number | undefined {
  return byName.get(name)?.number;
}

/** The name of a CSR, undefined for an unknown number. */
export function csrName(number: number): string | undefined {
  return byNumber.get(number)?.name;
}

/** The CSRs of one hart. */
export class CsrTable {
  readonly #definitions: (CsrDefinition | undefined)[];
  /** The register that an access by that number means when V=1. */
  readonly #inGuest: (CsrDefinition | undefined)[];

  constructor(features: Features) {
    this.#definitions = new Array<CsrDefinition | undefined>(0x1000).fill(undefined);
    this.#inGuest = new Array<CsrDefinition | undefined>(0x1000).fill(undefined);
    const own = CSR_DEFINITIONS.filter(({ exists }) => exists?.(features) !== false).map((definition) =>
      features.aia ? { ...definition, ...WIDENED.get(definition.name) } : definition,
    );
    const names = new Map(own.map((definition) => [definition.name, definition]));
    for (const definition of own) {
      this.#definitions[definition.number] = definition;
      this.#inGuest[definition.number] =
        definition.guest === undefined ? definition : names.get(definition.guest);
    }
  }

  /** The CSR with a number, without the replacements of V=1. */
  get(number: number): CsrDefinition | undefined {
    return this.#definitions[number];
  }

  /** The register that an instruction accesses by `number`; check with {@link CsrTable.check} first. */
  effective(number: number, virtual: number): CsrDefinition | undefined {
    return virtual === 0 ? this.#definitions[number] : this.#inGuest[number];
  }

  /** Whether the current mode may access a CSR, and which exception says no. */
  check(context: Context, number: number, writes: boolean): Verdict {
    const definition = this.#definitions[number];
    if (definition === undefined) return VERDICT.illegal;
    if (writes && number >>> 10 === 3) return VERDICT.illegal;
    const { privilege, virtual } = context.state;
    return virtual === 0
      ? checkHost(context, definition, privilege, writes)
      : checkGuest(context, definition, privilege, writes);
  }
}

/** The lowest privilege that may access a CSR when V=0: CSRs of HS and VS count as supervisor level. */
function lowestPrivilege({ number }: CsrDefinition): number {
  const level = (number >>> 8) & 3;
  return level === 2 ? MODE.supervisor : level;
}

function checkHost(context: Context, definition: CsrDefinition, privilege: number, writes: boolean): Verdict {
  if (privilege < lowestPrivilege(definition)) return VERDICT.illegal;
  if (
    definition.trappedByTvm === true &&
    privilege === MODE.supervisor &&
    ((context.state.csr[CSR.mstatus] as number) & STATUS.tvm) !== 0
  ) {
    return VERDICT.illegal;
  }
  return definition.gate?.(context, privilege, 0, writes) ?? VERDICT.allowed;
}

/**
 * Accesses from VS- and VU-mode. An access that HS-mode would be allowed (TVM aside) but the guest is not raises a
 * virtual-instruction exception, any other refused access an illegal-instruction exception ("Trap Cause Codes").
 */
function checkGuest(
  context: Context,
  definition: CsrDefinition,
  privilege: number,
  writes: boolean,
): Verdict {
  const level = (definition.number >>> 8) & 3;
  if (level === MODE.machine) return VERDICT.illegal;
  if (definition.guestGate !== undefined) return definition.guestGate(context, privilege);
  if (privilege < level) {
    const forHost = definition.gate?.(context, MODE.supervisor, 0, writes) ?? VERDICT.allowed;
    return forHost === VERDICT.allowed ? VERDICT.virtual : VERDICT.illegal;
  }
  if (definition.trappedByTvm === true && ((context.state.csr[CSR.hstatus] as number) & HSTATUS.vtvm) !== 0) {
    return VERDICT.virtual;
  }
  return definition.gate?.(context, privilege, 1, writes) ?? VERDICT.allowed;
}
