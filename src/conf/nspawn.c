/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of a .nspawn file, in the syntax of systemd.syntax(7): sections, KEY=VALUE, a backslash at the end joins
 * lines, # and ; begin comments, also between joined lines. Files may be hostile: everything has a limit. */

#include "conf/nspawn.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "conf/setting.h"

enum { WARNINGS_MAX = 64, STATEMENTS_MAX = 4096, LINE_MAX_ = 64 * 1024 };

struct reader {
        struct conf *conf;
        const struct nspawn_file *file;
        char *next;          /* rest of the text */
        unsigned line;       /* number of the line before next */
        unsigned start;      /* number of the line that the current assignment begins with */
        const char *section; /* NULL: none yet; "": unknown */
        unsigned warnings;
        unsigned statements;
};

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* Cut blanks off at both ends, in place. */
static char *trim(char *s) {
        size_t n;

        while (is_blank(*s))
                s++;
        n = strlen(s);
        while (n > 0 && is_blank(s[n - 1]))
                s[--n] = '\0';
        return s;
}

static const char *where(struct reader *r) {
        return arena_printf(&r->conf->draft->arena, "%s:%u", r->file->path, r->start);
}

static void warn(struct reader *r, const char *what, const char *detail) {
        if (++r->warnings == WARNINGS_MAX)
                conf_warn(r->conf, "%s: more is wrong in this file; it is not shown", r->file->path);
        else if (r->warnings < WARNINGS_MAX)
                conf_warn(r->conf, "%s: %s%.60s, ignored", where(r), what, detail);
}

/* The next line as it stands in the file, or NULL. */
static char *raw_line(struct reader *r) {
        char *line = r->next, *end;

        if (!line)
                return NULL;
        end = strchr(line, '\n');
        if (end)
                *end = '\0';
        r->next = end ? end + 1 : NULL;
        r->line++;
        return line;
}

static bool is_comment(const char *line) {
        line += strspn(line, " \t\r\f\v");
        return *line == '#' || *line == ';';
}

/* Take a backslash off the end of the line, if there is one. */
static bool take_backslash(char *line) {
        size_t n = strlen(line);

        if (n > 0 && line[n - 1] == '\r')
                n--;
        if (n == 0 || line[n - 1] != '\\')
                return false;
        line[n - 1] = '\0';
        return true;
}

/* The next line with what is joined to it. Moved together in place: the result begins where its first line began, and
 * a blank stands for the backslash. */
static char *joined_line(struct reader *r) {
        char *line, *more, *end;
        bool goes_on;

        do {
                line = raw_line(r);
                if (!line)
                        return NULL;
        } while (is_comment(line));
        r->start = r->line;
        goes_on = take_backslash(line);
        end = line + strlen(line);
        while (goes_on && (more = raw_line(r))) {
                size_t n;

                if (is_comment(more))
                        continue;
                goes_on = take_backslash(more);
                n = strlen(more);
                *end++ = ' ';
                memmove(end, more, n + 1);
                end += n;
        }
        return line;
}

static void open_section(struct reader *r, char *line) {
        size_t n = strlen(line);

        r->section = "";
        if (line[n - 1] != ']') {
                warn(r, "not a section: ", line);
                return;
        }
        line[n - 1] = '\0';
        if (setting_has_section(line + 1))
                r->section = line + 1;
        else if (!str_after(line + 1, "X-"))
                warn(r, "unknown section ", line + 1);
}

static bool quotes_close(const char *s) {
        char quote = '\0';

        for (; *s; s++)
                if (quote ? *s == quote : *s == '"' || *s == '\'')
                        quote = quote ? '\0' : *s;
        return !quote;
}

/* The next word of a value: blanks separate, quotes of either kind hold together; a backslash is an ordinary
 * character, as in systemd's own lists. In place. */
static bool next_word(char **p, char **ret) {
        char *in = *p + strspn(*p, " \t\r\f\v"), *out = in, quote = '\0';

        if (!*in)
                return false;
        *ret = out;
        for (; *in && (quote || !is_blank(*in)); in++) {
                if (quote ? *in == quote : *in == '"' || *in == '\'')
                        quote = quote ? '\0' : *in;
                else
                        *out++ = *in;
        }
        *p = *in ? in + 1 : in;
        *out = '\0';
        return true;
}

/* Every statement costs a little memory and time later on. */
static bool is_enough(struct reader *r) {
        if (++r->statements == STATEMENTS_MAX + 1)
                conf_warn(r->conf, "%s: too many settings, the rest is ignored", r->file->path);
        return r->statements > STATEMENTS_MAX;
}

static int say_words(struct reader *r, struct statement *st, char *value, struct err *e) {
        char *word;
        int k = 0;

        if (!quotes_close(value)) {
                warn(r, "a quote is not closed in ", st->as);
                return 0;
        }
        while (k == 0 && next_word(&value, &word)) {
                st->value = word;
                k = is_enough(r) ? 0 : conf_say(r->conf, st, e);
        }
        return k;
}

static int assign(struct reader *r, const char *key, char *value, struct err *e) {
        const char *rest = NULL;
        struct statement st = {
                .row = setting_by_key(r->section, key, &rest),
                .value = value,
                .as = key,
                .origin = r->file->origin,
                .trusted = r->file->trusted,
        };

        /* What begins so is for others to read: systemd.syntax(7). */
        if (!st.row) {
                if (!str_after(key, "X-"))
                        warn(r, "unknown key ", key);
                return 0;
        }
        if (is_enough(r))
                return 0;
        st.where = where(r);
        /* LimitCPU= is one of many keys of one row. */
        if (rest)
                st.value = arena_printf(&r->conf->draft->arena, "%s=%s", rest, value);
        if (!*value) {
                conf_take_back(r->conf, &st);
                if (!(st.row->flags & SETTING_EMPTY_OK))
                        return 0;
        }
        if (st.row->flags & SETTING_WORDS)
                return say_words(r, &st, value, e);
        return conf_say(r->conf, &st, e);
}

static int line_says(struct reader *r, char *line, struct err *e) {
        char *equal;

        line = trim(line);
        if (!*line)
                return 0;
        if (strlen(line) > LINE_MAX_) {
                warn(r, "the line is too long", "");
                return 0;
        }
        if (*line == '[') {
                open_section(r, line);
                return 0;
        }
        equal = strchr(line, '=');
        if (!equal || equal == line) {
                warn(r, "no KEY=VALUE: ", line);
                return 0;
        }
        *equal = '\0';
        if (!r->section)
                warn(r, "outside of a section: ", line);
        if (!r->section || !*r->section)
                return 0;
        return assign(r, trim(line), trim(equal + 1), e);
}

int nspawn_parse(struct conf *c, const struct nspawn_file *f, struct err *e) {
        struct reader r = { .conf = c, .file = f, .next = f->text };
        char *line;

        /* Programs differ in what they see behind a NUL. */
        if (strlen(f->text) != f->size && f->trusted) {
                err_set(e, ERR_CONFIG, 0, "cannot read settings file %.200s: a NUL byte in it", f->path);
                return err_hint(e, "--settings=no starts without it");
        }
        if (strlen(f->text) != f->size) {
                conf_warn(c, "%s: a NUL byte in it; the whole file is ignored", f->path);
                return 0;
        }
        if (str_after(f->text, "\xef\xbb\xbf"))
                r.next += 3;
        while ((line = joined_line(&r))) {
                int k = line_says(&r, line, e);

                if (k < 0)
                        return k;
        }
        return 0;
}
