/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The evaluator of sh: what it knows, and what it says it does not know. */
#include "detect/sh.h"

#include <glib/gstdio.h>
#include <string.h>

/* Text, and what variable x is after it: NULL: not set; "?": uncertain. */
typedef struct Case {
    const char *text;
    const char *x;
} Case;

static const char *
shown(const Sh *sh, const char *name)
{
    const ShVariable *variable = sh_get(sh, name);
    if (!variable)
        return NULL;
    return sh_value(sh, name) ? variable->value : "?";
}

static void
check(const Case *cases, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        g_autoptr(Sh) sh = sh_new(NULL, NULL, NULL);
        sh_run(sh, "/etc/x", cases[i].text);
        const char *const *messages = sh_messages(sh);
        if (g_strcmp0(shown(sh, "x"), cases[i].x) != 0 || *messages) {
            g_test_message("%s: x is %s, not %s (%s)", cases[i].text, shown(sh, "x"), cases[i].x,
                           *messages ? *messages : "no message");
            g_test_fail();
        }
    }
}

static void
test_quotes(void)
{
    static const Case cases[] = {
        {"x=a", "a"},
        {"x=", ""},
        {"y=1", NULL},
        {"x=\"a b\"", "a b"},
        {"x='a $b'", "a $b"},
        {"x=\"a\"'b'c\\ d", "abc d"},
        {"x=\"YES\" # comment", "YES"},
        {"x=\"YES\"\t# \"comment", "YES"},
        {"x=a#b", "a#b"},
        {"# x=1", NULL},
        {"x=1;y=2", "1"},
        {"y=2 ; x=1", "1"},
        {"x=1 y=2", "1"},
        {"x=\"a\\\nb\"", "ab"},
        {"x=\"a\nb\"", "a\nb"},
        {"x=a\\\nb", "ab"},
        {"x=\"-o a=b\"", "-o a=b"},
        {"x=\"\\$y \\\"q\\\" \\n\"", "$y \"q\" \\n"},
        {"x=1\nx=2", "2"},
        {"x=\"$\"", "$"},
        {"x=a\r\ny=1", "a\r"},
        {"\n\n  x=1", "1"},
        {"x=1 true", NULL},
        {"export x=\"a b\"", "a b"},
        {"x=1; unset x", NULL},
        {"x=\"\\}\"", "\\}"},
        {"readonly x=1", "1"},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void
test_parameters(void)
{
    static const Case cases[] = {
        {"a=1; x=$a", "1"},
        {"a=1; x=\"${a}b$a\"", "1b1"},
        {"x=$a", ""},
        {": ${x:=\"d\"}", "d"},
        {"x=; : ${x:=\"d\"}", "d"},
        {"x=; : ${x=\"d\"}", ""},
        {": ${x=\"d\"}", "d"},
        {": ${x:=\"a b\"}", "a b"},
        {"x=${x:-\"d\"}", "d"},
        {"x=${x-\"d\"}", "d"},
        {"x=; x=${x-d}", ""},
        {"x=v; x=${x:-d}", "v"},
        {"a=1; x=${a:+y}", "y"},
        {"x=${a:+y}", ""},
        {"x=${x:=NO}", "NO"},
        {"a=b; x=${c:-${a}}", "b"},
        {"a=/var/run/x.sock; x=${a##*/}", "x.sock"},
        {"a=/var/run/x.sock; x=${a%/*}", "/var/run"},
        {"a=/var/run/x.sock; x=${a#/*/}", "run/x.sock"},
        {"a=/var/run/x.sock; x=${a%%/*}", ""},
        {"a=/usr/local/etc/rc.d; x=${a%*/rc.d}", "/usr/local/etc"},
        {"a=abc; x=${a#\"?\"}", "abc"},
        {"a=abc; x=${a#?}", "bc"},
        {"a=abc; x=${a#[a-b]}", "bc"},
        {"a=abc; x=${a#[!a]}", "abc"},
        {"a=abc; x=${#a}", "3"},
        {"x=\"${a:-\"q q\"}\"", "q q"},
        {"x=\"${a:-'q'}\"", "'q'"},
        {"x=${a:-'q'}", "q"},
        {"x=\"${a:-}\"", ""},
        {"set -- a b; x=$2", "b"},
        {"set -- a b; shift; x=$1", "b"},
        {"set -- a b; x=$#", "2"},
        {"set -- a b; x=\"$*\"", "a b"},
        {"a='$b'; b=c; eval x=$a", "c"},
        {"p=one; a_one_s=v; eval x=\"\\${a_${p}_s:-d}\"", "v"},
        {"p=two; a_one_s=v; eval x=\"\\${a_${p}_s:-d}\"", "d"},
        {"a=$(echo b c); x=$a", "b c"},
        {"x=`echo \\`echo q\\``", "q"},
        {"x=$(echo a; echo b)", "?"},
    };
    check(cases, G_N_ELEMENTS(cases));
}

static void
test_commands(void)
{
    static const Case cases[] = {
        {"if [ -z \"$a\" ]; then x=1; else x=2; fi", "1"},
        {"a=1; if [ -z \"$a\" ]; then x=1; else x=2; fi", "2"},
        {"a=2; if [ $a -eq 1 ]; then x=1; elif [ $a -eq 2 ]; then x=2; fi", "2"},
        {"if [ x$a = x ]\nthen\n x=1\nfi", "1"},
        {"[ -z \"$a\" ] && x=1", "1"},
        {"[ -n \"$a\" ] && x=1", NULL},
        {"[ -n \"$a\" ] || x=1", "1"},
        {"test -z \"$a\" -a 1 -lt 2 && x=1", "1"},
        {"[ -n \"$a\" -o ! -n \"$b\" ] && x=1", "1"},
        {"[ \\( -n \"$a\" \\) ] || x=1", "1"},
        {"! false && x=1", "1"},
        {"case abc in a*) x=1;; *) x=2;; esac", "1"},
        {"case abc in b|\"a*\") x=1;; *) x=2 ;; esac", "2"},
        {"case yes in [Yy][Ee][Ss]) x=1 ;; esac", "1"},
        {"case $a in '') x=e;; esac", "e"},
        {"case a in (a) x=1 ; esac", "1"},
        {"for i in a b c; do x=$x$i; done", "abc"},
        {"for i in a b; do eval ${i}_e=YES; done; x=$b_e", "YES"},
        {"for i in a b; do x=$i; break; done", "a"},
        {"l=\"a b\"; for i in $l; do [ $i = a ] && continue; x=$x$i; done", "b"},
        {"{ x=1; }", "1"},
        {"(x=1)", NULL},
        {"x=1 | cat", NULL},
        {"x=1 &", NULL},
        {"f() { x=1; }", NULL},
        {"f()\n{\n x=1\n}\ny=2", NULL},
        {"cat <<E\nx=1\nE\ny=1", NULL},
        {"cat <<-E >/dev/null 2>&1\n\tx=1\n\tE\nx=2", "2"},
        {"x=1; exit 0; x=2", "1"},
        {"x=1; return; x=2", "1"},
        {"echo 'if then' >&2; x=1", "1"},
        {"x=1; frobnicate --all; y=1", "1"},
        {"while false; do x=1; done", NULL},
    };
    check(cases, G_N_ELEMENTS(cases));
}

/* Nothing is run, so nothing of this is known; and nothing of it is guessed. */
static void
test_uncertain(void)
{
    static const Case cases[] = {
        {"x=$(hostname)", "?"},
        {"x=`hostname`.sock", "?"},
        {"x=$((1 + 2))", "?"},
        {"a=$(hostname); x=/var/$a", "?"},
        {"a=$(hostname); x=$a; x=1", "1"},
        {"x=1; if [ $(hostname) = a ]; then x=2; fi", "?"},
        {"x=1; if [ $(hostname) = a ]; then x=1; fi", "1"},
        {"x=1; grep -q a /etc/hosts && x=2", "?"},
        {"case $(uname) in FreeBSD) x=1;; *) x=2;; esac", "?"},
        {"while read l; do x=1; done", "?"},
        {"while sleep 1; do x=1; done", "?"},
        {"f() { x=1; }; f", "?"},
        {"f() { x=1; }; f; x=2", "2"},
        {"read x", "?"},
        {"x=$$", "?"},
        {"a=$(hostname); x=${a:-d}", "?"},
        {"a=$(hostname); eval x=$a", "?"},
        {"x=1; eval $(cmd)", "1"},
        {"a=$(hostname); x=${a:=d}", "?"},
        {": ${x:=$(hostname)}", "?"},
        {"for i in $(ls); do x=$i; done", "?"},
        {"for i in *.conf; do x=$i; done", "?"},
        {"grep -q a b; x=$?", "?"},
        {"[ a = b ]; y=$(echo); x=$?", "0"},
        {"[ a = b ] || x=$(echo)$?", "?"},
        {"x=1; hostname | grep -q a && unset x", "?"},
    };
    check(cases, G_N_ELEMENTS(cases));
}

/* What is easily taken for something else. */
static void
test_traps(void)
{
    static const Case cases[] = {
        {"x=1 :", "1"},
        {"x=1 eval 'y=$x'; x=$y", "1"},
        {"x=1 frobnicate", NULL},
        {"command export x=1", "1"},
        {"setvar x 1", "1"},
        {"x=1; setvar x", NULL},
        {"a='b c'; export x=$a", "b c"},
        {"x=1; unset -f x", "1"},
        {"f() { x=1; } && x=2", "2"},
        {"x=1; until false; do x=2; break; done", "?"},
        {"x=1; while x=2; false; do :; done", "2"},
        {"for i in a b; do for j in c d; do x=$x$i$j; continue 2; done; done", "acbc"},
        {"for i in a b; do for j in c d; do x=$x$i$j; break 2; done; done", "ac"},
        {"x=1; break; x=2", "2"},
        {"set \"\" b c; x=$2", "b"},
        {"set -- a b c; shift 2; x=$1", "c"},
        {"set -e; x=1; false; x=2", "1"},
        {"set -e; x=1; if false; then :; fi; false || x=2", "2"},
        {"case 1a in [[:digit:]]*) x=1 ;; *) x=2 ;; esac", "1"},
        {"x=\"${IFS}\"", " \t\n"},
        {"a=$IFS; IFS=:; IFS=$a; set -- $1 b; x=$1", "b"},
        {"x=a; x=\"${x%${y=1}}\"; x=$y", "1"},
        {"x=\"${y%${z=1}}\"", ""},
        {"set -- a; x=${1:-b}", "a"},
        {"exec >/dev/null; x=1", "1"},
        {"x=1; exec frobnicate; x=2", "1"},
        {"x=inet6:25@[::1]; set -- $x; x=$1", "inet6:25@[::1]"},
    };
    check(cases, G_N_ELEMENTS(cases));
}

/* What was taken for certain, and is not. */
static void
test_doubts(void)
{
    static const Case cases[] = {
        {"x=~", "?"},
        {"x=a:~/b", "?"},
        {"x=$HOME", "?"},
        {"x=${PATH:-a}", "?"},
        {"x=$'a'", "?"},
        {"x=1; y=$((x = 5))", "?"},
        {"x=a:b; IFS=:; for i in $x; do x=$i; done", "?"},
        {"a='*'; for i in $a; do x=$i; done", "?"},
        {"set -- $(frobnicate) b; x=$1", "?"},
        {"frobnicate && set -- a; x=$#", "?"},
        {"x=p; set -- p; f() { x=$1; }; f q", "?"},
        {"for i in a b; do x=$i; frobnicate && break; done", "?"},
        {"frobnicate && return; x=1", "?"},
        {"x=a; y=a; while frobnicate; do x=$y; y=b; done", "?"},
        {"x=a; while [ $x != aaa ]; do x=a$x; done", "?"},
        {"a=$(frobnicate); if [ $a = b -o 1 = 1 ]; then x=1; fi", "?"},
        {"if [ a -eq 1 -o 1 = 1 ]; then x=1; fi", "?"},
        {"if [ a -o ]; then x=1; fi", "?"},
        {"x=a; y=$(echo ${x:=b} ${z:=c}); x=$z", "?"},
        {"x=$(echo 'a\\nb')", "?"},
        {"x=${@:-a}", "?"},
        {"x=\"${a:-\"\\}\"}\"", "?"},
        {"getopts a x", "?"},
        {"if frobnicate; then f() { x=1; }; else f() { x=2; }; fi; x=1; f", "?"},
        {"a=$(frobnicate); x=1; $a export x=2", "?"},
        {"x=1; a=$(frobnicate); b=${a:+${x:=2}}; x=; b=${a:+${x:=2}}", "?"},
    };
    check(cases, G_N_ELEMENTS(cases));
}

/* What is not followed, or ends sh, is named by file and line. */
static void
test_declined(void)
{
    static const char *const texts[] = {"x=1\nalias a=b\n",
                                        "x=1\n: <<E\n${y:=1}\nE\n",
                                        "x=1\n: >${y:=/dev/null}\n",
                                        "x=1\ny\\\nz=1\n",
                                        "x=1\ny=$\\\nz\n",
                                        "x=1\n. $(frobnicate)\n",
                                        "x=1\nexport $(frobnicate)\n",
                                        "x=1\nlocal y=1\n",
                                        "x=1\nreadonly x; x=2\n",
                                        "x=1\n: ${y?}\n",
                                        "x=1\nset -u; : $y\n",
                                        "x=1\nshift 2\n",
                                        "x=1\ntrue | | true\n",
                                        "x=1\nunset $(frobnicate)\n"};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Sh) sh = sh_new(NULL, NULL, NULL);
        sh_run(sh, "/f", texts[i]);
        g_assert_cmpstr(sh_value(sh, "x"), ==, "1");
        g_assert_null(sh_value(sh, "y"));
        g_assert_nonnull(sh_messages(sh)[0]);
        g_assert_true(g_str_has_prefix(sh_messages(sh)[0], "/f:"));
        g_assert_null(sh_messages(sh)[1]);
    }
}

