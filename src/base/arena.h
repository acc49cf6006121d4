/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory for inputs and plans: allocated piece by piece, freed as a whole.
 *
 * Arenas are used only before anything is taken from the host. When memory runs out they say so and end the
 * process with exit status 1: at that point there is nothing to undo. Code in run/ allocates nothing. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;
struct arena {
        struct arena_block *head;
};

/* Before its first use, a first block that is the caller's: who needs no more sets up no heap. It need not be cleared.
 */
enum { ARENA_BLOCK = 32 * 1024 };
struct arena_room {
        _Alignas(16) char bytes[ARENA_BLOCK];
};
void arena_lend(struct arena *a, struct arena_room *room);

/* What is allocated from here on, up to size bytes together, cannot fail. */
void arena_reserve(struct arena *a, size_t size);

void arena_done(struct arena *a);
void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type, never NULL */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

#define arena_new(a, type) ((type *) arena_alloc(a, sizeof(type)))

/* A growing array in an arena: n elements of size size at *items; returns the (zeroed) new last element. first, a
 * power of two, is how many it has room for from the beginning: always the same for one array. */
void *arena_push_(struct arena *a, void **items, size_t *n, size_t size, size_t first);
#define arena_push_many(a, list, first)                                                                               \
        ((__typeof__((list)->items)) arena_push_(a, (void **) &(list)->items, &(list)->n, sizeof *(list)->items,      \
                                                 first))
#define arena_push(a, list) arena_push_many(a, list, 4)

/* A list of strings. items is NULL-terminated once something was added. */
struct strv {
        char **items;
        size_t n;
};
void strv_add(struct arena *a, struct strv *v, const char *s); /* copies s */
bool strv_has(const struct strv *v, const char *s);
