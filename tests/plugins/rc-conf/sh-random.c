/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands. */
#include "sh-random-private.h"

#include <string.h>

const char *const sh_random_names[] = {"a", "b", "c", "d", "e", "f_1", "i", "N", "P", "E", NULL};

static void put_command(Dice *d);

static void
put(Dice *d, const char *text)
{
    g_string_append(d->out, text);
}

static void
put_end(Dice *d)
{
    static const char *const ends[] = {"\n",        "\n",   "\n",   "; ",
                                       " # c 'x\n", "\n\n", " ;\n", "  \t\n"};
    put(d, PICK(d, ends));
}

/* As the body of something. */
static void
put_list(Dice *d)
{
    for (guint n = 1 + below(d, 2); n > 0; n--) {
        put_command(d);
        put_end(d);
    }
}

/* ---- Simple commands. */

static void
put_assignment(Dice *d)
{
    put(d, any_name(d));
    put(d, "=");
    if (below(d, 8) > 0)
        put_word(d, 3);
}

static void
put_assignments(Dice *d)
{
    static const char *const after[] = {
        "", "", "", "", "", " :", " true", " >/dev/null", " frobnicate", " export N"};
    for (guint n = below(d, 6) == 0 ? 2 : 1; n > 0; n--) {
        put_assignment(d);
        put(d, n > 1 ? " " : PICK(d, after));
    }
}

static void
put_declaration(Dice *d)
{
    static const char *const words[] = {"export ", "export ", "export ", "readonly ",
                                        "command export "};
    put(d, d->in_function ? "local " : PICK(d, words));
    if (below(d, 6) > 0)
        put_assignment(d);
    else
        put(d, any_name(d));
}

static void
put_colon(Dice *d)
{
    static const char *const before[] = {":", ": -x", "true", "frobnicate", "command :"};
    put(d, PICK(d, before));
    put_words(d, 3);
    put(d, below(d, 6) == 0 ? " 2>&1 >/dev/null" : "");
}

static void
put_unset(Dice *d)
{
    static const char *const words[] = {"unset ", "unset ", "unset -v ", "unset -f "};
    put(d, PICK(d, words));
    put(d, any_name(d));
}

static void
put_set(Dice *d)
{
    static const char *const words[] = {"set --",    "set -- ",  "set --",    "set x",
                                        "set -f --", "shift; :", "shift 2; :"};
    put(d, PICK(d, words));
    put_words(d, 3);
}

static void
put_eval(Dice *d)
{
    GString *outer = d->out;
    if (below(d, 3) == 0) {
        g_string_append_printf(outer, "eval %s=\\$%s", any_name(d), any_name(d));
        return;
    }
    d->out = g_string_new(NULL);
    put_command(d);
    g_string_replace(d->out, "'", "'\\''", 0);
    g_string_append_printf(outer, "eval '%s'", d->out->str);
    g_string_free(d->out, TRUE);
    d->out = outer;
}

static void
put_leaving(Dice *d)
{
    static const char *const loop[] = {"break", "continue", "break 2", "continue 2", "break"};
    static const char *const file[] = {"return", "return 0", "return 1", "exit", "exit 1"};
    static const char *const function[] = {"return", "return 0", "return 1"};
    if (d->loops > 0)
        put(d, PICK(d, loop));
    else
        put(d, d->in_function ? PICK(d, function) : PICK(d, file));
}

/* Not in a function: the file may call it. */
static void
put_dot(Dice *d)
{
    if (d->path && !d->in_function)
        g_string_append_printf(d->out, ". \"%s\"", d->path);
    else
        put(d, ":");
}

static void
put_rare(Dice *d)
{
    static const char *const texts[] = {"IFS=:",
                                        "IFS=",
                                        "unset IFS",
                                        "c=$IFS",
                                        "IFS=$c",
                                        "set -e",
                                        "set +e",
                                        "set -u",
                                        "read a </dev/null",
                                        ": <<E\n$a `echo b` it's \"\nE",
                                        ": <<'E'\n${a:=q}\nE",
                                        ": <<-E\n\t${a:=q}\n\tE",
                                        "cd .",
                                        "local a=1",
                                        "a=1 eval 'b=$a'",
                                        ": \"${f_1?}\"",
                                        ": \"${a:?no}\"",
                                        "getopts p: a",
                                        "set -- -p x; getopts p: a",
                                        "! a=1",
                                        "trap : 1",
                                        "umask 022",
                                        "exec 3>&1"};
    put(d, PICK(d, texts));
}

static void
put_simple(Dice *d)
{
    static void (*const commands[])(Dice *) = {
        put_assignments, put_assignments, put_assignments, put_assignments, put_assignments,
        put_assignments, put_colon,       put_colon,       put_declaration, put_unset,
        put_set,         put_eval,        put_dot,
    };
    guint what = below(d, 24);
    if (what == 0)
        put_leaving(d);
    else if (what == 1)
        put_rare(d);
    else
        PICK(d, commands)(d);
}

/* ---- Tests. */

static void
put_test(Dice *d)
{
    static const char *const binary[] = {" = ", " != ", " -eq ", " -lt ", " -ge ", " -a ", " -o "};
    static const char *const unary[] = {"-z ", "-n ", "! ", "! -z ", ""};
    gboolean bracket = below(d, 4) > 0;
    put(d, bracket ? "[ " : "test ");
    if (below(d, 2) == 0) {
        put_word(d, 1);
        put(d, PICK(d, binary));
    } else {
        put(d, PICK(d, unary));
    }
    put_word(d, 1);
    if (below(d, 6) == 0)
        put(d, below(d, 2) ? " -a a = a" : " -o -n \"$b\"");
    put(d, bracket ? " ]" : "");
}

