/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The forms that real rc.conf files and scripts take, one case each, and hostile files. */
#include "rc-conf.h"
#include "tree.h"

#include <string.h>

/* A milter with the usual script; what is in braces differs from case to case. */
#define SCRIPT(before, after)                                                                      \
    ". /etc/rc.subr\nname=miltergreylist\nrcvar=miltergreylist_enable\n" before                    \
    "load_rc_config $name\n" after                                                                 \
    "command=/usr/local/bin/milter-greylist\nrun_rc_command \"$1\"\n"
#define DEFAULTS                                                                                   \
    ": ${miltergreylist_enable:=\"NO\"}\n: ${miltergreylist_sockfile:=\"/var/g.sock\"}\n"          \
    ": ${miltergreylist_flags:=\"-p ${miltergreylist_sockfile}\"}\n"
#define USUAL "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT("", DEFAULTS)
#define RC_CONF "== /etc/rc.conf\n"
#define ON "miltergreylist_enable=YES\n"

#define UNIX_G "unix:/var/g.sock"

typedef struct Case {
    const char *name;
    const char *tree;
    const char *spec; /* NULL: not known; "": not found */
    gboolean enabled;
    const char *enabled_origin; /* NULL: any */
    const char *spec_origin;    /* NULL: any */
    const char *warning;        /* part of the only one; NULL: there is none */
} Case;

static const DetectFound *
find(const DetectReport *report, const char *name)
{
    for (guint i = 0; i < report->found->len; i++) {
        const DetectFound *found = g_ptr_array_index(report->found, i);
        if (strcmp(found->name, name) == 0)
            return found;
    }
    return NULL;
}

static const DetectFound *
must_find(const DetectReport *report)
{
    const DetectFound *found = find(report, "milter-greylist");
    if (!found)
        g_error("milter-greylist was not found");
    return found;
}

static DetectReport *
look(const char *root)
{
    g_autoptr(DetectTree) tree = detect_tree_new(root);
    g_autoptr(DetectRecords) records = detect_records_new(rc_conf_table, rc_conf_table_size);
    DetectReport *report = detect_report_new();
    rc_conf_find(tree, NULL, NULL, records, report);
    for (guint i = 0; i < report->warnings->len; i++)
        g_test_message("warning: %s", (const char *)g_ptr_array_index(report->warnings, i));
    /* What is found points into records. */
    for (guint i = 0; i < report->found->len; i++)
        ((DetectFound *)g_ptr_array_index(report->found, i))->record = NULL;
    return report;
}

static void
test_case(gconstpointer data)
{
    const Case *this = data;
    g_autofree char *common = tree_load("common.tree");
    const char *const texts[] = {common, this->tree, NULL};
    char *root = tree_make(texts);
    g_autoptr(DetectReport) report = look(root);
    tree_remove(root);
    if (this->spec && !*this->spec) {
        g_assert_null(find(report, "milter-greylist"));
    } else {
        const DetectFound *found = must_find(report);
        g_assert_cmpstr(found->spec, ==, this->spec);
        g_assert_cmpint(found->enabled, ==, this->enabled);
        if (this->enabled_origin)
            g_assert_cmpstr(found->enabled_origin, ==, this->enabled_origin);
        if (this->spec_origin)
            g_assert_cmpstr(found->spec_origin, ==, this->spec_origin);
    }
    g_assert_cmpuint(report->warnings->len, ==, this->warning ? 1 : 0);
    if (this->warning)
        g_assert_nonnull(strstr(g_ptr_array_index(report->warnings, 0), this->warning));
}

