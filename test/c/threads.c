/*
 * The stress of stress.h with threads of the host.
 *
 * Usage: threads COUNT CROWD
 * Each sender and device goes on COUNT times, and each thread of the crowd CROWD times.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "stress.h"

static void relax(void)
{
	sched_yield();
}

static void wake_all(void)
{
}

static _Noreturn void fail(const char *what, unsigned long number)
{
	printf("FAIL %s (%lu)\n", what, number);
	fflush(stdout);
	_Exit(1);
}

static unsigned long count, crowd;

static void *soft(void *unused)
{
	run_sender(&all.soft, count);
	return unused;
}

static void *overflow(void *unused)
{
	run_sender(&all.overflow, count);
	return unused;
}

static void *external(void *unused)
{
	run_device(&all.external, count);
	return unused;
}

static void *high(void *unused)
{
	run_device(&all.high, HAS_HIGH_LINE ? count : 0);
	return unused;
}

static void *first_of_crowd(void *unused)
{
	run_crowd(0, crowd);
	return unused;
}

static void *second_of_crowd(void *unused)
{
	run_crowd(1, crowd);
	return unused;
}

static void *pcpu(void *unused)
{
	run_pcpu();
	return unused;
}

int main(int argc, char **argv)
{
	void *(*const works[])(void *) = { soft, overflow, external, high, first_of_crowd, second_of_crowd };
	enum { WORKERS = sizeof(works) / sizeof(works[0]) };
	pthread_t threads[WORKERS + PCPUS];

	count = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	crowd = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	if (!count) {
		fprintf(stderr, "usage: threads COUNT CROWD\n");
		return 2;
	}
	stress_init(WORKERS);
	for (unsigned int i = 0; i < WORKERS + PCPUS; i++)
		if (pthread_create(&threads[i], NULL, i < WORKERS ? works[i] : pcpu, NULL))
			fail("no thread", i);
	for (unsigned int i = 0; i < WORKERS + PCPUS; i++)
		pthread_join(threads[i], NULL);
	check_counts(count);
	printf("PASS sent %lu and %lu, taken %lu and %lu, exits %lu, moves %lu, sleeps %lu\n",
	       count + all.crowd_sent[0] + all.crowd_sent[1], count, all.soft.taken, all.overflow.taken,
	       all.exits, all.moves, all.sleeps);
	return 0;
}
