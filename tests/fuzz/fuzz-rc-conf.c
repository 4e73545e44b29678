/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What detectors read: shell texts, the milters' own files, records, a whole tree. The first byte
 * says which; the rest is the text. Promises: no crash, no hang, limits kept.
 */
#include "fuzz.h"

#include "detect/conf.h"
#include "detect/record.h"
#include "detect/spec.h"
#include "rc-conf.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#define SHELL "\0"
#define KEYWORD "\2"
#define COLON "\3"
#define EQUALS "\4"
#define GREYLIST "\5"
#define SHELL_FILE "\6"
#define RSPAMD "\7"
#define RECORDS "\10"
#define RC_CONF "\11"
#define SCRIPT "\12"
#define BOTH "\13"

const FuzzSeed fuzz_seeds[] = {
    FUZZ_SEED(SHELL "a=1; b=\"$a ${c:-d} `id` $(id)\" # c\nexport e='f'; : ${g:=h}\n"),
    FUZZ_SEED(SHELL "if [ -z \"$a\" ] && ! false; then x=1; elif b; then y=2; else z=3; fi\n"
                    "case $x in 1|2*) v=${x#?} ;; *) exit ;; esac\nf() { q=1; }; f\n"),
    FUZZ_SEED(SHELL "for i in a b; do eval ${i}_e=\\$x; done; while read l; do m=$l; done < /f\n"
                    "cat <<E\nx=1\nE\n( a | b ) & set -- p q; shift; r=$1$#$@; unset r\n"),
    FUZZ_SEED(KEYWORD "# c\nSocket local:/a # d\nInclude /usr/local/etc/rspamd/rspamd.conf\n"),
    FUZZ_SEED(COLON "milter.socket: inet:1@h\nSocket: /s\n"),
    FUZZ_SEED(EQUALS "Socket = inet:1@h\n"),
    FUZZ_SEED(GREYLIST "socket \"/s\" 660\nracl greylist \\\n tarpit 65s # x\n"),
    FUZZ_SEED(SHELL_FILE "Socket=/s\n. /etc/rc.conf\n"),
    FUZZ_SEED(RSPAMD "worker \"rspamd_proxy\" {\n bind_socket = [\"*:1\", \"/s mode=0660\"];\n"
                     " milter: yes; /* c */ a { b <<EOD\nx\nEOD\n }\n"
                     " .include(try=true; priority=1) \"$CONFDIR/rspamd.conf\"\n}\n"),
    FUZZ_SEED(RECORDS "[a]\nscripts = a b # c\nsocket = flag:p conf\nspec = 25@h\nrank = 5\n"),
    FUZZ_SEED(RC_CONF "miltergreylist_enable=\"YES\"; miltergreylist_flags='-p local:unix:/s'\n"
                      "rc_conf_files=\"/etc/rc.conf /etc/x\"\nlocal_startup=/usr/local/etc/rc.d\n"),
    FUZZ_SEED(SCRIPT ". /etc/rc.subr\nname=miltergreylist\nrcvar=`set_rcvar`\n"
                     "load_rc_config $name\nset_rcvar a b c; set_rcvar_obsolete d e\n"
                     ": ${miltergreylist_flags=\"-f /c -p ${miltergreylist_sockfile:-/s}\"}\n"
                     "checkyesno a && command_args=\"-q &\"\nrun_rc_command \"$1\"\n"),
    FUZZ_SEED(BOTH ". /etc/rc.conf\nname=miltergreylist\nload_rc_config $name\n"
                   "rcvar=miltergreylist_enable\nmiltergreylist_enable=on\n"),
    /* It reads itself twice, and each of these again. */
    FUZZ_SEED(BOTH ". /etc/rc.conf\nname=m\n. /etc/rc.conf\nrcvar=miltergreylist_enable\n"),
    {NULL, 0},
};

/* Files that a text stands in; made once, and the process's end leaves them in the system's folder
 * for temporary files. */
static const char *const paths[] = {"/etc/rc.conf", "/usr/local/etc/rc.d/milter-greylist",
                                    "/usr/local/etc/rspamd/rspamd.conf"};

