import { fstatSync } from 'node:fs';
import type { TerminalStreams } from './terminal.ts';
import { reopenTerminal, TerminalWriter, type WrittenStream } from './terminal-writer.ts';

/** The process's own streams, and in place of those that are terminals such that nobody has to wait for. */
export function consoleStreams(): TerminalStreams {
  const output = process.stdout.isTTY ? writerOf(1) : undefined;
  return {
    input: process.stdin,
    output: output ?? process.stdout,
    messages: messagesBeside(output) ?? process.stderr,
    ...(process.stdout.isTTY ? { window: process.stdout } : {}),
  };
}

/** With both on one terminal, one writer keeps the order. */
function messagesBeside(output: TerminalWriter | undefined): TerminalWriter | undefined {
  if (!process.stderr.isTTY) return undefined;
  const shared = output !== undefined && fstatSync(1).rdev === fstatSync(2).rdev;
  return shared ? output : writerOf(2);
}

function writerOf(stream: WrittenStream): TerminalWriter | undefined {
  const descriptor = reopenTerminal(stream);
  return descriptor === undefined ? undefined : new TerminalWriter(descriptor);
}
