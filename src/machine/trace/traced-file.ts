import type { InterruptFilePort } from '../../hart/platform.ts';
import type { Recorder } from '../../trace/recorder.ts';

/**
 * An interrupt file whose claims are recorded. Its hart must not know the place of the file, so that it claims by this.
 *
 * @param number of the file among those of the hart
 */
export function tracedFile(
  file: InterruptFilePort | undefined,
  trace: Recorder | undefined,
  hart: number,
  number: number,
): InterruptFilePort | undefined {
  if (file === undefined || trace === undefined) return file;
  return {
    asserts: () => file.asserts(),
    top: () => file.top(),
    claim: (identity) => {
      if (identity !== 0) trace.messageClaim(hart, number, identity);
      file.claim(identity);
    },
    read: (register, xlen, out) => file.read(register, xlen, out),
    write: (register, xlen, ...values) => file.write(register, xlen, ...values),
  };
}
