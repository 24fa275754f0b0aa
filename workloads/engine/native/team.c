/* A phase lasts some microseconds, so who waits first looks again and again for about as long as a phase takes, and then sleeps on a futex: on a
 * machine that is shared the thread that is waited for may need the very core. */
#define _GNU_SOURCE
#include "team.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOKS 4000

/* Each on a cache line of its own: they are written by different threads at different times. */
typedef struct {
    _Atomic uint32_t value;
    char rest[60];
} Line;

struct Team {
    Line phase, arrived, next, round, sleepers;
    int size, ending;
    Work work;
    void *given;
    pthread_t *threads;
};

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void wait_while(Team *team, _Atomic uint32_t *value, uint32_t old) {
    for (int look = 0; look < LOOKS; look++) {
        if (atomic_load_explicit(value, memory_order_acquire) != old) return;
        relax();
    }
    atomic_fetch_add(&team->sleepers.value, 1);
    while (atomic_load(value) == old) syscall(SYS_futex, value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
    atomic_fetch_sub(&team->sleepers.value, 1);
}

static void advance(Team *team, _Atomic uint32_t *value) {
    atomic_fetch_add(value, 1);
    if (atomic_load(&team->sleepers.value)) syscall(SYS_futex, value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void team_meet(Team *team) {
    const uint32_t phase = atomic_load_explicit(&team->phase.value, memory_order_relaxed);
    if (atomic_fetch_add(&team->arrived.value, 1) == (uint32_t)team->size - 1) {
        atomic_store_explicit(&team->arrived.value, 0, memory_order_relaxed);
        atomic_store_explicit(&team->next.value, 0, memory_order_relaxed);
        advance(team, &team->phase.value);
    } else wait_while(team, &team->phase.value, phase);
}

int team_next(Team *team) { return (int)atomic_fetch_add_explicit(&team->next.value, 1, memory_order_relaxed); }

int team_size(const Team *team) { return team->size; }

typedef struct {
    Team *team;
    int member;
} Member;

static void *serve(void *given) {
    const Member mine = *(Member *)given;
    free(given);
    for (uint32_t round = 0;; round++) {
        wait_while(mine.team, &mine.team->round.value, round);
        if (mine.team->ending) return NULL;
        mine.team->work(mine.team->given, mine.member, mine.team);
        team_meet(mine.team);
    }
}

Team *team_start(int size) {
    Team *team = aligned_alloc(64, (sizeof(Team) + 63) / 64 * 64);
    if (!team) return NULL;
    *team = (Team){.size = 1, .threads = calloc((size_t)size, sizeof(pthread_t))};
    if (!team->threads) {
        free(team);
        return NULL;
    }
    for (int member = 1; member < size; member++) {
        Member *mine = malloc(sizeof *mine);
        if (mine) *mine = (Member){team, member};
        if (!mine || pthread_create(&team->threads[member], NULL, serve, mine)) {
            free(mine);
            team_stop(team);
            return NULL;
        }
        team->size = member + 1;
    }
    return team;
}

void team_run(Team *team, Work work, void *given) {
    team->work = work;
    team->given = given;
    atomic_store_explicit(&team->next.value, 0, memory_order_relaxed);
    if (team->size > 1) advance(team, &team->round.value);
    work(given, 0, team);
    team_meet(team);
}

void team_stop(Team *team) {
    team->ending = 1;
    advance(team, &team->round.value);
    for (int member = 1; member < team->size; member++) pthread_join(team->threads[member], NULL);
    free(team->threads);
    free(team);
}
