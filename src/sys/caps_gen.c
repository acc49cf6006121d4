/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints the names of the capabilities that libcap knows, as C: the launcher itself is linked to no library. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

enum { MAX = 64 };

int main(void) {
        puts("/* Made by caps_gen.c. */\n"
             "#include \"sys/caps.h\"\n\n"
             "const char caps_names[CAPS_MAX][CAPS_NAME] = {");
        for (cap_value_t v = 0; v < MAX; v++) {
                char *name = cap_to_name(v);

                if (!name)
                        return EXIT_FAILURE;
                /* One that it does not know comes back as digits. */
                if (strncmp(name, "cap_", 4) == 0)
                        printf("        [%d] = \"%s\",\n", v, name);
                cap_free(name);
        }
        puts("};");
        return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
