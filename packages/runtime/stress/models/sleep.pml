/*
 * Sleep and wake of internal/hot/wait.ts: a sleeper (a consumer) and two wakers (producers). Every step is one
 * sequentially consistent atomic operation, as every access to the words is in JavaScript.
 *
 *   spin -a sleep.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan -m100000
 *
 * looks for a state in which a sleeper sleeps and nobody will wake it ("invalid end state"). There is none: see
 * docs/adr/0003-rings.md for the figures. Each of these mutants has one (spin -DNAME -a sleep.pml):
 *
 *   NO_SECOND_LOOK     the sleeper does not look again after it has raised its flag
 *   BELL_AFTER_FLAG    it reads its bell after the flag instead of before
 *   BELL_BEFORE_LOWER  the waker rings before it has lowered the flags
 *   DEATH_UNREPAIRED   a waker dies between lowering and ringing, and nobody rings for it
 *
 * DEATH is the same death with the repair, which rings every bell: no such state.
 */
#define EVENTS 3                /* by each waker */
#define ALL 6                   /* by both */

byte published = 0;             /* the cursor */
byte bell;                      /* what a futex wait compares */
bool flag;                      /* its bit of the word of flags */
bool waiting;                   /* within Atomics.wait */
byte gone = 0;                  /* events that a dead waker did not live to publish */

inline ring() { bell++; waiting = false }

active proctype sleeper() {
  byte done = 0;
  byte seen;
  do
  :: done + gone == ALL -> break
  :: else ->
     if
     :: done < published -> done = published            /* a look that finds something */
     :: else ->                                         /* a look that finds nothing: go to sleep */
#ifdef BELL_AFTER_FLAG
        flag = true;
        if :: done < published || gone -> goto awake :: else fi;
        seen = bell;
#else
        seen = bell;
        flag = true;
#ifndef NO_SECOND_LOOK
        if :: done < published || done + gone == ALL -> goto awake :: else fi;
#endif
#endif
        /* Atomics.wait compares and enqueues in one step, under the engine's lock */
        atomic { if :: bell == seen -> waiting = true :: else -> goto awake fi };
        !waiting;                                   /* notified */
awake:  skip
     fi
  od
}

active [2] proctype waker() {
  byte n = 0;
  bool asleep;
  do
  :: n == EVENTS -> break
  :: else ->
     n++;
     published++;
     asleep = flag;                                     /* one load of the word */
     if
     :: asleep ->
#ifdef BELL_BEFORE_LOWER
        ring();
#endif
        flag = false;                                   /* one Atomics.and */
#if defined(DEATH) || defined(DEATH_UNREPAIRED)
        if
        :: _pid == 1 ->
           gone = EVENTS - n;
#ifdef DEATH
           ring();
#endif
           break
        :: skip
        fi;
#endif
#ifndef BELL_BEFORE_LOWER
        ring();
#endif
     :: else
     fi
  od
}