static void
remove_root(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *file = g_strconcat(g_getenv("FUZZ_ROOT"), paths[i], NULL);
        g_remove(file);
        for (char *slash; (slash = strrchr(file, '/')) && slash > file;) {
            *slash = '\0';
            if (g_rmdir(file) != 0)
                break;
        }
    }
}

static const char *
root(void)
{
    static char *directory;
    if (directory)
        return directory;
    directory = g_dir_make_tmp("fuzz-rc-conf-XXXXXX", NULL);
    g_assert(directory);
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *folder = g_path_get_dirname(paths[i]);
        g_autofree char *real = g_strconcat(directory, folder, NULL);
        g_assert(g_mkdir_with_parents(real, 0755) == 0);
    }
    g_setenv("FUZZ_ROOT", directory, TRUE);
    atexit(remove_root);
    return directory;
}

static void
put(const char *path, const char *text, gsize length)
{
    g_autofree char *file = g_strconcat(root(), path, NULL);
    FILE *out = fopen(file, "w");
    g_assert(out);
    fwrite(text, 1, length, out);
    g_assert(fchmod(fileno(out), 0755) == 0); /* scripts are executable */
    fclose(out);
}

static void
try_shell(const char *text)
{
    g_autoptr(Sh) sh = sh_new(NULL, NULL, NULL);
    sh_run(sh, "/f", text);
    g_autofree const char **names = sh_names(sh);
    for (guint i = 0; names[i]; i++)
        g_assert(strlen(sh_get(sh, names[i])->value) <= 2 * SH_VALUE_MAX);
    g_autoptr(GPtrArray) words = sh_words(sh, text);
    g_assert_cmpuint(words->len, <=, SH_STEPS_MAX);
    guint n = 0;
    while (sh_messages(sh)[n])
        n++;
    g_assert(n <= SH_MESSAGES_MAX);
}

static void
try_conf(ConfFormat format, const char *text, gsize length)
{
    ConfAnswer answer;
    g_autoptr(DetectTree) tree = detect_tree_new(root());
    put("/usr/local/etc/rspamd/rspamd.conf", text, length);
    conf_look_up(tree, format, "/usr/local/etc/rspamd/rspamd.conf", "Socket", &answer);
    if (answer.value) {
        g_autofree char *why = NULL;
        g_autofree char *spec = detect_spec_normalise(answer.value, &why);
        g_assert((spec == NULL) == (why != NULL));
    }
    conf_answer_clear(&answer);
}

static void
try_records(const char *text)
{
    g_autoptr(DetectRecords) records = detect_records_new(rc_conf_table, rc_conf_table_size);
    g_autoptr(GPtrArray) errors = detect_records_add(records, "/r", text);
    g_assert_cmpuint(errors->len, <=, strlen(text) + 1);
    g_assert(detect_records_count(records) >= rc_conf_table_size);
}

/* The text is rc.conf, or the script, or both. */
static void
try_tree(const char *text, gsize length, guint which)
{
    static const char script[] =
        ". /etc/rc.subr\nname=miltergreylist\nrcvar=miltergreylist_enable\nload_rc_config $name\n"
        ": ${miltergreylist_flags:=\"-p /s\"}\nrun_rc_command \"$1\"\n";
    static const char on[] = "miltergreylist_enable=YES\n";
    put("/etc/rc.conf", which & 1 ? text : on, which & 1 ? length : strlen(on));
    put("/usr/local/etc/rc.d/milter-greylist", which & 2 ? text : script,
        which & 2 ? length : strlen(script));
    g_autoptr(DetectTree) tree = detect_tree_new(root());
    g_autoptr(DetectRecords) records = detect_records_new(rc_conf_table, rc_conf_table_size);
    g_autoptr(DetectReport) report = detect_report_new();
    rc_conf_find(tree, NULL, NULL, records, report);
    for (guint i = 0; i < report->found->len; i++) {
        const DetectFound *found = g_ptr_array_index(report->found, i);
        g_assert(!found->enabled || found->spec);
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    if (size < 1)
        return 0;
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    guint what = data[0] % 12;
    if (what < 2)
        try_shell(text);
    else if (what < 8)
        try_conf((ConfFormat)(what - 1), (const char *)data + 1, size - 1);
    else if (what < 9)
        try_records(text);
    else
        try_tree((const char *)data + 1, size - 1, what - 8);
    return 0;
}