static const Case cases[] = {
    /* Values. */
    {"comment", USUAL RC_CONF "miltergreylist_enable=\"YES\"   # yes \"indeed\n", UNIX_G, TRUE,
     "/etc/rc.conf:1", NULL, NULL},
    {"two-on-a-line", USUAL RC_CONF "a=1; miltergreylist_enable=YES; b=2\n", UNIX_G, TRUE,
     "/etc/rc.conf:1", NULL, NULL},
    {"equals-sign", USUAL RC_CONF ON "miltergreylist_flags=\"-D x=y -p /var/e=f\"\n",
     "unix:/var/e=f", TRUE, NULL, "/etc/rc.conf:2", NULL},
    {"on", USUAL RC_CONF "miltergreylist_enable=on\n", UNIX_G, TRUE, NULL, NULL, NULL},
    {"true", USUAL RC_CONF "miltergreylist_enable='TRUE'\n", UNIX_G, TRUE, NULL, NULL, NULL},
    {"one", USUAL RC_CONF "miltergreylist_enable=1\n", UNIX_G, TRUE, NULL, NULL, NULL},
    {"off", USUAL RC_CONF "miltergreylist_enable=off\n", UNIX_G, FALSE, "/etc/rc.conf:1", NULL,
     NULL},
    {"yep", USUAL RC_CONF "\nmiltergreylist_enable=YEP\n", UNIX_G, FALSE, "/etc/rc.conf:2", NULL,
     "/etc/rc.conf:2: miltergreylist_enable=“YEP”"},
    {"carriage-return", USUAL RC_CONF "miltergreylist_enable=YES\r\n", UNIX_G, FALSE, NULL, NULL,
     "miltergreylist_enable"},
    {"continued", USUAL RC_CONF ON "miltergreylist_flags=\"-u x \\\n-p /var/c.sock\"\n",
     "unix:/var/c.sock", TRUE, NULL, "/etc/rc.conf:2", NULL},
    {"other-variable", USUAL RC_CONF "d=/var/dir\n" ON "miltergreylist_sockfile=\"$d/s.sock\"\n",
     "unix:/var/dir/s.sock", TRUE, NULL, "/etc/rc.conf:3", NULL},
    {"twice", USUAL RC_CONF "miltergreylist_enable=NO\n" ON, UNIX_G, TRUE, "/etc/rc.conf:2", NULL,
     NULL},
    {"export", USUAL RC_CONF "export miltergreylist_enable=\"YES\"\n", UNIX_G, TRUE, NULL, NULL,
     NULL},
    {"in-rc-conf-default", USUAL RC_CONF ": ${miltergreylist_enable:=\"YES\"}\n", UNIX_G, TRUE,
     "/etc/rc.conf:1", NULL, NULL},
    {"for-in-rc-conf", USUAL RC_CONF "for i in miltergreylist b; do eval ${i}_enable=YES; done\n",
     UNIX_G, TRUE, "/etc/rc.conf:1", NULL, NULL},
    {"nothing", USUAL, UNIX_G, FALSE, "/usr/local/etc/rc.d/milter-greylist:5",
     "/usr/local/etc/rc.d/milter-greylist:6", NULL},
    {"no-script", RC_CONF ON, "", FALSE, NULL, NULL, NULL},
    {"not-executable",
     RC_CONF ON "== /usr/local/etc/rc.d/milter-greylist off\n" SCRIPT("", DEFAULTS), UNIX_G, FALSE,
     "/usr/local/etc/rc.d/milter-greylist", NULL,
     "/usr/local/etc/rc.d/milter-greylist: it is not executable"},
    {"not-executable-and-off",
     RC_CONF "== /usr/local/etc/rc.d/milter-greylist off\n" SCRIPT("", DEFAULTS), UNIX_G, FALSE,
     "/usr/local/etc/rc.d/milter-greylist:5", NULL, NULL},
    {"copy",
     USUAL RC_CONF ON "== /usr/local/etc/rc.d/milter-greylist.pkgsave\n" SCRIPT("", DEFAULTS),
     UNIX_G, TRUE, NULL, NULL, NULL},

    /* Files and their order. */
    {"rc.conf.local", USUAL RC_CONF ON "== /etc/rc.conf.local\nmiltergreylist_enable=NO\n", UNIX_G,
     FALSE, "/etc/rc.conf.local:1", NULL, NULL},
    {"rc.conf.d", USUAL RC_CONF "miltergreylist_enable=NO\n== /etc/rc.conf.d/miltergreylist\n" ON,
     UNIX_G, TRUE, "/etc/rc.conf.d/miltergreylist:1", NULL, NULL},
    {"rc.conf.d-of-file-name",
     USUAL RC_CONF "miltergreylist_enable=NO\n== /etc/rc.conf.d/milter-greylist\n" ON, UNIX_G,
     FALSE, "/etc/rc.conf:1", NULL, NULL},
    {"rc.conf.d-folder",
     USUAL "== /etc/rc.conf.d/miltergreylist/10\n" ON
           "== /etc/rc.conf.d/miltergreylist/9\nmiltergreylist_enable=NO\n"
           "== /etc/rc.conf.d/miltergreylist/sub/x\n" ON,
     UNIX_G, FALSE, "/etc/rc.conf.d/miltergreylist/9:1", NULL, NULL},
    {"local-rc.conf.d",
     USUAL "== /etc/rc.conf.d/miltergreylist\nmiltergreylist_enable=NO\n"
           "== /usr/local/etc/rc.conf.d/miltergreylist\n" ON,
     UNIX_G, TRUE, "/usr/local/etc/rc.conf.d/miltergreylist:1", NULL, NULL},
    {"vendor", USUAL "== /etc/defaults/vendor.conf\n" ON, UNIX_G, TRUE,
     "/etc/defaults/vendor.conf:1", NULL, NULL},
    {"second-pass",
     USUAL RC_CONF "rc_conf_files=\"$rc_conf_files /etc/rc.conf.site\"\n"
                   "== /etc/rc.conf.site\n" ON,
     UNIX_G, TRUE, "/etc/rc.conf.site:1", NULL, NULL},
    {"dot", USUAL RC_CONF ". /etc/more.conf\n== /etc/more.conf\n" ON, UNIX_G, TRUE,
     "/etc/more.conf:1", NULL, NULL},
    {"dot-if-there",
     USUAL RC_CONF "if [ -r /etc/more.conf ]; then . /etc/more.conf; fi\n"
                   "[ -f /etc/absent ] && . /etc/absent\n== /etc/more.conf\n" ON,
     UNIX_G, TRUE, "/etc/more.conf:1", NULL, NULL},
    {"startup-folder",
     RC_CONF
     "local_startup=\"/usr/local/etc/rc.d /opt/etc/rc.d\"\n" ON
     "== /opt/etc/rc.d/milter-greylist\n" SCRIPT(
         "", DEFAULTS) "== /opt/etc/rc.conf.d/miltergreylist\nmiltergreylist_sockfile=/opt/s\n",
     "unix:/opt/s", TRUE, "/etc/rc.conf:2", "/opt/etc/rc.conf.d/miltergreylist:1", NULL},
    {"link-inside",
     USUAL RC_CONF "== /usr/local/etc/rc.conf.d -> /conf\n== /conf/miltergreylist\n" ON, UNIX_G,
     TRUE, "/usr/local/etc/rc.conf.d/miltergreylist:1", NULL, NULL},
    {"netbsd",
     RC_CONF "miltergreylist=YES\n== /etc/rc.d/milter-greylist\n. /etc/rc.subr\n"
             "name=miltergreylist\nrcvar=$name\ncommand=/usr/pkg/bin/milter-greylist\n"
             "command_args=\"-p /var/n.sock\"\nload_rc_config $name\nrun_rc_command \"$1\"\n",
     "unix:/var/n.sock", TRUE, "/etc/rc.conf:1", NULL, NULL},

    /* Defaults in the script. */
    {"empty-colon", USUAL RC_CONF ON "miltergreylist_sockfile=\n", UNIX_G, TRUE, NULL, NULL, NULL},
    {"empty-plain",
     RC_CONF ON "miltergreylist_flags=\n"
                "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
                    "", ": ${miltergreylist_flags=\"-p /var/d.sock\"}\n"),
     "unix:/var/milter-greylist/milter-greylist.sock", TRUE, NULL, "default", NULL},
    {"assigned-default",
     RC_CONF ON "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
         "", "miltergreylist_enable=${miltergreylist_enable:-\"NO\"}\n"
             "miltergreylist_flags=${miltergreylist_flags-\"-p /var/a.sock\"}\n"),
     "unix:/var/a.sock", TRUE, "/etc/rc.conf:1", NULL, NULL},
    {"before",
     RC_CONF ON "miltergreylist_flags='-p /var/r.sock'\n"
                "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
                    "miltergreylist_enable=\"NO\"\nmiltergreylist_flags=\"-p /var/b.sock\"\n", ""),
     "unix:/var/r.sock", TRUE, "/etc/rc.conf:1", "/etc/rc.conf:2", NULL},
    {"no-before-keeps",
     RC_CONF "miltergreylist_enable=${miltergreylist_enable:-YES}\n"
             "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT("miltergreylist_enable=NO\n", ""),
     "unix:/var/milter-greylist/milter-greylist.sock", FALSE, NULL, NULL, NULL},
    {"single-quoted",
     RC_CONF ON "miltergreylist_sockfile=/var/q.sock\n"
                "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
                    "", "miltergreylist_flags='-p ${miltergreylist_sockfile}'\n"),
     "unix:/var/q.sock", TRUE, NULL, "/etc/rc.conf:2", NULL},
    {"after-wins",
     RC_CONF ON "miltergreylist_sockfile=/var/ignored\n"
                "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
                    "", "miltergreylist_sockfile=/var/after\n"
                        "command_args=\"-p ${miltergreylist_sockfile}\"\n"),
     "unix:/var/after", TRUE, NULL, "/usr/local/etc/rc.d/milter-greylist:5", NULL},
    {"args-after-flags",
     RC_CONF ON
     "miltergreylist_flags='-p /var/1'\n"
     "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT("", "command_args=\"-p /var/2\"\n"),
     "unix:/var/2", TRUE, NULL, NULL, NULL},
    {"set_rcvar",
     RC_CONF ON "== /usr/local/etc/rc.d/milter-greylist\n. /etc/rc.subr\nname=miltergreylist\n"
                "rcvar=`set_rcvar`\nload_rc_config $name\nrun_rc_command \"$1\"\n",
     "unix:/var/milter-greylist/milter-greylist.sock", TRUE, "/etc/rc.conf:1", NULL, NULL},
    {"set_rcvar-default",
     "== /usr/local/etc/rc.d/milter-greylist\n. /etc/rc.subr\nname=miltergreylist\n"
     "rcvar=miltergreylist_enable\nset_rcvar miltergreylist_enable YES \"greylisting\"\n"
     "load_rc_config $name\nrun_rc_command \"$1\"\n",
     "unix:/var/milter-greylist/milter-greylist.sock", TRUE, NULL, NULL, NULL},
    {"obsolete",
     RC_CONF "mg_enable=YES\nmiltergreylist_enable=NO\n"
             "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
                 "set_rcvar_obsolete mg_enable miltergreylist_enable\n", DEFAULTS),
     UNIX_G, TRUE, "/etc/rc.conf:1", NULL, NULL},
    {"obsolete-with-default",
     RC_CONF "mg_enable=NO\n"
             "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
                 "set_rcvar miltergreylist_enable YES \"greylisting\"\n"
                 "set_rcvar_obsolete mg_enable miltergreylist_enable\n",
                 DEFAULTS),
     UNIX_G, FALSE, "/etc/rc.conf:1", NULL, NULL},
    {"obsolete-unset",
     RC_CONF ON "mg_enable=\n"
                "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
                    "set_rcvar_obsolete mg_enable miltergreylist_enable\n", DEFAULTS),
     UNIX_G, TRUE, "/etc/rc.conf:1", NULL, NULL},
    {"obsolete-too-late",
     RC_CONF "mg_enable=YES\n== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
         "", "set_rcvar_obsolete mg_enable miltergreylist_enable\n" DEFAULTS),
     UNIX_G, FALSE, NULL, NULL, NULL},
    {"loaded-at-boot",
     RC_CONF ON "miltergreylist_sockfile=/var/boot\n== /usr/local/etc/rc.d/milter-greylist\n"
                ". /etc/rc.subr\nname=miltergreylist\nrcvar=miltergreylist_enable\n"
                "command_args=\"-p ${miltergreylist_sockfile}\"\nrun_rc_command \"$1\"\n",
     "unix:/var/boot", TRUE, "/etc/rc.conf:1", "/etc/rc.conf:2", NULL},
    {"loaded-at-boot-off",
     RC_CONF "== /usr/local/etc/rc.d/milter-greylist\n. /etc/rc.subr\nname=miltergreylist\n"
             "rcvar=miltergreylist_enable\nrun_rc_command \"$1\"\n",
     "unix:/var/milter-greylist/milter-greylist.sock", FALSE, NULL, NULL, NULL},
    {"program-with-arguments",
     RC_CONF ON "miltergreylist_program=\"/opt/mg -p /opt/sock\"\n"
                "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT("", ""),
     "unix:/opt/sock", TRUE, NULL, NULL, NULL},

    /* The program's own file. */
    {"conf",
     RC_CONF ON
     "miltergreylist_flags=''\n"
     "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
         "",
         ": ${miltergreylist_flags=\"-p /x\"}\n") "== /usr/local/etc/mail/greylist.conf\n# socket "
                                                  "\"/no\"\nsocket \\\n  \"/var/f.sock\" 660\n",
     "unix:/var/f.sock", TRUE, NULL, "/usr/local/etc/mail/greylist.conf:3", NULL},
    {"conf-by-flag",
     RC_CONF ON "miltergreylist_flags='-f /etc/my.conf'\n"
                "== /usr/local/etc/rc.d/milter-greylist\n" SCRIPT(
                    "", "") "== /etc/my.conf\nsocket \"inet:2000\"\n",
     "inet:2000@localhost", TRUE, NULL, "/etc/my.conf:1", NULL},

    /* NAME_enabled. */
    {"enabled-no", USUAL RC_CONF ON "miltergreylist_enabled=\"NO\"\n", UNIX_G, FALSE,
     "/etc/rc.conf:2", NULL, "write miltergreylist_enable=\"NO\""},
    {"enabled-yes", USUAL RC_CONF "miltergreylist_enabled=\"YES\"\n", UNIX_G, FALSE, NULL, NULL,
     "/etc/rc.conf:1: nothing reads miltergreylist_enabled; write miltergreylist_enable"},

    /* Forms of a socket. */
    {"local-unix", USUAL RC_CONF ON "miltergreylist_sockfile=local:unix:/var/lu\n", "unix:/var/lu",
     TRUE, NULL, NULL, NULL},
    {"port-at-host", USUAL RC_CONF ON "miltergreylist_sockfile=2525@mail.example\n",
     "inet:2525@mail.example", TRUE, NULL, NULL, NULL},
    {"inet6", USUAL RC_CONF ON "miltergreylist_sockfile=inet6:25@[::1]\n", "inet6:25@[::1]", TRUE,
     NULL, NULL, NULL},
    {"inet-all", USUAL RC_CONF ON "miltergreylist_sockfile=inet:25@0.0.0.0\n", "inet:25@localhost",
     TRUE, NULL, NULL, NULL},
    {"no-socket", USUAL RC_CONF ON "miltergreylist_sockfile=inet:port@localhost\n", NULL, FALSE,
     NULL, NULL, "/etc/rc.conf:2: “inet:port@localhost”"},
    {"no-socket-but-off", USUAL RC_CONF "miltergreylist_sockfile=inet:port@localhost\n", NULL,
     FALSE, NULL, NULL, NULL},

    /* What cannot be known is not guessed. */
    {"uncertain-enable", USUAL RC_CONF "\nmiltergreylist_enable=$(hostname)\n", UNIX_G, FALSE,
     "/etc/rc.conf:2", NULL, "/etc/rc.conf:2: whether milter-greylist is enabled is not known"},
    {"uncertain-branch",
     USUAL RC_CONF "case `hostname` in\nmx1) miltergreylist_enable=YES ;;\nesac\n", UNIX_G, FALSE,
     "/etc/rc.conf:2", NULL, "/etc/rc.conf:2: "},
    {"uncertain-socket", USUAL RC_CONF ON "miltergreylist_sockfile=/var/`hostname`.sock\n", NULL,
     FALSE, NULL, NULL, "/etc/rc.conf:2: "},
    {"uncertain-but-overridden", USUAL RC_CONF "miltergreylist_enable=$(x)\n" ON, UNIX_G, TRUE,
     "/etc/rc.conf:2", NULL, NULL},
    {"uncertain-elsewhere", USUAL RC_CONF ON "hostname=$(cat /etc/myname)\n", UNIX_G, TRUE, NULL,
     NULL, NULL},

    /* Broken and hostile files: one message, one milter at most. */
    {"syntax-error", USUAL RC_CONF ON "a=\"no end\nb=1\n", UNIX_G, TRUE, NULL, NULL,
     "/etc/rc.conf:4: "},
    {"rc.conf-fifo", USUAL "== /etc/rc.conf.local fifo\n" RC_CONF ON, UNIX_G, TRUE, NULL, NULL,
     "/etc/rc.conf.local: "},
    {"rc.conf-device", USUAL "== /etc/rc.conf.local -> ../../../../../dev/zero\n" RC_CONF ON,
     UNIX_G, TRUE, NULL, NULL, NULL},
    {"rc.conf-loop", USUAL "== /etc/rc.conf.local -> /etc/rc.conf.local\n" RC_CONF ON, UNIX_G, TRUE,
     NULL, NULL, "/etc/rc.conf.local: "},
    {"rc.conf-folder", USUAL "== /etc/rc.conf.local/x\n" RC_CONF ON, UNIX_G, TRUE, NULL, NULL,
     "/etc/rc.conf.local: "},
    {"sources-itself", USUAL RC_CONF ON ". /etc/rc.conf\n", UNIX_G, TRUE, NULL, NULL,
     "/etc/rc.conf: "},
    {"script-fifo", RC_CONF ON "== /usr/local/etc/rc.d/milter-greylist fifo\n", "", FALSE, NULL,
     NULL, "/usr/local/etc/rc.d/milter-greylist: "},
    {"script-loop",
     RC_CONF ON "== /usr/local/etc/rc.d/milter-greylist -> /usr/local/etc/rc.d/milter-greylist\n",
     "", FALSE, NULL, NULL, "/usr/local/etc/rc.d/milter-greylist: "},
    {"script-folder", RC_CONF ON "== /usr/local/etc/rc.d/milter-greylist/x\n", "", FALSE, NULL,
     NULL, "/usr/local/etc/rc.d/milter-greylist: "},
    {"script-empty", RC_CONF ON "== /usr/local/etc/rc.d/milter-greylist\n", "", FALSE, NULL, NULL,
     NULL},
    {"script-nonsense", RC_CONF ON "== /usr/local/etc/rc.d/milter-greylist\n\001\002)(&;\n", "",
     FALSE, NULL, NULL, "/usr/local/etc/rc.d/milter-greylist:1: "},
    {"endless", USUAL RC_CONF "z='for i in 1 2 3 4 5 6 7 8; do eval \"$z\"; done'\n" ON, UNIX_G,
     TRUE, NULL, NULL, NULL},
};

