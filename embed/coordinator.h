/* The process `actant coordinator RUN`: coordinates a run whose attempts live in the process that
 * started it, its keeper. Descriptor 3 is a socket to that: a parcel (parcel.h) as HELLO comes, READY
 * goes back once the store knows that the run is ours, or FAIL with an error; then MESSAGEs go both
 * ways. Exit code 0: the run has ended or was suspended in order. */
#ifndef ACT_EMBED_COORDINATOR_H
#define ACT_EMBED_COORDINATOR_H

int act_coordinator_main(void);

#endif
