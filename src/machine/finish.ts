import type { Finish } from '../devices/descriptor.ts';
import { END, type EndReason } from './control.ts';

/** Ends the machine as a write to the test finisher asks for. */
export function finishEnds(finish: Finish, end: (reason: EndReason, code?: number) => void): void {
  switch (finish.kind) {
    case 'pass':
      end(END.powerOff);
      break;
    case 'reset':
      end(END.reboot);
      break;
    case 'fail':
      end(END.failure, finish.code);
      break;
  }
}
