/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include "base/clean.h"
#include "unit/tap.h"

static void write_all(struct json *j) {
        json_open(j, NULL, '{');
        json_string(j, "s", "a\"b\\c\n\x1b\x7f");
        json_string(j, "utf-8", "\xc3\xa4\xff\xe2\x82\xac\xc2\x85");
        json_string(j, "none", NULL);
        json_bool(j, "yes", true);
        json_int(j, "least", INT64_MIN);
        json_uint(j, "most", UINT64_MAX);
        json_null(j, "null");
        json_open(j, "empty", '[');
        json_close(j);
        json_open(j, "list", '[');
        json_int(j, NULL, 1);
        json_open(j, NULL, '{');
        json_close(j);
        json_string(j, NULL, "");
        json_close(j);
        json_close(j);
}

int main(void) {
        static const char want[] = "{\n"
                                   "  \"s\": \"a\\\"b\\\\c\\u000a\\u001b\\u007f\",\n"
                                   "  \"utf-8\": \"\xc3\xa4\xef\xbf\xbd\xe2\x82\xac\\u0085\",\n"
                                   "  \"none\": null,\n"
                                   "  \"yes\": true,\n"
                                   "  \"least\": -9223372036854775808,\n"
                                   "  \"most\": 18446744073709551615,\n"
                                   "  \"null\": null,\n"
                                   "  \"empty\": [],\n"
                                   "  \"list\": [\n"
                                   "    1,\n"
                                   "    {},\n"
                                   "    \"\"\n"
                                   "  ]\n"
                                   "}\n";
        struct tap t = { 0 };
        CLEAN_FREE char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        struct json j = { .f = f };

        write_all(&j);
        fclose(f);
        OK_STR(&t, text, want, "all kinds of values");
        return tap_done(&t);
}
