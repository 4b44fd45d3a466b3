/* nng_subscriber dial|listen ADDRESS [BEGINNING…]: prints "up <address>" once it listens or has connected, then each
 * message as a line, as it comes. BEGINNING: those messages alone that begin so (else all). Ends when it is killed. */
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
must(int failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "%s: %s\n", what, nng_strerror(failed));
        exit(1);
    }
}

static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *self)
{
    (void)pipe;
    (void)event;
    printf("up %s\n", (const char *)self);
    fflush(stdout);
}

int
main(int argc, char **argv)
{
    nng_socket socket;
    nng_dialer dialer;
    if (argc < 3)
        return 2;
    must(nng_sub0_open(&socket), "open");
    must(nng_socket_set_int(socket, NNG_OPT_RECVBUF, 8192), "buffer");
    must(nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0), "size");
    for (int i = 3; i < argc; i++)
        must(nng_socket_set(socket, NNG_OPT_SUB_SUBSCRIBE, argv[i], strlen(argv[i])), "subscribe");
    if (argc == 3)
        must(nng_socket_set(socket, NNG_OPT_SUB_SUBSCRIBE, "", 0), "subscribe");
    if (strcmp(argv[1], "listen") == 0) {
        must(nng_listen(socket, argv[2], NULL, 0), "listen");
        on_pipe((nng_pipe){0}, NNG_PIPE_EV_ADD_POST, argv[2]);
    } else {
        must(nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_pipe, argv[2]), "notify");
        must(nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, 10), "reconnect");
        must(nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, 10), "reconnect");
        must(nng_dial(socket, argv[2], &dialer, NNG_FLAG_NONBLOCK), "dial");
    }
    for (;;) {
        nng_msg *message;
        must(nng_recvmsg(socket, &message, 0), "receive");
        fwrite(nng_msg_body(message), 1, nng_msg_len(message), stdout);
        putchar('\n');
        fflush(stdout);
        nng_msg_free(message);
    }
}
