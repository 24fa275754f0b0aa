/* Threads that do one piece of work together, meeting between its phases. */
#ifndef FALAJ_TEAM_H
#define FALAJ_TEAM_H

typedef struct Team Team;
typedef void (*Work)(void *given, int member, Team *team);

/* `size` threads, the caller's among them; NULL where they cannot be had. */
Team *team_start(int size);
/* All members do `work`; comes back when the last is done. */
void team_run(Team *team, Work work, void *given);
/* End the threads. */
void team_stop(Team *team);

/* For members, while they work: */
/* Wait for all others; the items of the next phase begin at 0. */
void team_meet(Team *team);
/* The next item of this phase that nobody has taken. */
int team_next(Team *team);
int team_size(const Team *team);

#define EACH(item, count) for (int item; (item = team_next(team)) < (count);)
#endif
