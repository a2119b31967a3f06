import { baseExtension } from './base.ts';
import { SBI, type SbiCall, type SbiExtension } from './call.ts';
import { dbcnExtension } from './dbcn.ts';
import { fwftExtension } from './fwft.ts';
import { hsmExtension } from './hsm.ts';
import { ipiExtension } from './ipi.ts';
import { pmuExtension } from './pmu.ts';
import { rfenceExtension } from './rfence.ts';
import { srstExtension } from './srst.ts';
import { sseExtension } from './sse.ts';
import { staExtension } from './sta.ts';
import { suspExtension } from './susp.ts';
import { timeExtension } from './time.ts';

export { SBI, SbiCall, type SbiDomain } from './call.ts';

const EXTENSIONS: ReadonlyMap<number, SbiExtension> = new Map(
  [
    baseExtension((id) => EXTENSIONS.has(id)),
    timeExtension,
    ipiExtension,
    rfenceExtension,
    hsmExtension,
    srstExtension,
    dbcnExtension,
    suspExtension,
    staExtension,
    fwftExtension,
    pmuExtension,
    sseExtension,
  ].map((extension) => [extension.id, extension]),
);

const A6 = 16;
const A7 = 17;

/** Carries out the call in the hart's registers: extension in a7, function in a6 (SBI specification 3.0). */
export function dispatchSbi(call: SbiCall): void {
  const { state } = call.hart;
  const extension = state.addressHigh(A7) === 0 ? EXTENSIONS.get(state.xLow(A7)) : undefined;
  const known = extension !== undefined && state.addressHigh(A6) === 0 && state.xLow(A6) >= 0;
  if (!known || !extension.call(state.xLow(A6), call)) call.fail(SBI.notSupported);
}
