/* A state machine that sorts words of text into kinds of numbers. */
#include "bench.h"

#define TEXT_SIZE 4000
#define ROUNDS 15000

enum state { START, SIGN, ZERO, INTEGER, HEX_START, HEX, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCALED, WRONG, STATES };

static char text[TEXT_SIZE];

static int is_digit(char c) { return c >= '0' && c <= '9'; }
static int is_hex(char c) { return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

static enum state step(enum state state, char c) {
  switch (state) {
    case START:
      if (c == '+' || c == '-') return SIGN;
      /* fallthrough */
    case SIGN:
      if (c == '0') return ZERO;
      if (is_digit(c)) return INTEGER;
      return c == '.' ? POINT : WRONG;
    case ZERO:
      if (c == 'x') return HEX_START;
      /* fallthrough */
    case INTEGER:
      if (is_digit(c)) return INTEGER;
      if (c == '.') return FRACTION;
      return c == 'e' ? EXPONENT : WRONG;
    case HEX_START:
    case HEX:
      return is_hex(c) ? HEX : WRONG;
    case POINT:
    case FRACTION:
      if (is_digit(c)) return FRACTION;
      return c == 'e' && state == FRACTION ? EXPONENT : WRONG;
    case EXPONENT:
      if (c == '+' || c == '-') return EXPONENT_SIGN;
      /* fallthrough */
    case EXPONENT_SIGN:
    case SCALED:
      return is_digit(c) ? SCALED : WRONG;
    default:
      return WRONG;
  }
}

CALLED static enum state parse_word(const char **at, uint64_t *value) {
  enum state state = START;
  const char *p = *at;
  uint64_t v = 0;
  for (; *p && *p != ','; p++) {
    state = step(state, *p);
    v = v * 10 + (uint64_t)(*p & 15);
  }
  *at = *p ? p + 1 : p;
  *value = v;
  return state;
}

static void write_text(void) {
  static const char *const words[] = {"5012", "-874", "+122", "0x1F2c", "35.54400", ".1234500", "-110.700", "+0.64400", "5.500e+3", "-.123e-2",
                                      "-87e+832", "+0.6e-12", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "34.0e-T^"};
  uint32_t random = 3;
  long at = 0;
  while (at < TEXT_SIZE - 12) {
    for (const char *w = words[(next_random(&random) >> 8) & 15]; *w; w++) text[at++] = *w;
    text[at++] = ',';
  }
  text[at] = 0;
}

uint64_t run(void) {
  uint64_t counts[STATES] = {0};
  uint64_t sum = 0;
  write_text();
  for (long round = 0; round < ROUNDS; round++) {
    const char *at = text;
    while (*at) {
      uint64_t value;
      counts[parse_word(&at, &value)]++;
      sum += value;
    }
    char *changed = &text[(round * 37) % (TEXT_SIZE - 100)];
    if (is_digit(*changed)) *changed = (char)('0' + round % 10);
  }
  for (long i = 0; i < STATES; i++) sum = mix(sum, counts[i]);
  return sum;
}
