/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/errno_text.h"
#include "base/str.h"

int err_set_at(struct err *e, const char *where, enum err_kind kind, int code, const char *fmt, ...) {
        if (e) {
                va_list ap;

                *e = (struct err){ .kind = kind, .code = code };
                snprintf(e->where, sizeof e->where, "%s", where);
                va_start(ap, fmt);
                vsnprintf(e->text, sizeof e->text, fmt, ap);
                va_end(ap);
        }
        return code > 0 ? -code : -EINVAL;
}

int err_hint(struct err *e, const char *fmt, ...) {
        va_list ap;

        if (!e)
                return -EINVAL;
        va_start(ap, fmt);
        vsnprintf(e->hint, sizeof e->hint, fmt, ap);
        va_end(ap);
        return e->code > 0 ? -e->code : -EINVAL;
}

int err_blame(struct err *e, const char *setting, const char *word) {
        if (!e)
                return -EINVAL;
        setting += strspn(setting, "-");
        snprintf(e->setting, sizeof e->setting, "%.*s", (int) strcspn(setting, "="), setting);
        snprintf(e->word, sizeof e->word, "%s", str_or(word, ""));
        return e->code > 0 ? -e->code : -EINVAL;
}

void err_terminate(struct err *e) {
        e->where[sizeof e->where - 1] = '\0';
        e->text[sizeof e->text - 1] = '\0';
        e->hint[sizeof e->hint - 1] = '\0';
        e->setting[sizeof e->setting - 1] = '\0';
        e->word[sizeof e->word - 1] = '\0';
}

const char *err_kind_name(enum err_kind kind) {
        static const char names[ERR_KIND_MAX_][8] = {
                [ERR_NONE] = "none",       [ERR_USAGE] = "usage", [ERR_CONFIG] = "config", [ERR_TRUST] = "trust",
                [ERR_HOST] = "host",       [ERR_BUSY] = "busy",   [ERR_IMAGE] = "image",   [ERR_SYSTEM] = "system",
                [ERR_PAYLOAD] = "payload", [ERR_BUG] = "bug",
        };

        return (unsigned) kind < ERR_KIND_MAX_ ? names[kind] : "unknown";
}

/* What the caller's own limit is the cause of, whatever it was that met it. */
static const char *hint_of(const struct err *e) {
        if (e->hint[0])
                return e->hint;
        return e->code == EMFILE ? "see ulimit -n" : "";
}

char *err_format(const struct err *e, bool with_where, char *buf, size_t size) {
        char line[sizeof e->text + sizeof e->hint + sizeof e->where + 160];
        const char *hint = hint_of(e);

        snprintf(line, sizeof line, "%s%s%s%s%s%s%s%s%s%s", e->text, e->code > 0 ? ": " : "",
                 e->code > 0 ? errno_text(e->code) : "", *hint ? " (" : "", hint, *hint ? ")" : "",
                 with_where ? " [" : "", with_where ? err_kind_name(e->kind) : "", with_where ? " at " : "",
                 with_where ? e->where : "");
        if (with_where)
                strncat(line, "]", sizeof line - strlen(line) - 1);
        return str_escape(line, buf, size);
}
