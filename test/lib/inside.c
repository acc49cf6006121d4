/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *outcome(int error) {
        const char *name = strerrorname_np(error);

        return error == 0 ? "ok" : name ? name : "unknown";
}

int tell(const char *key, long result) {
        printf("%s %s\n", key, result < 0 ? outcome(errno) : "ok");
        return 0;
}

int main(int argc, char **argv) {
        const struct verbs *const tables[] = { &verbs_look,   &verbs_files,   &verbs_calls, &verbs_talk,
                                               &verbs_escape, &verbs_exhaust, &verbs_arch };

        setvbuf(stdout, NULL, _IOLBF, 0);
        for (size_t t = 0; argc > 1 && t < sizeof tables / sizeof tables[0]; t++)
                for (size_t i = 0; i < tables[t]->n; i++)
                        if (!strcmp(argv[1], tables[t]->items[i].name))
                                return tables[t]->items[i].run(argc - 2, argv + 2);
        for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
                for (size_t i = 0; i < tables[t]->n; i++)
                        fprintf(stderr, "%-12s %s\n", tables[t]->items[i].name, tables[t]->items[i].help);
        return 2;
}
