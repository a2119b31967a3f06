import { parseHex, parseSmallHex } from './hex.ts';
import { POINT_TYPES, type PointType } from './points.ts';
import { type Command, ERROR } from './state.ts';

interface PointWords {
  readonly type: PointType;
  readonly address: bigint;
  readonly length: number;
}

/** `TYPE,ADDRESS,KIND`; further words (conditions, commands) are the debugger's own task, as we say we know none. */
function parsePoint(words: string): PointWords | 'unknown' | undefined {
  const [number = '', from = '', kind = ''] = (words.split(';')[0] ?? '').split(',');
  const type = /^\d$/.test(number) ? POINT_TYPES[Number(number)] : undefined;
  if (type === undefined) return 'unknown';
  const address = parseHex(from);
  const length = parseSmallHex(kind);
  return address === undefined || length === undefined ? undefined : { type, address, length };
}

/** `Z` */
export const insertPoint: Command = ({ points }, words) => {
  const point = parsePoint(words);
  if (point === 'unknown') return '';
  if (point === undefined) return ERROR.badValue;
  return points.insert(point.type, point.address, point.length) ? 'OK' : ERROR.badValue;
};

/** `z` */
export const removePoint: Command = ({ points }, words) => {
  const point = parsePoint(words);
  if (point === 'unknown') return '';
  if (point === undefined) return ERROR.badValue;
  points.remove(point.type, point.address, point.length);
  return 'OK';
};
