/* libyaml's own event parse of a file, the yardstick for `actant validate`: prints seconds and the
 * number of events. */
#include <stdio.h>
#include <time.h>

#include <yaml.h>

int
main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    yaml_parser_t parser;
    yaml_event_t event;
    long events = 0;
    int done = 0;
    if (!file || !yaml_parser_initialize(&parser)) {
        fprintf(stderr, "usage: yaml_events FILE\n");
        return 2;
    }
    yaml_parser_set_input_file(&parser, file);
    while (!done) {
        if (!yaml_parser_parse(&parser, &event)) {
            fprintf(stderr, "%s\n", parser.problem);
            return 1;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        events++;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    fclose(file);
    printf("%ld events\n", events);
    return 0;
}