static void
test_places(void)
{
    g_autoptr(Sh) sh = sh_new(NULL, NULL, NULL);
    sh_run(sh, "/etc/rc.conf", "a=1\n\n# c\nb=\"x\\\ny\"\nc=$(id)\n: ${d:=1}\n");
    sh_run(sh, "/etc/rc.conf.local", "a=2\n");
    g_assert_cmpstr(sh_get(sh, "a")->place.file, ==, "/etc/rc.conf.local");
    g_assert_cmpuint(sh_get(sh, "a")->place.line, ==, 1);
    g_assert_cmpuint(sh_get(sh, "b")->place.line, ==, 4);
    g_assert_cmpuint(sh_get(sh, "c")->place.line, ==, 6);
    g_assert_cmpstr(sh_get(sh, "c")->place.file, ==, "/etc/rc.conf");
    g_assert_nonnull(sh_get(sh, "c")->why);
    g_assert_cmpuint(sh_get(sh, "d")->place.line, ==, 7);
}

/* What was before the error counts, as in sh. */
static void
test_syntax_errors(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"x=1\ny=\"abc\n", "/f:3:"}, {"x=1\nif true; then y=1\n", "/f:3:"},
        {"x=1\ny='", "/f:2:"},       {"x=1\ncase a in\n", "/f:3:"},
        {"x=1\n)\n", "/f:2:"},       {"x=1\ny=${a", "/f:2:"},
        {"x=1\ny=${a!b}", "/f:2:"},  {"x=1\ny=$(a", "/f:2:"},
        {"x=1\ny=`a", "/f:2:"},      {"x=1\ny=$((1", "/f:2:"},
        {"x=1\nfi\n", "/f:2:"},      {"x=1\n{ y=1", "/f:2:"},
        {"x=1\ncat >", "/f:2:"},     {"x=1\nfor 1 in a; do b; done", "/f:2:"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Sh) sh = sh_new(NULL, NULL, NULL);
        sh_run(sh, "/f", cases[i].text);
        const char *const *messages = sh_messages(sh);
        g_assert_cmpstr(sh_value(sh, "x"), ==, "1");
        g_assert_null(sh_get(sh, "y"));
        g_assert_nonnull(messages[0]);
        g_assert_true(g_str_has_prefix(messages[0], cases[i].message));
        g_assert_null(messages[1]);
    }
}

