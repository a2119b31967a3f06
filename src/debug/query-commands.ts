import { parseSmallHex } from './hex.ts';
import { PACKET_SIZE } from './packets.ts';
import { targetDescription } from './registers.ts';
import { type Command, type DebugState, ERROR } from './state.ts';
import { threadList } from './thread-commands.ts';

/** `qSupported:FEATURES`: features of both sides. */
export const supported: Command = (state, words) => {
  const features = words.split(';');
  state.wantsSoftware = features.includes('swbreak+');
  state.wantsHardware = features.includes('hwbreak+');
  return [
    `PacketSize=${PACKET_SIZE.toString(16)}`,
    'QStartNoAckMode+',
    'qXfer:features:read+',
    'qXfer:threads:read+',
    'vContSupported+',
    'swbreak+',
    'hwbreak+',
  ].join(';');
};

export const startNoAckMode: Command = (state) => {
  state.leaveOutAcks();
  return 'OK';
};

/** Documents that a debugger reads in parts: `features:read:target.xml:OFFSET,LENGTH` and the like. */
export const transfer: Command = (state, words) => {
  const [object = '', operation, annex, place = ''] = words.split(':');
  if (operation !== 'read') return '';
  const document = documentOf(state, object, annex);
  if (document === undefined) return object === 'features' || object === 'threads' ? 'E00' : '';
  const [offset, length] = place.split(',').map(parseSmallHex);
  if (offset === undefined || length === undefined) return ERROR.badValue;
  const part = document.slice(offset, offset + Math.min(length, PACKET_SIZE / 2));
  return `${offset + part.length < document.length ? 'm' : 'l'}${part}`;
};

function documentOf({ target }: DebugState, object: string, annex: string | undefined): string | undefined {
  if (object === 'features' && annex === 'target.xml') return targetDescription(target);
  if (object === 'threads' && annex === '') return threadList(target);
  return undefined;
}

/** As QEMU has it: `maintenance packet Qqemu.PhyMemMode:1`. */
export const setPhysical: Command = (state, words) => {
  if (words !== '0' && words !== '1') return ERROR.badValue;
  state.physical = words === '1';
  return 'OK';
};

export const isPhysical: Command = ({ physical }) => (physical ? '1' : '0');
