import type { SbiCall, SbiExtension } from './call.ts';

/** Specification version 3.0: major in bits 30:24. */
const SPEC_VERSION = 3 << 24;
/** Implementation number: none is registered for hartvisor, so one far above those that are. */
const IMPLEMENTATION = 0x4856;
const IMPLEMENTATION_VERSION = 1;

const FUNCTION = {
  specVersion: 0,
  implementationId: 1,
  implementationVersion: 2,
  probe: 3,
  vendorId: 4,
  architectureId: 5,
  implementationOfHart: 6,
} as const;

/** Chapter "Base Extension": versions, and which extensions there are. */
export function baseExtension(known: (id: number) => boolean): SbiExtension {
  return {
    id: 0x10,
    name: 'BASE',
    call(functionId: number, call: SbiCall): boolean {
      switch (functionId) {
        case FUNCTION.specVersion:
          call.succeed(SPEC_VERSION);
          return true;
        case FUNCTION.implementationId:
          call.succeed(IMPLEMENTATION);
          return true;
        case FUNCTION.implementationVersion:
          call.succeed(IMPLEMENTATION_VERSION);
          return true;
        case FUNCTION.probe:
          call.succeed(call.high(0) === 0 && known(call.low(0)) ? 1 : 0);
          return true;
        case FUNCTION.vendorId:
        case FUNCTION.architectureId:
        case FUNCTION.implementationOfHart:
          call.succeed(0);
          return true;
        default:
          return false;
      }
    },
  };
}