static void
test_words(void)
{
    g_autoptr(Sh) sh = sh_new(NULL, NULL, NULL);
    sh_run(sh, "/f", "s=/var/run/s.sock; u=$(id -un); f='-p $s -c \"a b\" -u'");
    GPtrArray *words = sh_words(sh, "$f");
    g_assert_cmpuint(words->len, ==, 6);
    g_ptr_array_unref(words);
    words = sh_words(sh, sh_value(sh, "f"));
    g_assert_cmpuint(words->len, ==, 5);
    g_assert_cmpstr(((ShWord *)g_ptr_array_index(words, 1))->text, ==, "/var/run/s.sock");
    g_assert_cmpstr(((ShWord *)g_ptr_array_index(words, 3))->text, ==, "a b");
    g_ptr_array_unref(words);
    words = sh_words(sh, "-u $u -p $s >/dev/null 2>&1 &");
    g_assert_cmpuint(words->len, ==, 4);
    g_assert_false(((ShWord *)g_ptr_array_index(words, 1))->certain);
    g_assert_true(((ShWord *)g_ptr_array_index(words, 3))->certain);
    g_ptr_array_unref(words);
}

/* Each would take for ever, or all memory. */
static void
test_limits(void)
{
    static const char *const texts[] = {
        "x=ab; x=$x$x; eval 'y=$x$x; x=$y$y; eval \"$z\"'",
        "z='for i in a b c d e f g h; do eval \"$z\"; done'; eval \"$z\"",
        "l='a a a a a a a a'; l=\"$l $l $l $l $l $l\"; l=\"$l $l $l $l $l $l\";"
        "for i in $l; do for j in $l; do for k in $l; do x=$i$j$k; done; done; done",
        "a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; a=$a$a$a$a$a$a$a$a; a=$a$a$a$a$a$a$a$a;"
        "a=$a$a$a$a$a$a$a$a; x=${a%%*a*a*a*a*a*a*a*a*b}",
        "f() { f; f; f; }; f",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Sh) sh = sh_new(NULL, NULL, NULL);
        sh_run(sh, "/f", texts[i]);
        guint n = 0;
        while (sh_messages(sh)[n])
            n++;
        g_assert_cmpuint(n, <=, SH_MESSAGES_MAX);
        const ShVariable *x = sh_get(sh, "x");
        g_assert_cmpuint(x ? strlen(x->value) : 0, <=, SH_VALUE_MAX + 1);
    }
}

