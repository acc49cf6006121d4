/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"

static struct strv lines_of(struct arena *a, const char *text) {
        struct strv v = { 0 };

        while (*text) {
                size_t n = strcspn(text, "\n");

                strv_add(a, &v, arena_strndup(a, text, n));
                text += n + (text[n] == '\n');
        }
        return v;
}

/* The longest common part of the lines from i and k on is at [i * (to->n + 1) + k]. */
static unsigned *common_parts(struct arena *a, const struct strv *from, const struct strv *to) {
        size_t width = to->n + 1;
        unsigned *best = arena_alloc(a, (from->n + 1) * width * sizeof *best);

        for (size_t i = from->n; i-- > 0;)
                for (size_t k = to->n; k-- > 0;) {
                        unsigned down = best[(i + 1) * width + k], right = best[i * width + k + 1];

                        best[i * width + k] = streq(from->items[i], to->items[k]) ? best[(i + 1) * width + k + 1] + 1
                                              : down >= right                     ? down
                                                                                  : right;
                }
        return best;
}

static void write_diff(FILE *out, const struct strv *from, const struct strv *to, const unsigned *best) {
        size_t width = to->n + 1, i = 0, k = 0;
        const char *before = NULL; /* the common line that is still to be shown */

        while (i < from->n || k < to->n) {
                bool can_drop = i < from->n, can_add = k < to->n;

                if (can_drop && can_add && streq(from->items[i], to->items[k])) {
                        before = from->items[i];
                        i++, k++;
                        continue;
                }
                if (before)
                        fprintf(out, " %s\n", before);
                before = NULL;
                if (can_drop && (!can_add || best[(i + 1) * width + k] >= best[i * width + k + 1]))
                        fprintf(out, "-%s\n", from->items[i++]);
                else
                        fprintf(out, "+%s\n", to->items[k++]);
        }
}

char *diff_text(struct arena *a, const char *from, const char *to) {
        struct strv f = lines_of(a, from), t = lines_of(a, to);
        CLEAN_FREE char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                abort();
        write_diff(out, &f, &t, common_parts(a, &f, &t));
        fclose(out);
        return arena_strdup(a, text);
}