/* ---- Files that a text in C cannot be. */

static void
check_beside(const char *path, const char *content, gsize length, const char *warning)
{
    g_autofree char *common = tree_load("common.tree");
    const char *const texts[] = {common, USUAL RC_CONF ON, NULL};
    g_autoptr(GError) error = NULL;
    char *root = tree_make(texts);
    tree_write(root, path, "");
    g_autofree char *real = g_build_filename(root, path, NULL);
    g_file_set_contents(real, content, (gssize)length, &error);
    g_assert_no_error(error);
    g_autoptr(DetectReport) report = look(root);
    tree_remove(root);
    g_assert_true(must_find(report)->enabled);
    g_assert_cmpuint(report->warnings->len, ==, 1);
    g_assert_nonnull(strstr(g_ptr_array_index(report->warnings, 0), warning));
}

static void
test_huge(void)
{
    gsize length = DETECT_FILE_MAX + 1;
    g_autofree char *content = g_malloc(length);
    memset(content, '\n', length);
    check_beside("/etc/rc.conf.local", content, length, "/etc/rc.conf.local: ");
    check_beside("/usr/local/etc/rc.d/opendkim", content, length, "/usr/local/etc/rc.d/opendkim: ");
}

static void
test_binary(void)
{
    check_beside("/etc/rc.conf.local", "\177ELF\0\1x", 7, "/etc/rc.conf.local: ");
    check_beside("/usr/local/etc/rc.d/opendkim", "\177ELF\0\1x", 7,
                 "/usr/local/etc/rc.d/opendkim: ");
}

