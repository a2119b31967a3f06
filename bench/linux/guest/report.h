/* The guest's messages on its console, a line each:
 *
 *   started CLOCK                 the first
 *   begin NAME CLOCK              a measurement starts after a pause; if another begins before its end, it does not count
 *   bench NAME ITERATIONS NANOSECONDS CLOCK
 *                                 it is over, and another pause follows
 *   part NAME ITERATIONS NANOSECONDS CLOCK
 *                                 the same, where the time is only a part of what passed
 *   skip NAME                     cannot be measured here: it needs more vCPUs, or a clock in user mode
 *   fail WHAT NUMBER              the last, if something went wrong
 *   done                          the last, if all went well
 *
 * CLOCK is the guest's, in nanoseconds, for comparison with the one who reads.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

void report_start(void);
void report_begin(const char *name);
void report_end(const char *kind, const char *name, uint64_t iterations, int64_t nanoseconds);
void report_skip(const char *name);
_Noreturn void fail(const char *what, long number);
/* Says done and powers the guest off. */
_Noreturn void finish(void);

#endif
