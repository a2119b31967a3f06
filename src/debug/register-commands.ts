import { hexOfRegister, parseSmallHex, registerOfHex } from './hex.ts';
import { GENERAL_REGISTERS, registerBytes } from './registers.ts';
import { type Command, type DebugState, ERROR } from './state.ts';

/** `g`: x, pc and f registers. */
export const readAll: Command = (state) => {
  let text = '';
  for (let register = 0; register < GENERAL_REGISTERS; register++) text += show(state, register);
  return text;
};

/** `G`: the same, written. */
export const writeAll: Command = (state, words) => {
  let rest = words;
  for (let register = 0; register < GENERAL_REGISTERS && rest !== ''; register++) {
    const bytes = registerBytes(state.target, register);
    const value = registerOfHex(rest.slice(0, 2 * bytes), bytes);
    if (value === undefined) return ERROR.badValue;
    state.target.writeRegister(state.generalThread, register, value);
    rest = rest.slice(2 * bytes);
  }
  return rest === '' ? 'OK' : ERROR.badValue;
};

/** `p NUMBER` */
export const readOne: Command = (state, words) => {
  const register = parseSmallHex(words);
  if (register === undefined) return ERROR.badValue;
  return state.target.readRegister(state.generalThread, register) === undefined
    ? ERROR.noMemory
    : show(state, register);
};

/** `P NUMBER=VALUE` */
export const writeOne: Command = ({ target, generalThread }, words) => {
  const [number = '', text = ''] = words.split('=');
  const register = parseSmallHex(number);
  if (register === undefined) return ERROR.badValue;
  const value = registerOfHex(text, registerBytes(target, register));
  if (value === undefined) return ERROR.badValue;
  return target.writeRegister(generalThread, register, value) ? 'OK' : ERROR.noMemory;
};

/** A register that cannot be read is shown as the protocol wants it. */
function show({ target, generalThread }: DebugState, register: number): string {
  const bytes = registerBytes(target, register);
  const value = target.readRegister(generalThread, register);
  return value === undefined ? 'xx'.repeat(bytes) : hexOfRegister(value, bytes);
}
