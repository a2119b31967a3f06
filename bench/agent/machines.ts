import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { GuestAgent } from '../../src/agent/agent.ts';
import { AGENT_PORT } from '../../src/agent/protocol.ts';
import { parseMemory } from '../../src/api/quantities.ts';
import { readKernel } from '../../src/boot/kernel-image.ts';
import { Machine } from '../../src/machine/machine.ts';
import { NodeHost } from '../../src/node/node-host.ts';
import { unpackers } from '../../src/node/unpackers.ts';
import { type Contender, qemuCommand } from '../contenders.ts';

const WORDS = 'console=ttyS0 panic=-1 quiet';
/** Bytes that wait for QEMU at most. */
const BACKLOG = 1 << 20;

/** The files of the guest, and a folder for sockets. */
export interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly directory: string;
}

/** The shape of a machine. */
export interface Shape {
  readonly vcpus: number;
  /** As QEMU's -m takes it. */
  readonly memory: string;
}

/** A machine whose agent is to be measured. */
export interface AgentMachine {
  readonly agent: GuestAgent;
  stop(): Promise<void>;
}

/** hartvisor in this process. */
export async function startHartvisor(
  _: Contender,
  { kernel, initrd }: GuestFiles,
  { vcpus, memory }: Shape,
): Promise<AgentMachine> {
  const agent = new GuestAgent();
  const config = {
    kind: 'domain',
    ...{ vcpus, pcpus: vcpus, protocol: 'take-mirror', bootArgs: WORDS },
    memoryBytes: parseMemory(memory, '--memory', 2 ** 32),
    kernel: await readKernel(new Uint8Array(readFileSync(kernel)), kernel, unpackers, 64),
    initrd: readFileSync(initrd),
    ports: [{ name: AGENT_PORT }],
  } as const;
  const machine = new Machine(config, new NodeHost(), {
    console: { output: () => undefined },
    ports: [agent.connection],
  });
  agent.connection.attach(machine.ports[0]);
  machine.start();
  return {
    agent,
    stop: async () => {
      machine.stop();
      await machine.ended;
    },
  };
}

/** QEMU, whose port leads to a socket of this process. */
export async function startQemu(
  contender: Contender,
  { kernel, initrd, directory }: GuestFiles,
  { vcpus, memory }: Shape,
): Promise<AgentMachine> {
  const path = join(directory, 'agent.sock');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const [program, ...args] = qemuCommand(
    contender,
    ...['-smp', `${vcpus}`, '-m', memory, '-kernel', kernel, '-initrd', initrd, '-append', WORDS],
    ...['-device', 'virtio-serial-pci', '-chardev', `socket,id=agent,path=${path}`],
    ...['-device', `virtserialport,chardev=agent,name=${AGENT_PORT}`],
  );
  const child = spawn(program, args, { stdio: 'ignore' });
  const [socket] = (await once(server, 'connection')) as [Socket];
  const agent = new GuestAgent();
  socket.on('data', (bytes) => agent.connection.output(bytes));
  socket.on('drain', () => agent.connection.inputSpace());
  socket.on('error', () => undefined);
  agent.connection.attach({
    input: (bytes) => {
      if (socket.writableLength > BACKLOG) return 0;
      socket.write(bytes);
      return bytes.length;
    },
  });
  // QEMU keeps what is sent until the guest has opened the port.
  agent.connection.opened(true);
  return {
    agent,
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      socket.destroy();
      server.close();
    },
  };
}
