import { LAYOUT } from './layout.ts';
import { runOnQemu, type VectorMachine, type VectorOutcome } from './machines.ts';
import { generateVectorProgram, type ProgramOptions } from './program.ts';

/** Runs a program on both machines. @returns undefined if they agree, else what differs, for people */
export async function compareVectors(
  machine: VectorMachine,
  options: ProgramOptions,
  folder: string,
  qemu?: string,
): Promise<string | undefined> {
  const program = generateVectorProgram(options);
  const theirs = runOnQemu(program, folder, qemu);
  theirs.catch(() => undefined);
  const ours = machine.run(program);
  const place = firstDifference(ours, await theirs);
  if (place === undefined) return undefined;
  if (options.end !== undefined || options.every === 1)
    return await describe(machine, options, place, folder, qemu);
  const closer = await compareVectors(machine, { ...options, rounds: 1, every: 1 }, folder, qemu);
  if (closer !== undefined) return closer;
  if (place < program.looks.length) return await describe(machine, options, place, folder, qemu);
  const round = Math.floor(place / program.looks.length);
  return `seed ${options.seed}, VLEN ${program.vlen}: the machines part in round ${round}, at look ${place}`;
}

/** The look at which they part; -1 for one that only memory shows. */
function firstDifference(ours: VectorOutcome, theirs: VectorOutcome): number | undefined {
  const place = ours.log.findIndex((hash, index) => hash !== theirs.log[index]);
  if (place >= 0) return place;
  return ours.data.every((word, index) => word === theirs.data[index]) ? undefined : -1;
}

async function describe(
  machine: VectorMachine,
  options: ProgramOptions,
  place: number,
  folder: string,
  qemu?: string,
): Promise<string> {
  const program = generateVectorProgram({ ...options, ...(place < 0 ? {} : { end: place }) });
  const theirs = await runOnQemu(program, folder, qemu);
  const ours = machine.run(program);
  const words = [...ours.state].flatMap((word, index) =>
    word === theirs.state[index]
      ? []
      : [`${nameOf(index, program.vlen)}: ${hex(word)}, QEMU has ${hex(theirs.state[index])}`],
  );
  const data = ours.data.findIndex((word, index) => word !== theirs.data[index]);
  const count = program.looks.at(-1) ?? 0;
  return [
    `seed ${options.seed}, VLEN ${program.vlen}: the machines part at instruction ${count} of a round`,
    ...program.names.slice(Math.max(0, count - Math.max(5, options.every ?? 16)), count),
    ...words.slice(0, 24),
    ...(data < 0
      ? []
      : [`data + ${(data * 8).toString(16)}: ${hex(ours.data[data])}, QEMU has ${hex(theirs.data[data])}`]),
  ].join('\n  ');
}

const hex = (word: bigint): string => word.toString(16).padStart(16, '0');

function nameOf(index: number, vlen: number): string {
  const words = vlen / 64;
  const ofTrap = index - LAYOUT.stateTrap / 8;
  if (ofTrap >= 0) return ['mcause', 'mepc', 'mtval', 'vstart of the trap', 'vstart'][ofTrap] ?? 'nothing';
  if (index < words * 32) return `v${Math.floor(index / words)}[${index % words}]`;
  const rest = index - words * 32;
  if (rest < 4) return ['vl', 'vtype', 'vcsr', 'fcsr'][rest];
  return rest < 40 ? `x${rest}` : `f${rest - 40}`;
}
