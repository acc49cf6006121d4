/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints what this machine's C library says of errors, as C: for a launcher that is linked to another one, whose words
 * ("No file descriptors available") nobody has ever searched for. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 4096 /* IS_ERR_VALUE() */ };

/* With its NUL. */
static size_t longest(void) {
        size_t most = 1;

        for (int code = 1; code < MAX; code++)
                if (strerrorname_np(code) && strlen(strerror(code)) >= most)
                        most = strlen(strerror(code)) + 1;
        return most;
}

int main(void) {
        printf("/* Made by errno_gen.c. */\n"
               "#include \"base/errno_text.h\"\n\n"
               "#include <errno.h>\n"
               "#include <string.h>\n\n"
               "static const char texts[][%zu] = {\n",
               longest());
        for (int code = 1; code < MAX; code++) {
                const char *name = strerrorname_np(code);

                if (name)
                        printf("        [%s] = \"%s\",\n", name, strerror(code));
        }
        puts("};\n\n"
             "const char *errno_text(int code) {\n"
             "        const char *text = code > 0 && code < (int) (sizeof texts / sizeof *texts) ? texts[code] : "
             "\"\";\n\n"
             "        return *text ? text : strerror(code);\n"
             "}");
        return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
