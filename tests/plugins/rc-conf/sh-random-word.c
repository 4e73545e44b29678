/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words: quotes and expansions. */
#include "sh-random-private.h"

#include <string.h>

guint
below(Dice *d, guint n)
{
    return (guint)g_rand_int_range(d->dice, 0, (gint32)n);
}

const char *
any_name(Dice *d)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f_1"};
    return PICK(d, names);
}

static void
put(Dice *d, const char *text)
{
    g_string_append(d->out, text);
}

/* ---- Expansions. */

static void
put_operand(Dice *d, gboolean pattern)
{
    static const char *const patterns[] = {"*",           "?",      "a*",  "*/",    "/*",
                                           "[ab]",        "[!a]",   "*.*", "\"*\"", "\\*",
                                           "[[:digit:]]", "[a-c]*", "$b"};
    static const char *const blanks[] = {"a b", "", " ", "x  y", "\"a  b\"", "'q'", "\\}", "~"};
    guint what = below(d, 4);
    if (pattern && what > 0)
        put(d, PICK(d, patterns));
    else if (what == 1)
        put(d, PICK(d, blanks));
    else
        put_word(d, 1);
}

static void
put_braced(Dice *d)
{
    static const char *const operations[] = {":-", "-", ":=", "=", ":+", "+"};
    static const char *const trims[] = {"#", "##", "%", "%%"};
    put(d, "${");
    put(d, any_name(d));
    if (below(d, 3) > 0) {
        put(d, PICK(d, operations));
        put_operand(d, FALSE);
    } else {
        put(d, PICK(d, trims));
        put_operand(d, TRUE);
    }
    put(d, "}");
}

static void
put_special(Dice *d)
{
    static const char *const special[] = {"$1",
                                          "$#",
                                          "$?",
                                          "\"$@\"",
                                          "$*",
                                          "\"$*\"",
                                          "$@",
                                          "${2}",
                                          "${1:-d}",
                                          "${#}",
                                          "$((1 + 2))",
                                          "$((a = 3))",
                                          "${HOME}",
                                          "$IFS",
                                          "$OPTIND",
                                          "$PWD",
                                          "$10",
                                          "${@:-d}",
                                          "$((b += 1))",
                                          "$((a == 1))",
                                          "$(frobnicate)",
                                          "`frobnicate`",
                                          "$"};
    put(d, PICK(d, special));
}

static void
put_output(Dice *d)
{
    gboolean quotes = below(d, 3) == 0 && !d->backquotes;
    d->backquotes += quotes ? 1 : 0;
    put(d, quotes ? "`echo " : "$(echo ");
    put_word(d, 1);
    put(d, quotes ? "`" : ")");
    d->backquotes -= quotes ? 1 : 0;
}

static void
put_expansion(Dice *d)
{
    guint what = below(d, 16);
    if (what < 5)
        g_string_append_printf(d->out, "$%s", any_name(d));
    else if (what < 7)
        g_string_append_printf(d->out, "${%s}", any_name(d));
    else if (what == 7)
        g_string_append_printf(d->out, "${#%s}", any_name(d));
    else if (what < 14 && d->depth < 4)
        put_braced(d);
    else if (what == 14 && d->depth < 4)
        put_output(d);
    else
        put_special(d);
}

/* ---- Quotes. */

static void
put_single(Dice *d)
{
    static const char *const texts[] = {"a b", "$a", "",    "a*",   "a;b",
                                        "\"",  "#",  "a=b", "${b}", "\t"};
    static const char *const odd[] = {"\\n", "a\nb", "`", "a\\"};
    put(d, "'");
    put(d, below(d, 5) > 0 || d->backquotes ? PICK(d, texts) : PICK(d, odd));
    put(d, "'");
}

static void
put_double(Dice *d)
{
    static const char *const texts[] = {"a  b", " ",   "a",   "\\$a", "'",      "/var/run",
                                        "#",    ";",   "-p ", "\\\\", "a\\\nb", "\n",
                                        "*",    "\\}", "}",   "~",    "\\a"};
    put(d, "\"");
    for (guint n = below(d, 4); n > 0; n--) {
        if (below(d, 2) == 0)
            put(d, d->backquotes ? "a" : PICK(d, texts));
        else
            put_expansion(d);
    }
    put(d, "\"");
}

static void
put_piece(Dice *d)
{
    static const char *const plain[] = {"a",   "b",           "ab", "1",   "10",  "YES",
                                        "no",  "/run/s.sock", "-p", "x=y", "a#b", "a.b",
                                        "a:b", ",",           "{",  "a}b"};
    static const char *const odd[] = {"*",   "?",    "[ab]", "~",    "a:~",    "\\ ", "\\a",
                                      "\\$", "\\\\", "\\'",  "\\\"", "a\\\nb", "!",   "-n"};
    guint what = below(d, 12);
    if (what < 4)
        put(d, PICK(d, plain));
    else if (what == 4)
        put(d, d->backquotes ? "b" : PICK(d, odd));
    else if (what < 7)
        put_single(d);
    else if (what < 9 && d->depth < 4)
        put_double(d);
    else
        put_expansion(d);
}

void
put_word(Dice *d, guint most)
{
    d->depth++;
    for (guint n = 1 + below(d, most); n > 0; n--)
        put_piece(d);
    d->depth--;
}

void
put_words(Dice *d, guint most)
{
    for (guint n = below(d, most + 1); n > 0; n--) {
        put(d, " ");
        put_word(d, 2);
    }
}
