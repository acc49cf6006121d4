/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/handover.h"

#include <string.h>
#include <sys/socket.h>

/* Two versions of berth may meet, where one is installed over the other. */
#define VERSION 0x62726801u

void handover_init(struct handover *h) {
        memset(h, 0, sizeof *h);
        h->version = VERSION;
}

static bool roles_are_sound(const struct handover *h) {
        unsigned seen = 0, n_passed = 0;

        for (uint32_t i = 0; i < h->n_fds; i++) {
                int32_t role = h->roles[i];
                bool twice = false;

                if (role < GIVEN_MIN_ || role > HANDOVER_NUMBER)
                        return false;
                for (uint32_t k = 0; k < i; k++)
                        twice = twice || h->roles[k] == role;
                if (twice)
                        return false;
                seen |= role < 0 ? 1u << -role : 0;
                n_passed += role >= 3 && (uint32_t) role - 3 < h->n_listen;
        }
        for (int role = GIVEN_MIN_; role < 0; role++)
                if (!(seen & 1u << -role))
                        return false;
        return n_passed >= h->n_listen;
}

bool handover_is_sound(const struct handover *h, size_t size, int n_fds) {
        return size == sizeof *h && h->version == VERSION && h->n_fds <= MSG_FDS && (int) h->n_fds == n_fds &&
               h->n_argv > 0 && h->n_argv <= HANDOVER_BLOCK && h->n_env <= HANDOVER_BLOCK &&
               h->block >= (uint64_t) h->n_argv + h->n_env && h->block <= HANDOVER_BLOCK &&
               h->context.n_cpus <= sizeof h->context.cpus && roles_are_sound(h);
}

bool handover_split(char *block, size_t size, char **ret, size_t n) {
        size_t at = 0;

        if (size == 0 || block[size - 1] != '\0')
                return false;
        for (size_t i = 0; i < n; i++) {
                if (at == size)
                        return false;
                ret[i] = block + at;
                at += strlen(block + at) + 1;
        }
        ret[n] = NULL;
        return at == size;
}

int handover_say(int sock, enum handover_kind kind, int status) {
        const struct handover_word w = { .version = VERSION, .kind = kind, .status = status };

        return msg_send_flags(sock, &w, sizeof w, NULL, MSG_DONTWAIT);
}

bool handover_is_word(const void *data, size_t size, struct handover_word *ret) {
        static const char nul[sizeof ret->nul];

        if (size != sizeof *ret)
                return false;
        memcpy(ret, data, sizeof *ret);
        return memcmp(ret->nul, nul, sizeof nul) == 0 && ret->version == VERSION &&
               (unsigned) ret->kind < HANDOVER_KIND_MAX_ && ret->status >= 0 && ret->status <= 255;
}
