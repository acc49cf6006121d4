/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A block is cleared piece by piece as it is given out: what nobody asks for is never touched, and costs nothing. */
enum { BLOCK = ARENA_BLOCK, ALIGN = 16 };

struct arena_block {
        struct arena_block *next;
        size_t size, used;
        bool lent;
        _Alignas(ALIGN) char data[];
};

static _Noreturn void out_of_memory(void) {
        static const char text[] = "berth: out of memory while preparing; nothing was changed\n";

        (void) !write(STDERR_FILENO, text, sizeof text - 1);
        _exit(EXIT_FAILURE);
}

void arena_lend(struct arena *a, struct arena_room *room) {
        struct arena_block *b = (void *) room->bytes;

        *b = (struct arena_block){ .next = a->head, .size = sizeof room->bytes - sizeof *b, .lent = true };
        a->head = b;
}

void arena_done(struct arena *a) {
        while (a->head) {
                struct arena_block *b = a->head;

                a->head = b->next;
                if (!b->lent)
                        free(b);
        }
}

static bool has_room(const struct arena *a, size_t size) {
        return a->head && a->head->size - a->head->used >= size;
}

static void add_block(struct arena *a, size_t room) {
        struct arena_block *b = malloc(sizeof *b + room);

        if (!b)
                out_of_memory();
        *b = (struct arena_block){ .next = a->head, .size = room };
        a->head = b;
}

void arena_reserve(struct arena *a, size_t size) {
        if (!has_room(a, size))
                add_block(a, size);
}

void *arena_alloc(struct arena *a, size_t size) {
        void *p;

        if (size > SIZE_MAX / 2)
                out_of_memory();
        size = (size + ALIGN - 1) & ~(size_t) (ALIGN - 1);
        if (!has_room(a, size))
                add_block(a, size > BLOCK ? size : BLOCK);
        p = memset(a->head->data + a->head->used, 0, size);
        a->head->used += size;
        return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
        n = strnlen(s, n);
        return memcpy(arena_alloc(a, n + 1), s, n);
}

char *arena_strdup(struct arena *a, const char *s) {
        return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) {
        char most[160], *s;
        va_list again;
        int n;

        va_copy(again, ap);
        n = vsnprintf(most, sizeof most, fmt, again);
        va_end(again);
        if (n < 0)
                out_of_memory();
        if ((size_t) n < sizeof most)
                return arena_strndup(a, most, (size_t) n);
        s = arena_alloc(a, (size_t) n + 1);
        vsnprintf(s, (size_t) n + 1, fmt, ap);
        return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...) {
        va_list ap;
        char *s;

        va_start(ap, fmt);
        s = arena_vprintf(a, fmt, ap);
        va_end(ap);
        return s;
}

void *arena_push_(struct arena *a, void **items, size_t *n, size_t size, size_t first) {
        /* Capacity doubles at the powers of two, so it need not be stored. */
        if (*n == 0 || (*n >= first && (*n & (*n - 1)) == 0)) {
                size_t room = *n < first ? first : *n * 2;
                void *grown = arena_alloc(a, room * size);

                if (*n > 0)
                        memcpy(grown, *items, *n * size);
                *items = grown;
        }
        return (char *) *items + (*n)++ * size;
}

void strv_add(struct arena *a, struct strv *v, const char *s) {
        *arena_push(a, v) = arena_strdup(a, s);
        *arena_push(a, v) = NULL;
        v->n--;
}

bool strv_has(const struct strv *v, const char *s) {
        for (size_t i = 0; i < v->n; i++)
                if (strcmp(v->items[i], s) == 0)
                        return true;
        return false;
}
