/* A worker process for tests: the test's own program, started again. It does what requests say:
 *   echo TEXT         gives TEXT back        part N      a result of N bytes, in PARTs
 *   sleep MS          begins and takes long  beside MS   the same, but beside others
 *   print TEXT        to descriptor 1        log TEXT    by a frame
 *   exit N, kill N    ends                   hang        is not begun
 *   garbage           breaks the protocol    close       closes its descriptor, lives on
 *   pid               gives its number       fail TEXT   fails */
#ifndef ACT_TESTS_EXECUTORS_WORKER_FAKE_SUPPORT_H
#define ACT_TESTS_EXECUTORS_WORKER_FAKE_SUPPORT_H

/* Does not return if the program was started as a worker. */
void fake_main(int argc, char **argv);

#endif
