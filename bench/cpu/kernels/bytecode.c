/* An interpreter for a small stack machine: a dispatch through a jump table for each of its instructions. */
#include "bench.h"

#define ROUNDS 120

enum op { PUSH, LOAD, STORE, ADD, SUB, MUL, DIV, MOD, XOR, LESS, JUMP, JUMP_IF_ZERO, CALL, RETURN, HALT };

/* The steps of the Collatz rule from each number below 300 down to 1. Variables: 0 the start, 1 the number, 2 the sum, 3 the steps. */
static const int16_t program[] = {
    /* 0 */ PUSH, 1, STORE, 0, PUSH, 0, STORE, 2,
    /* 8 */ LOAD, 0, PUSH, 300, LESS, JUMP_IF_ZERO, 40,
    /* 15 */ LOAD, 0, STORE, 1, CALL, 41,
    /* 21 */ LOAD, 2, LOAD, 1, ADD, LOAD, 3, XOR, STORE, 2,
    /* 31 */ LOAD, 0, PUSH, 1, ADD, STORE, 0, JUMP, 8,
    /* 40 */ HALT,
    /* 41 */ PUSH, 0, STORE, 3,
    /* 45 */ PUSH, 1, LOAD, 1, LESS, JUMP_IF_ZERO, 85,
    /* 52 */ LOAD, 3, PUSH, 1, ADD, STORE, 3,
    /* 59 */ LOAD, 1, PUSH, 2, MOD, JUMP_IF_ZERO, 76,
    /* 66 */ LOAD, 1, PUSH, 3, MUL, PUSH, 1, ADD, JUMP, 81,
    /* 76 */ LOAD, 1, PUSH, 2, DIV,
    /* 81 */ STORE, 1, JUMP, 45,
    /* 85 */ RETURN,
};

static int64_t variables[8];

CALLED static int64_t interpret(const int16_t *code) {
  int64_t stack[32];
  int64_t *top = stack;
  const int16_t *returns[8];
  long depth = 0;
  const int16_t *pc = code;
  for (;;) {
    switch ((enum op)*pc++) {
      case PUSH:
        *top++ = *pc++;
        break;
      case LOAD:
        *top++ = variables[*pc++];
        break;
      case STORE:
        variables[*pc++] = *--top;
        break;
      case ADD:
        top--;
        top[-1] += *top;
        break;
      case SUB:
        top--;
        top[-1] -= *top;
        break;
      case MUL:
        top--;
        top[-1] *= *top;
        break;
      case DIV:
        top--;
        top[-1] /= *top;
        break;
      case MOD:
        top--;
        top[-1] %= *top;
        break;
      case XOR:
        top--;
        top[-1] ^= *top;
        break;
      case LESS:
        top--;
        top[-1] = top[-1] < *top;
        break;
      case JUMP:
        pc = code + *pc;
        break;
      case JUMP_IF_ZERO:
        pc = *--top ? pc + 1 : code + *pc;
        break;
      case CALL:
        returns[depth++] = pc + 1;
        pc = code + *pc;
        break;
      case RETURN:
        pc = returns[--depth];
        break;
      case HALT:
        return variables[2];
    }
  }
}

uint64_t run(void) {
  uint64_t sum = 0;
  for (long round = 0; round < ROUNDS; round++) {
    NEW_ROUND();
    sum = mix(sum, (uint64_t)interpret(program));
  }
  return sum;
}
