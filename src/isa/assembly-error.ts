/** A mistake in assembler source. */
export class AssemblyError extends Error {
  /** Line of the source, from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.name = 'AssemblyError';
    this.line = line;
  }
}

/** A mistake found where the line is not known; the assembler adds it. */
export class OperandError extends Error {}
