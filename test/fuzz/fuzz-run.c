/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fuzz-TARGET DIRECTORY...: runs the target over each file of a corpus, in TAP. A file that kills the target ends the
 * program; its name is on stderr. */

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "fuzz/fuzz.h"

enum { INPUT_MAX = 4 * 1024 * 1024 };

static int run_file(const char *path) {
        CLEAN_FILE FILE *f = fopen(path, "re");
        CLEAN_FREE uint8_t *data = malloc(INPUT_MAX);
        CLEAN_FREE uint8_t *exact = NULL;
        size_t n;

        if (!f || !data)
                return -1;
        n = fread(data, 1, INPUT_MAX, f);
        /* In memory of just that size, so that the sanitizers see a read behind its end. */
        exact = malloc(n ? n : 1);
        if (!exact)
                return -1;
        memcpy(exact, data, n);
        fprintf(stderr, "%s\n", path);
        return LLVMFuzzerTestOneInput(exact, n);
}

static int not_hidden(const struct dirent *d) {
        return d->d_name[0] != '.';
}

int main(int argc, char **argv) {
        unsigned n = 0, failed = 0;

        for (int i = 1; i < argc; i++) {
                struct dirent **names;
                int found = scandir(argv[i], &names, not_hidden, alphasort);

                if (found <= 0) {
                        fprintf(stderr, "%s: %s\n", argv[i], found < 0 ? strerror(errno) : "is empty");
                        return 1;
                }
                for (int k = 0; k < found; k++) {
                        char path[4096];
                        int r;

                        snprintf(path, sizeof path, "%s/%s", argv[i], names[k]->d_name);
                        r = run_file(path);
                        failed += r != 0;
                        printf("%sok %u - %s\n", r == 0 ? "" : "not ", ++n, names[k]->d_name);
                        free(names[k]);
                }
                free(names);
        }
        printf("1..%u\n", n);
        return failed ? 1 : 0;
}