static void
put_condition(Dice *d)
{
    static const char *const others[] = {"true",     "false",        "! false",
                                         ":",        "frobnicate",   "! frobnicate",
                                         "(exit 1)", "true | false", "test"};
    guint what = below(d, 10);
    if (what < 7)
        put_test(d);
    else if (what == 7 && d->path)
        g_string_append_printf(d->out, "[ -%c '%s%s' ]", "fedrs"[below(d, 5)], d -> path,
                               below(d, 2) ? "" : ".no");
    else
        put(d, PICK(d, others));
}

/* ---- Compound commands. */

static void
put_if(Dice *d)
{
    put(d, "if ");
    put_condition(d);
    put(d, below(d, 2) ? "; then " : "\nthen\n");
    put_list(d);
    if (below(d, 4) == 0) {
        put(d, "elif ");
        put_condition(d);
        put(d, "; then ");
        put_list(d);
    }
    if (below(d, 2) == 0) {
        put(d, "else ");
        put_list(d);
    }
    put(d, "fi");
}

static void
put_case(Dice *d)
{
    static const char *const patterns[] = {
        "a",     "*",  "a*",     "?",         "''",           "[ab]*", "[!a]",
        "\"*\"", "$a", "\"$a\"", "b|\"a b\"", "[[:alpha:]]*", "a|b",   "*.*"};
    put(d, "case ");
    put_word(d, 2);
    put(d, below(d, 2) ? " in " : " in\n");
    for (guint n = below(d, 4); n > 0; n--) {
        put(d, below(d, 4) ? "" : "(");
        put(d, PICK(d, patterns));
        put(d, ") ");
        put_list(d);
        put(d, below(d, 3) ? ";;\n" : " ;; ");
    }
    put(d, "esac");
}

static void
put_for(Dice *d)
{
    put(d, "for i");
    if (below(d, 6) > 0) {
        put(d, " in");
        put_words(d, 3);
        put(d, below(d, 3) ? "; do " : "\ndo\n");
    } else {
        put(d, below(d, 2) ? "; do " : "\ndo ");
    }
    d->loops++;
    put_list(d);
    d->loops--;
    put(d, "done");
}

/* Its last command ends it, or its test does in the second round. */
static void
put_while(Dice *d)
{
    static const char *const tests[] = {
        "[ -z \"$i\" ]; do i=1; ", "[ \"$i\" != xx ]; do i=x$i; b=$i; [ ${#i} -gt 2 ] && break\n"};
    gboolean once = below(d, 2) == 0;
    put(d, once ? "while " : "i=; while ");
    if (once) {
        put_condition(d);
        put(d, "; do ");
    } else {
        put(d, PICK(d, tests));
    }
    guint loops = d->loops;
    d->loops = 0;
    gboolean in_function = d->in_function;
    d->in_function = TRUE;
    put_assignments(d);
    d->in_function = in_function;
    d->loops = loops;
    put(d, once ? "; break; done" : "; [ -n \"$i\" ] || break; done");
}

static void
put_group(Dice *d)
{
    gboolean apart = below(d, 3) == 0;
    put(d, apart ? "( " : "{ ");
    guint loops = d->loops;
    d->loops = apart ? 0 : loops;
    put_list(d);
    d->loops = loops;
    put(d, apart ? ")" : "}");
}

static void
put_function(Dice *d)
{
    gboolean was = d->in_function;
    guint loops = d->loops;
    g_string_append_printf(d->out, "%c() {\n", "fgh"[below(d, 3)]);
    d->in_function = TRUE;
    d->loops = 0;
    put_list(d);
    put(d, "}");
    d->in_function = was;
    d->loops = loops;
}

static void
put_call(Dice *d)
{
    g_string_append_printf(d->out, "%s%c", below(d, 6) ? "" : "a=1 ", "fgh"[below(d, 3)]);
    put_words(d, 2);
}

static void
put_joined(Dice *d)
{
    static const char *const joints[] = {" && ", " || ", " &&\n", " ||", "&& ! "};
    put_condition(d);
    put(d, PICK(d, joints));
    put_simple(d);
}

static void
put_apart(Dice *d)
{
    static const char *const ends[] = {" | :", " | frobnicate", " >/dev/null | read b"};
    put_simple(d);
    put(d, PICK(d, ends));
}

static void
put_command(Dice *d)
{
    static void (*const compound[])(Dice *) = {
        put_if,     put_if,     put_case,  put_for,  put_while, put_group,   put_joined,
        put_joined, put_joined, put_apart, put_call, put_call,  put_function};
    guint loops = d->loops;
    d->depth++;
    if (d->depth > 4 || below(d, 3) > 0) {
        put_simple(d);
    } else {
        guint which = below(d, G_N_ELEMENTS(compound) - (d->in_function ? 3 : 0));
        compound[which](d);
    }
    d->depth--;
    d->loops = loops;
}

GPtrArray *
sh_random_text(GRand *dice, const char *path)
{
    GPtrArray *commands = g_ptr_array_new_with_free_func(g_free);
    Dice d = {.dice = dice, .path = path};
    for (guint n = 2 + below(&d, 8); n > 0; n--) {
        d.out = g_string_new(NULL);
        put_command(&d);
        g_string_append_c(d.out, '\n');
        g_ptr_array_add(commands, g_string_free(d.out, FALSE));
    }
    return commands;
}

char *
sh_random_join(const GPtrArray *commands, gboolean whole)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < commands->len; i++)
        g_string_append(text, g_ptr_array_index(commands, i));
    if (whole)
        g_string_append(text, "N=$#; P=\"$1\"; E=1\n");
    return g_string_free(text, FALSE);
}
