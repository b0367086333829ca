/*
 * The claim of several producers and the repair after a death: internal/hot/claim.ts. Two producers that claim one or
 * two slots at a time in a ring of two, one consumer; producer 0 may die before any of its steps; then the repair runs.
 *
 *   spin -a claim.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan -m1000000
 *
 * checks: the consumer never reads a slot that is not written, or is written for another sequence; the repair never
 * skips a claim of the living producer; and no state in which anybody waits for ever. Figures: docs/adr/0003-rings.md.
 * Each of these mutants is caught (spin -DNAME -a claim.pml):
 *
 *   INTENT_AFTER_CLAIM  a producer names its sequences after it has claimed them
 *   IGNORE_THE_LIVING   the repair skips whatever is unpublished
 *   NO_REPAIR           nobody repairs: the ring stalls
 *   NO_BOUND            a producer does not look for room
 *   CLAIMED_IS_PUBLISHED the consumer takes the cursor for the mark
 */
#define CAPACITY 2
#define CLAIMS 2                /* by each producer, of one or two slots */
#define LAST 8

byte cursor = 0;                /* the last claimed sequence; the first is 1 */
byte consumed = 0;              /* the consumer's sequence */
byte mark[CAPACITY];            /* the sequence that is published in the slot */
bool skip_[CAPACITY];           /* it is to be skipped */
byte slot[CAPACITY];            /* what is written in the slot: its sequence, or 0 in the middle of writing */
byte first[2];                  /* the intent */
byte count[2];
byte owner[LAST + 1];           /* ghost: who claimed it, plus one */
bool dead = false;
bool repaired = false;
byte finished = 0;

proctype producer(byte me) {
  byte made = 0, was, n, i, s;
  do
  :: made == CLAIMS -> break
  :: else ->
     if :: n = 1 :: n = 2 fi;
     do
     :: true ->
        if :: me == 0 -> dead = true; goto over :: true fi;          /* dies, or not: before the claim */
        was = cursor;
        if
#ifndef NO_BOUND
        :: was + n > consumed + CAPACITY ->
           count[me] = 0;                                             /* holds nothing, names nothing */
           (cursor != was || was + n <= consumed + CAPACITY)          /* sleeps: see sleep.pml */
#endif
#ifdef NO_BOUND
        :: true ->
#else
        :: was + n <= consumed + CAPACITY ->
#endif
#ifndef INTENT_AFTER_CLAIM
           count[me] = n;
           first[me] = was + 1;
#endif
           if :: me == 0 -> dead = true; goto over :: true fi;        /* between the intent and the claim */
           atomic {
             if
             :: cursor == was ->
                cursor = was + n;
                owner[was + 1] = me + 1;
                if :: n == 2 -> owner[was + 2] = me + 1 :: else fi;
                goto claimed
             :: else
             fi
           }
        fi
     od;
claimed:
#ifdef INTENT_AFTER_CLAIM
     count[me] = n;
     first[me] = was + 1;
#endif
     i = 1;
     do
     :: i > n -> break
     :: else ->
        if :: me == 0 -> dead = true; goto over :: true fi;           /* within the batch, written in part */
        s = was + i;
        slot[s % CAPACITY] = 0;
        slot[s % CAPACITY] = s;
        i++
     od;
     i = 1;
     do
     :: i > n -> break
     :: else ->
        if :: me == 0 -> dead = true; goto over :: true fi;           /* published in part */
        s = was + i;
        atomic { mark[s % CAPACITY] = s; skip_[s % CAPACITY] = false };
        i++
     od;
     made++
  od;
over:
  finished++
}

proctype repair() {
  byte s, upto, was;
  bool unsure;
  if
  :: dead ->
#ifndef NO_REPAIR
     do
     :: unsure = false;
        upto = cursor;
        s = consumed + 1;
        do
        :: s > upto -> break
        :: else ->
           was = mark[s % CAPACITY];
           if
           :: was < s ->
              if
#ifndef IGNORE_THE_LIVING
              :: first[1] <= s && s < first[1] + count[1] -> unsure = true
              :: !(first[1] <= s && s < first[1] + count[1]) ->
#else
              :: true ->
#endif
                 atomic {
                   if
                   :: mark[s % CAPACITY] == was ->
                      assert(owner[s] == 1);                          /* never a claim of the living */
                      mark[s % CAPACITY] = s;
                      skip_[s % CAPACITY] = true
                   :: else
                   fi
                 }
              fi
           :: else
           fi;
           s++
        od;
        if :: !unsure -> break :: else fi
     od;
#endif
     repaired = true
  :: finished == 2 && !dead
  fi
}

proctype consumer() {
  byte s;
  do
  :: s = consumed + 1;
     if
#ifdef CLAIMED_IS_PUBLISHED
     :: s <= cursor ->
#else
     :: mark[s % CAPACITY] == s ->
#endif
        if
        :: skip_[s % CAPACITY]
        :: else -> assert(slot[s % CAPACITY] == s)                    /* written, whole, and not over-written */
        fi;
        consumed = s
     :: finished == 2 && (!dead || repaired) && consumed == cursor -> break
     fi
  od
}

init { atomic { run producer(0); run producer(1); run repair(); run consumer() } }