static void
check_deep(const char *open, const char *close)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < 50000; i++)
        g_string_append(text, open);
    g_string_append(text, "x");
    for (guint i = 0; i < 50000; i++)
        g_string_append(text, close);
    g_autoptr(Sh) sh = sh_new(NULL, NULL, NULL);
    sh_run(sh, "/f", text->str);
    g_assert_nonnull(sh_messages(sh)[0]);
}

static void
test_nesting(void)
{
    check_deep("(", ")");
    check_deep("{ ", "; }");
    check_deep("$(", ")");
    check_deep("${a:-", "}");
    check_deep("if ", "; then a; fi");
    check_deep("f() ", "");
    check_deep("\"${a:-\"", "\"}\"");
    check_deep("case a in a) ", ";; esac");
    check_deep("if a; then b; elif ", "; then a; fi");
}

/* A text that goes on and on after its limit says so once, and nothing of it is believed. */
static void
test_stopped(void)
{
    g_autoptr(GString) text = g_string_new("x=1\nl='");
    for (guint i = 0; i < 1000; i++)
        g_string_append(text, "a ");
    g_string_append(text, "'\nfor i in $l; do for j in $l; do y=$i$j; done; done\n");
    g_autoptr(Sh) sh = sh_new(NULL, NULL, NULL);
    sh_run(sh, "/f", text->str);
    g_assert_true(sh_stopped(sh));
    g_assert_null(sh_value(sh, "x"));
    g_assert_nonnull(sh_messages(sh)[0]);
    g_assert_null(sh_messages(sh)[1]);
}

