/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/console_scan.h"

#include <stdlib.h>

#include "base/clean.h"
#include "unit/tap.h"

/* What is left to take back after text, which is looked at in pieces of each size: the answer must not depend on it.
 */
static void check_reset(struct tap *t, const char *text, const char *want) {
        for (size_t piece = 1; piece < 20; piece += 3) {
                struct console_scan s = { 0 };
                size_t n = strlen(text);
                char reset[1024];

                for (size_t i = 0; i < n; i += piece)
                        console_scan(&s, text + i, n - i < piece ? n - i : piece, NULL);
                console_scan_reset(&s, reset, sizeof reset);
                if (strcmp(reset, want) == 0 && piece + 3 < 20)
                        continue;
                for (char *p = reset; *p; p++)
                        *p = *p == '\033' ? 'E' : *p < ' ' ? '.' : *p;
                OK(t, strlen(reset) == strlen(want), "left behind: %s (%zu at a time)", reset, piece);
                break;
        }
}

static void test_reset(struct tap *t) {
        static const struct {
                const char *text, *want;
        } cases[] = {
                { "plain text\r\n\t\a\b \xc3\xa4", "" },
                { "\033[?1049h", "\033[?1049l" },
                { "\033[?1049h\033[?1049l", "" },
                { "\033[?25l", "\033[?25h" },
                { "\033[?25l\033[?25h", "" },
                { "\033[?1000;1006h", "\033[?1000l\033[?1006l" },
                { "\033[?1000;1006;1000l", "" },
                { "\033[?7l", "\033[?7h" },
                { "\033[?12h\033[?9999h", "" },
                { "\033[?2004h\033[31mred", "\033[?2004l\033[0m" },
                { "\033[31mred\033[0m", "" },
                { "\033[31mred\033[m", "" },
                { "\033[1;31mred\033[;m", "" },
                { "\033[0;1m", "\033[0m" },
                { "\033[38;5;0m", "\033[0m" },
                { "\033[4h", "\033[4l" },
                { "\033[5;10r", "\0337\033[r\0338" },
                { "\033[5;10r\033[r", "" },
                { "\033(0", "\033(B" },
                { "\033(0\033(B", "" },
                { "\016", "\017" },
                { "\016\017", "" },
                { "\033=", "\033>" },
                { "\033[2 q", "\033[0 q" },
                { "\033[2 q\033[0 q", "" },
                { "\033]0;title\a", "\033]2;\033\\" },
                { "\033]2;title\033\\", "\033]2;\033\\" },
                { "\033]11;?\a", "" },
                { "\033]11;#000000\a", "\033]111\033\\" },
                { "\033]11;#000000\a\033]111\a", "" },
                { "\033]4;1;red\033\\", "\033]104\033\\" },
                { "\033]8;;http://x\a text", "\033]8;;\033\\" },
                { "\033]8;;http://x\a text\033]8;;\a", "" },
                { "\033]133;A\a", "" },
                { "\033[>4;2m", "\033[>4m" },
                { "\033[>4;2m\033[>4m", "" },
                { "\033[>1u\033[>2u", "\033[<99u" },
                { "\033[>1u\033[>2u\033[<2u", "" },
                { "\033[?u\033[c\033[6n\033[2J\033[H", "" },
                { "\033[?1049h\033[?1000h\033]0;x\a\033c", "" },
                { "\033[31m\033[?1h\033=\033[!p", "" },
                { "\033[?1049h\033[!p", "\033[?1049l" },
                { "\033[31", "\030" },
                { "\033", "\030" },
                { "\033]0;tit", "\033\\\033]2;\033\\" },
                { "\033Pq123", "\033\\" },
                { "\033Pq\033[?1000h", "\033[?1000l" },
                { "\033P\033[31mq\033\\x", "\033[0m" },
                { "\033[?1\030000h", "" },
                { "\033[?10\n00h", "\033[?1000l" },
                { "\033[99999999999999999999999999h\033[?4294968296h", "" },
                { "\033[?1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;1000h", "\033[?1l\033[?9l\033[?5l\033[?6l" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct console_scan s = { 0 };
                char reset[1024];

                console_scan(&s, cases[i].text, strlen(cases[i].text), NULL);
                console_scan_reset(&s, reset, sizeof reset);
                OK(t, strcmp(reset, cases[i].want) == 0, "left behind, case %zu", i);
                check_reset(t, cases[i].text, cases[i].want);
        }
}

static void check_output(struct tap *t, struct console_scan start, const char *in, const char *want,
                         const char *what) {
        for (size_t piece = 1; piece < 40; piece += 6) {
                struct console_scan s = start;
                char *out = malloc(1 << 16);
                size_t n = strlen(in), o = 0;
                bool fits = true;

                for (size_t i = 0; i < n; i += piece) {
                        size_t k = n - i < piece ? n - i : piece, got = console_scan(&s, in + i, k, out + o);

                        fits = fits && got <= console_scan_room(&s, k);
                        o += got;
                }
                out[o] = '\0';
                OK(t, fits && strcmp(out, want) == 0, "%s, %zu at a time", what, piece);
                if (strcmp(out, want) != 0)
                        for (size_t i = 0; i < o; i++)
                                printf("# %02x %c\n", (unsigned char) out[i], out[i] > 32 ? out[i] : '.');
                free(out);
        }
}

static void test_filter(struct tap *t) {
        const struct console_scan f = { .filter = true };
        char text[200] = "\033[", want[] = "x";

        check_output(t, f, "a\tb\r\nc\b\a", "a\tb\r\nc\b\a", "text");
        check_output(t, f, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\xb5.", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\xb5.", "UTF-8");
        check_output(t, f, "\033[32m OK \033[0m\033[K\033[1;38;5;245mx", "\033[32m OK \033[0m\033[K\033[1;38;5;245mx",
                     "colours");
        check_output(t, f, "a\033[6nb\033[c\033[>c\033Zc", "abc", "questions");
        check_output(t, f, "a\033]0;title\ab\033]2;t\033\\c\033P1$r\033\\d\033_x\033\\e", "abcde", "strings");
        check_output(t, f, "a\033[?1049hb\033[2Jc\033[10;10Hd\033cef\033(0g\033)0h", "abcdefgh", "steering");
        check_output(t, f, "a\005b\016c\017d\177e\013f\001", "abcdef", "control characters");
        check_output(t, f,
                     "a\233"
                     "6nb\xc2\x9b"
                     "6nc\xc2\xa0",
                     "a6nb6nc\xc2\xa0", "C1, as a byte and as UTF-8");
        check_output(t, f, "a\033[?31mb\033[31$mc\033[>4;2md", "abcd", "what only looks like a colour");
        check_output(t, f, "a\033\033[31mb\033[1\030mc", "a\033[31mbmc", "cut off");
        check_output(t, f, "a\303b\303\303\244c", "ab\303\244c", "broken UTF-8");
        memset(text + 2, '1', 100);
        strcpy(text + 102, "mx");
        check_output(t, f, text, want, "a sequence that is too long");
}

static void test_tint(struct tap *t) {
        const struct console_scan f = { .tint = "48;5;17" };

        check_output(t, f, "a\033[31mb\033[0mc\033[md", "a\033[31mb\033[0m\033[48;5;17mc\033[m\033[48;5;17md",
                     "after a reset");
        check_output(t, f, "a\033[49mb\033[?1049hc\033cd", "a\033[49m\033[48;5;17mb\033[?1049hc\033c\033[48;5;17md",
                     "other resets");
        check_output(t, (struct console_scan){ .tint = "44", .filter = true }, "a\033[0mb\033cc\033[2Jd",
                     "a\033[0m\033[44mb\033[44mcd", "with a filter");
}

static void test_sgr(struct tap *t) {
        OK(t, console_is_sgr("") && console_is_sgr("44") && console_is_sgr("48;2;1:2:3;1"), "colours");
        OK(t, !console_is_sgr("44m") && !console_is_sgr("\033[44") && !console_is_sgr("red") && !console_is_sgr("1 2"),
           "no colours");
        OK(t, !console_is_sgr("1111111111111111111111111111111111111111111111111111111111111111111"), "too long");
}

/* Any bytes: no overrun, and what the filter lets through has no escape but colours. */
static void test_random(struct tap *t) {
        unsigned seed = 1, bad = 0;

        for (int round = 0; round < 20000; round++) {
                struct console_scan s = { .filter = true }, w = { 0 };
                char in[64], out[512], reset[1024];
                size_t n;

                for (size_t i = 0; i < sizeof in; i++) {
                        static const char likely[] = "\033\033\033[]?;0123456789mhlr!p qPX\\\a\016\xc2\x9b\x1b(<>=uc";

                        seed = seed * 1103515245 + 12345;
                        in[i] = seed >> 16 & 1 ? likely[(seed >> 17) % (sizeof likely - 1)] : (char) (seed >> 20);
                }
                n = console_scan(&s, in, sizeof in, out);
                bad += n > console_scan_room(&s, sizeof in);
                for (size_t i = 0; i < n; i++)
                        if (out[i] == '\033') {
                                size_t k = i + 2;

                                while (k < n && strchr("0123456789;:", out[k]))
                                        k++;
                                bad += out[i + 1] != '[' || k >= n || (out[k] != 'm' && out[k] != 'K');
                        }
                console_scan(&w, in, sizeof in, NULL);
                bad += console_scan_reset(&w, reset, sizeof reset) >= sizeof reset;
                bad += console_scan_reset(&w, reset, sizeof reset) != 0;
        }
        OK_INT(t, bad, 0, "20000 random texts");
}

int main(void) {
        struct tap t = { 0 };

        test_reset(&t);
        test_filter(&t);
        test_tint(&t);
        test_sgr(&t);
        test_random(&t);
        return tap_done(&t);
}
