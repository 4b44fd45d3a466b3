/* The keeper: the background process of a detached run (docs/adr/0013). It hosts the run's attempts and
 * starts the coordinator, its child; when that dies the keeper starts another one, and the attempts
 * never notice. `actant run --detach` starts it; people do not. */
#ifndef ACT_EMBED_KEEPER_H
#define ACT_EMBED_KEEPER_H

/* The process `actant keeper RUN`, whose descriptor 3 is a socket to who wants the run: a parcel
 * (parcel.h) as HELLO comes, READY goes back when the run's first batch is on disk, or FAIL with an
 * error. Returns the exit code. */
int act_keeper_main(void);

#endif
