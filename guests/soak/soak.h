/* Declarations that the kinds of work and the supervisor share. */
#ifndef SOAK_H
#define SOAK_H

#include "sys.h"

/* One worker's figures, in memory that all processes share. */
struct progress {
  uint64_t rounds, wrong;
  uint64_t unused[6]; /* a cache line each */
};

struct kind {
  const char *name;
  /* One round: bounded work with every result checked. */
  void (*round)(void);
};

extern const struct kind fork_kind, pipe_kind, file_kind, page_kind, signal_kind, thread_kind;
extern const struct kind integer_kind, float_kind, sha256_kind, sort_kind, code_kind, switch_kind;

/* Which worker this process is, or belongs to. */
struct self {
  const char *kind;
  unsigned number; /* among those of its kind; the first is pinned, the others are not */
  unsigned cpu;    /* that it is pinned to, if it is */
  unsigned cpus;   /* of this guest */
  uint64_t random;
  struct progress *progress;
};
extern struct self self;

/* Numbers that follow from the seed of the run. Not for threads. */
uint64_t random64(void);
/* 0 to bound - 1. */
uint64_t random_below(uint64_t bound);
/* The next of a sequence that its caller owns (splitmix64). */
uint64_t next_of(uint64_t *sequence);

/* Counts and reports a result that is not what it has to be. Also for threads and children of a worker. */
void wrong(const char *what, uint64_t got, uint64_t wanted);
static inline void expect(const char *what, uint64_t got, uint64_t wanted) {
  if (got != wanted) wrong(what, got, wanted);
}

/* Position-dependent contents for buffers and files. */
void fill(uint8_t *to, size_t bytes, uint64_t seed, uint64_t offset);
void expect_filled(const char *what, const uint8_t *from, size_t bytes, uint64_t seed, uint64_t offset);
uint64_t checksum(const void *from, size_t bytes);

/* A handler for faults that a worker brings about on purpose; it returns 1 when it has made the access possible. */
extern int (*on_fault)(uint64_t address);
/* Reports SIGSEGV and its like, in this process and its children. */
void watch_for_faults(void);

/* The program that fork's children execute: checks its arguments. */
int executed_child(long count, const char **arguments);

/* arithmetic.c: also compiled for the host, which says what the results have to be. */
uint64_t integer_block(uint64_t seed);
uint64_t float_block(uint64_t seed);

#endif