/* One milter's script takes for ever; the other's is as good as ever. */
static void
test_slow(void)
{
    g_autoptr(GString) text = g_string_new(". /etc/rc.subr\nname=opendkim\nl='");
    for (guint i = 0; i < 1000; i++)
        g_string_append(text, "a ");
    g_string_append(text, "'\nfor i in $l; do for j in $l; do x=$i$j; done; done\n");
    check_beside("/usr/local/etc/rc.d/opendkim", text->str, text->len,
                 "/usr/local/etc/rc.d/opendkim: ");
}

/* Links lead to nothing outside the tree. */
static void
test_outside(void)
{
    char *outside = tree_make((const char *const[]){RC_CONF ON, NULL});
    char *root = tree_make((const char *const[]){USUAL, NULL});
    g_autofree char *target = g_build_filename(outside, "etc", "rc.conf", NULL);
    g_autofree char *tree = g_strdup_printf("== /etc/rc.conf -> %s\n", target);
    char *other = tree_make((const char *const[]){USUAL, tree, NULL});
    g_autoptr(DetectReport) report = look(other);
    g_assert_false(must_find(report)->enabled);
    tree_remove(root);
    tree_remove(other);
    tree_remove(outside);
}

static void
test_no_root(void)
{
    g_autoptr(DetectReport) report = look("/nonexistent/tree");
    g_assert_cmpuint(report->found->len, ==, 0);
    g_assert_cmpuint(report->warnings->len, ==, 0);
}

/* Without the defaults only /etc/rc.conf is read. */
static void
test_no_defaults(void)
{
    char *root = tree_make((const char *const[]){
        USUAL RC_CONF ON "== /etc/rc.conf.local\nmiltergreylist_enable=NO\n", NULL});
    g_autoptr(DetectReport) report = look(root);
    g_assert_true(must_find(report)->enabled);
    tree_remove(root);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/rc-conf/forms/", cases[i].name, NULL);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/rc-conf/hostile/huge", test_huge);
    g_test_add_func("/rc-conf/hostile/binary", test_binary);
    g_test_add_func("/rc-conf/hostile/slow", test_slow);
    g_test_add_func("/rc-conf/hostile/outside", test_outside);
    g_test_add_func("/rc-conf/hostile/no-root", test_no_root);
    g_test_add_func("/rc-conf/no-defaults", test_no_defaults);
    return g_test_run();
}
