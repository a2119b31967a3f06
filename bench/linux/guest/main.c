/* The first and only program of the guest: measures, reports and powers off.
 *
 *   /init MILLISECONDS VCPUS [NAME,...]     what the kernel passes on from behind -- on its command line
 *   /init exit                              ends at once, for the benchmark of exec
 */
#include "benchmark.h"
#include "linux.h"
#include "measure.h"
#include "report.h"

static const struct benchmark *const benchmarks[] = {
    &system_call,    &page_fault, &remap,   &fork_exit,  &fork_large,  &fork_exec,   &context_switch,
    &wake_other,     &barrier,    &shoot_down, &short_sleep, &copy_loop, &pipe_copy, &compute_one,
    &compute_two,
};

void start_program(long *stack) {
  long count = stack[0];
  const char **arguments = (const char **)(stack + 1);
  if (count == 2 && equal(arguments[1], "exit")) exit_process(0);
  if (count < 3) fail("no time and number of vCPUs given, arguments", count);
  int64_t target = read_number(arguments[1]) * 1000000;
  int64_t vcpus = read_number(arguments[2]);
  const char *names = count > 3 ? arguments[3] : 0;
  if (target <= 0) fail("the time is no number of milliseconds", 0);
  wait_for_kernel((int)vcpus);
  report_start();
  for (unsigned i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++) {
    const struct benchmark *benchmark = benchmarks[i];
    if (!wanted(benchmark->name, names)) continue;
    if (benchmark->vcpus > vcpus) {
      report_skip(benchmark->name);
    } else {
      measure(benchmark, target);
    }
  }
  if (wanted("tick", names)) measure_ticks(target);
  finish();
}