/* A file that reads itself twice would be read 2^16 times. */
static void
test_files(void)
{
    g_autofree char *folder = g_dir_make_tmp("rc-conf-sh-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "f", NULL);
    g_autoptr(DetectTree) tree = detect_tree_new(folder);
    g_autoptr(Sh) sh = sh_new(tree, NULL, NULL);
    g_assert_true(g_file_set_contents(path, ". /f\n. /f\n", -1, NULL));
    sh_source(sh, "/f");
    g_assert_true(sh_stopped(sh));
    g_unlink(path);
    g_rmdir(folder);
}

static void
test_yes_or_no(void)
{
    g_assert_cmpint(sh_yes_or_no("YES"), ==, SH_TRUE);
    g_assert_cmpint(sh_yes_or_no("on"), ==, SH_TRUE);
    g_assert_cmpint(sh_yes_or_no("True"), ==, SH_TRUE);
    g_assert_cmpint(sh_yes_or_no("1"), ==, SH_TRUE);
    g_assert_cmpint(sh_yes_or_no("no"), ==, SH_FALSE);
    g_assert_cmpint(sh_yes_or_no("OFF"), ==, SH_FALSE);
    g_assert_cmpint(sh_yes_or_no("0"), ==, SH_FALSE);
    g_assert_cmpint(sh_yes_or_no("YEP"), ==, SH_UNKNOWN);
    g_assert_cmpint(sh_yes_or_no(""), ==, SH_UNKNOWN);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/detect/sh/quotes", test_quotes);
    g_test_add_func("/detect/sh/parameters", test_parameters);
    g_test_add_func("/detect/sh/commands", test_commands);
    g_test_add_func("/detect/sh/uncertain", test_uncertain);
    g_test_add_func("/detect/sh/traps", test_traps);
    g_test_add_func("/detect/sh/doubts", test_doubts);
    g_test_add_func("/detect/sh/declined", test_declined);
    g_test_add_func("/detect/sh/places", test_places);
    g_test_add_func("/detect/sh/syntax-errors", test_syntax_errors);
    g_test_add_func("/detect/sh/words", test_words);
    g_test_add_func("/detect/sh/limits", test_limits);
    g_test_add_func("/detect/sh/nesting", test_nesting);
    g_test_add_func("/detect/sh/stopped", test_stopped);
    g_test_add_func("/detect/sh/files", test_files);
    g_test_add_func("/detect/sh/yes-or-no", test_yes_or_no);
    return g_test_run();
}
