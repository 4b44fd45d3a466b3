/* The inside of a host process: the program `actant plugin-host`, which people do not start. It loads one
 * library and runs its functions, one at a time, in the thread that main runs in. */
#ifndef ACT_EXECUTORS_PLUGIN_HOST_H
#define ACT_EXECUTORS_PLUGIN_HOST_H

#define ACT_PLUGIN_HOST_COMMAND "plugin-host"

/* argv: what stands after the command. Without words: serves on descriptors 3 and 4 until they end. With
 * "inspect" FILE: writes {"plugin": …} or {"error": {message, hint}} to descriptor 3. Returns the exit
 * code. */
int act_plugin_host_main(int argc, char **argv);

#endif
