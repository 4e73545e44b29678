/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trees of Debian systems, written with the idioms of its packages, and the stages found in them.
 */
#include "harness.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Tree {
    char *root;
    MmHarness *harness;
} Tree;

#define SYSTEMD "/lib/systemd/systemd"
#define WANTS "/etc/systemd/system/multi-user.target.wants/"

static void
set_up(Tree *tree, gconstpointer data)
{
    (void)data;
    tree->root = g_dir_make_tmp("mm-debian-XXXXXX", NULL);
    g_assert_nonnull(tree->root);
    tree->harness = mm_harness_new(PLUGIN);
    mm_harness_set_root(tree->harness, tree->root);
}

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) directory =
        g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    for (const char *name; directory && (name = g_dir_read_name(directory));) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        remove_tree(inside);
    }
    g_remove(path);
}

static void
tear_down(Tree *tree, gconstpointer data)
{
    (void)data;
    mm_harness_free(tree->harness);
    remove_tree(tree->root);
    g_free(tree->root);
}

static char *
place(Tree *tree, const char *path)
{
    char *file = g_build_filename(tree->root, path, NULL);
    g_autofree char *folder = g_path_get_dirname(file);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    return file;
}

static void
put(Tree *tree, const char *path, const char *text)
{
    g_autofree char *file = place(tree, path);
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
    g_assert_cmpint(chmod(file, 0755), ==, 0);
}

static void
put_link(Tree *tree, const char *path, const char *target)
{
    g_autofree char *file = place(tree, path);
    g_assert_cmpint(symlink(target, file), ==, 0);
}

static void
expand(Tree *tree)
{
    g_assert_true(mm_harness_expand(tree->harness));
    for (guint i = 0; mm_harness_warning(tree->harness, i); i++)
        g_test_message("%s", mm_harness_warning(tree->harness, i));
    if (mm_harness_log_line(tree->harness, "detect-note"))
        g_test_message("%s", mm_harness_log_line(tree->harness, "detect-note"));
}

static guint
find(Tree *tree, const char *name)
{
    for (guint i = 0; i < mm_harness_n_stages(tree->harness); i++) {
        if (strcmp(mm_harness_stage_name(tree->harness, i), name) == 0)
            return i;
    }
    g_test_message("%s was not found", name);
    g_test_fail();
    return G_MAXUINT;
}

static void
assert_key(Tree *tree, const char *name, const char *key, const char *value, const char *origin)
{
    guint stage = find(tree, name);
    if (stage == G_MAXUINT)
        return;
    g_assert_cmpstr(mm_harness_stage_value(tree->harness, stage, key), ==, value);
    if (origin)
        g_assert_cmpstr(mm_harness_stage_origin(tree->harness, stage, key), ==, origin);
}

static void
put_debian(Tree *tree)
{
    put(tree, "/etc/debian_version", "12.5\n");
    put(tree, SYSTEMD, "");
}

/* ---- The packages of Debian 12, as they come. */

static const char opendkim_unit[] = "[Unit]\nDescription=OpenDKIM Milter\n\n"
                                    "[Service]\nType=forking\nPIDFile=/run/opendkim/opendkim.pid\n"
                                    "ExecStart=/usr/sbin/opendkim\nRestart=on-failure\n\n"
                                    "[Install]\nWantedBy=multi-user.target\n";

static void
put_opendkim(Tree *tree)
{
    put(tree, "/lib/systemd/system/opendkim.service", opendkim_unit);
    put(tree, "/usr/sbin/opendkim", "");
    put_link(tree, WANTS "opendkim.service", "/lib/systemd/system/opendkim.service");
    put(tree, "/etc/opendkim.conf",
        "# a comment\nSyslog yes\n#Socket inet:8891@localhost\n"
        "Socket\t\t\tlocal:/run/opendkim/opendkim.sock\n");
    /* systemd does not read this one. */
    put(tree, "/etc/default/opendkim", "RUNDIR=/run/opendkim\nSOCKET=local:$RUNDIR/legacy.sock\n");
}

static void
test_opendkim(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put_opendkim(tree);
    expand(tree);
    g_assert_cmpuint(mm_harness_n_stages(tree->harness), ==, 1);
    assert_key(tree, "opendkim", "plugin", "relay", NULL);
    assert_key(tree, "opendkim", "enabled", "true", "debian: " WANTS "opendkim.service");
    assert_key(tree, "opendkim", "connection-spec", "'unix:/run/opendkim/opendkim.sock'",
               "debian: /etc/opendkim.conf:4");
}

static void
test_sample_socket(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put(tree, "/lib/systemd/system/opendkim.service", opendkim_unit);
    put(tree, "/etc/opendkim.conf", "Socket inet:port@localhost\n");
    expand(tree);
    assert_key(tree, "opendkim", "enabled", "false", NULL);
    g_assert_null(mm_harness_problem(tree->harness, 0));
    g_assert_null(mm_harness_warning(tree->harness, 0));
}

static void
test_drop_in(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put_opendkim(tree);
    put(tree, "/etc/systemd/system/opendkim.service.d/override.conf",
        "[Service]\nExecStart=\nExecStart=/usr/sbin/opendkim -p inet:8891@127.0.0.1\n");
    expand(tree);
    assert_key(tree, "opendkim", "connection-spec", "'inet:8891@127.0.0.1'",
               "debian: /etc/systemd/system/opendkim.service.d/override.conf:3");
}

static void
test_masked(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put_opendkim(tree);
    put_link(tree, "/etc/systemd/system/opendkim.service", "/dev/null");
    expand(tree);
    assert_key(tree, "opendkim", "enabled", "false",
               "debian: /etc/systemd/system/opendkim.service");
}

static const char spamass_script[] =
    "#!/bin/sh\nDAEMON=/usr/sbin/spamass-milter\nSOCKET=/var/run/spamass/spamass.sock\n"
    "DEFAULT=/etc/default/spamass-milter\nOPTIONS=\"\"\n"
    "test -x $DAEMON || exit 0\n"
    "if [ -e /etc/mail/sendmail.cf ] && egrep -q 'X.+S=local:/x' /etc/mail/sendmail.cf; then\n"
    "    SOCKET=/var/run/sendmail/spamass.sock\nfi;\n"
    "if [ -x /usr/sbin/postfix ]; then\n"
    "    SOCKET=\"/var/spool/postfix/spamass/spamass.sock\"\nfi;\n"
    "if [ -r $DEFAULT ]; then\n    . $DEFAULT;\nfi;\n"
    "start() {\n"
    "    start-stop-daemon --start -p /run/x.pid --exec $DAEMON -- -P /run/x.pid -f -p $SOCKET "
    "$OPTIONS\n}\n"
    "case \"$1\" in\n  start)\n        echo -n \"Starting: \"\n        start\n        ;;\n"
    "  *)\n        exit 1\n        ;;\nesac\nexit 0\n";

static void
put_spamass(Tree *tree)
{
    put(tree, "/etc/init.d/spamass-milter", spamass_script);
    put(tree, "/usr/sbin/spamass-milter", "");
    put_link(tree, "/etc/rc2.d/S01spamass-milter", "../init.d/spamass-milter");
}

static void
test_spamass(Tree *tree, gconstpointer data)
{
    const char *expected = data;
    put_debian(tree);
    put_spamass(tree);
    if (strstr(expected, "postfix"))
        put(tree, "/usr/sbin/postfix", "");
    if (strstr(expected, "own"))
        put(tree, "/etc/default/spamass-milter",
            "OPTIONS=\"-u spamass-milter -i 127.0.0.1\"\nSOCKET=/run/own.sock\n");
    expand(tree);
    assert_key(tree, "spamass-milter", "connection-spec", expected, NULL);
    assert_key(tree, "spamass-milter", "enabled", "true", "debian: /etc/rc2.d/S01spamass-milter");
    assert_key(tree, "spamass-milter", "conditions", "['remote', '!authenticated']", NULL);
}

static void
test_spamass_disabled(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put(tree, "/etc/init.d/spamass-milter", spamass_script);
    put(tree, "/usr/sbin/spamass-milter", "");
    put_link(tree, "/etc/rc2.d/K01spamass-milter", "../init.d/spamass-milter");
    expand(tree);
    assert_key(tree, "spamass-milter", "enabled", "false", NULL);
}

/* systemd's mask concerns what its generator makes of scripts too. */
static void
test_spamass_masked(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put_spamass(tree);
    put_link(tree, "/etc/systemd/system/spamass-milter.service", "/dev/null");
    expand(tree);
    assert_key(tree, "spamass-milter", "enabled", "false", NULL);
}

/* Removed, not purged: the script and the links are still there. */
static void
test_removed(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put(tree, "/etc/init.d/spamass-milter", spamass_script);
    put_link(tree, "/etc/rc2.d/S01spamass-milter", "../init.d/spamass-milter");
    expand(tree);
    g_assert_cmpuint(mm_harness_n_stages(tree->harness), ==, 0);
}

static void
test_clamav(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put(tree, "/etc/init.d/clamav-milter",
        "#!/bin/sh\nDAEMON=/usr/sbin/clamav-milter\n[ -x \"$DAEMON\" ] || exit 0\n"
        "x=$(grep -c x /etc/y | tr A-Z a-z)\ncase \"$1\" in start) start-stop-daemon --start "
        "--exec $DAEMON;; esac\n");
    put(tree, "/usr/sbin/clamav-milter", "");
    put_link(tree, "/etc/rc5.d/S01clamav-milter", "../init.d/clamav-milter");
    put(tree, "/etc/clamav/clamav-milter.conf",
        "#Automatically generated\nMilterSocket /var/run/clamav/clamav-milter.ctl\n");
    expand(tree);
    assert_key(tree, "clamav-milter", "connection-spec", "'unix:/var/run/clamav/clamav-milter.ctl'",
               "debian: /etc/clamav/clamav-milter.conf:2");
    assert_key(tree, "clamav-milter", "fallback-status", "'temporary-failure'", NULL);
}

/* Without systemd the script counts, with its defaults file. */
static void
test_without_systemd(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put_opendkim(tree);
    g_autofree char *systemd = g_build_filename(tree->root, SYSTEMD, NULL);
    g_assert_cmpint(g_unlink(systemd), ==, 0);
    put(tree, "/etc/init.d/opendkim",
        "#!/bin/sh\nDAEMON=/usr/sbin/opendkim\ntest -x $DAEMON || exit 0\n"
        "if [ -f /etc/default/opendkim ] ; then\n. /etc/default/opendkim\nfi\n"
        "if [ -n \"$SOCKET\" ]; then\nDAEMON_OPTS=\"-p $SOCKET $DAEMON_OPTS\"\nfi\n"
        "case \"$1\" in\nstart)\nstart-stop-daemon --start --quiet --exec $DAEMON -- "
        "$DAEMON_OPTS\n;;\nesac\n");
    put_link(tree, "/etc/rc3.d/S02opendkim", "../init.d/opendkim");
    expand(tree);
    assert_key(tree, "opendkim", "connection-spec", "'unix:/run/opendkim/legacy.sock'", NULL);
}

static void
test_others(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put(tree, "/lib/systemd/system/opendmarc.service",
        "[Service]\nExecStart=/usr/sbin/opendmarc\n");
    put_link(tree, WANTS "opendmarc.service", "x");
    put(tree, "/etc/opendmarc.conf", "Socket local:/run/opendmarc/opendmarc.sock\n");
    put(tree, "/lib/systemd/system/rspamd.service",
        "[Service]\nExecStart=/usr/bin/rspamd -c /etc/rspamd/rspamd.conf -f\n");
    put_link(tree, WANTS "rspamd.service", "x");
    put(tree, "/etc/rspamd/rspamd.conf", ".include \"$CONFDIR/common.conf\"\n");
    put(tree, "/lib/systemd/system/pyspf-milter.service",
        "[Service]\nExecStart=/usr/bin/pyspf-milter /etc/pyspf-milter/pyspf-milter.conf\n");
    put_link(tree, WANTS "pyspf-milter.service", "x");
    put(tree, "/etc/pyspf-milter/pyspf-milter.conf", "Socket = inet:8893@localhost\n");
    put(tree, "/lib/systemd/system/mimedefang.service",
        "[Service]\nEnvironment=LC_ALL=C SOCKET=/var/spool/MIMEDefang/mimedefang.sock\n"
        "EnvironmentFile=-/etc/default/mimedefang\nExecStart=/bin/sh -c 'exec mimedefang'\n");
    put_link(tree, WANTS "mimedefang.service", "x");
    put(tree, "/etc/default/mimedefang", "SOCKET=/run/md.sock\n");
    put(tree, "/lib/systemd/system/vrfydmn.service",
        "[Service]\nExecStart=/usr/sbin/vrfydmn -s local:/var/run/vrfydmn/v.sock -u vrfydmn\n");
    put_link(tree, WANTS "vrfydmn.service", "x");
    expand(tree);
    assert_key(tree, "opendmarc", "connection-spec", "'unix:/run/opendmarc/opendmarc.sock'", NULL);
    assert_key(tree, "rspamd", "connection-spec", "'inet:11332@localhost'", NULL);
    assert_key(tree, "pyspf-milter", "connection-spec", "'inet:8893@localhost'", NULL);
    assert_key(tree, "mimedefang", "connection-spec", "'unix:/run/md.sock'",
               "debian: /etc/default/mimedefang:1");
    assert_key(tree, "vrfydmn", "connection-spec", "'unix:/var/run/vrfydmn/v.sock'", NULL);
    g_assert_cmpuint(find(tree, "vrfydmn"), <, find(tree, "rspamd"));
    g_assert_cmpuint(find(tree, "rspamd"), <, find(tree, "opendmarc"));
}

#define AMAVIS                                                                                     \
    "#!/bin/sh\nDAEMON=/usr/sbin/amavisd-milter\n[ -x $DAEMON ] || exit 0\n"                       \
    "[ -f /etc/default/amavisd-milter ] && . /etc/default/amavisd-milter\n"                        \
    "PARAMS=\"\"\n[ -n \"$MILTERSOCKET\" ] && PARAMS=\"$PARAMS -s $MILTERSOCKET\"\n"               \
    "case \"$1\" in\nstart) start-stop-daemon --start --exec $DAEMON -- $PARAMS ;;\nesac\n"

/* Where the programs listen by themselves, and where the packages' own keys put them. data: whether
 * those are set. */
static void
test_own_defaults(Tree *tree, gconstpointer data)
{
    gboolean are_set = data != NULL;
    put_debian(tree);
    put(tree, "/etc/init.d/amavisd-milter", AMAVIS);
    put(tree, "/usr/sbin/amavisd-milter", "");
    put_link(tree, "/etc/rc2.d/S01amavisd-milter", "../init.d/amavisd-milter");
    put(tree, "/etc/default/amavisd-milter",
        are_set ? "# MILTERSOCKET=/no\nMILTERSOCKET=/run/amavis.sock\n" : "# MILTERSOCKET=/no\n");
    put(tree, "/lib/systemd/system/dkimpy-milter.service",
        "[Service]\nExecStart=/usr/bin/dkimpy-milter /etc/dkimpy-milter/dkimpy-milter.conf\n");
    put_link(tree, WANTS "dkimpy-milter.service", "x");
    put(tree, "/etc/dkimpy-milter/dkimpy-milter.conf",
        are_set ? "Socket inet:8892@localhost\n" : "# Socket inet:8892@localhost\n");
    put(tree, "/lib/systemd/system/mimedefang.service",
        "[Service]\nEnvironment=SOCKET=/var/spool/MIMEDefang/mimedefang.sock\n"
        "EnvironmentFile=-/etc/default/mimedefang\nExecStart=/bin/sh -c 'exec mimedefang'\n");
    put_link(tree, WANTS "mimedefang.service", "x");
    if (are_set)
        put(tree, "/etc/default/mimedefang", "SOCKET=/run/md.sock\n");
    expand(tree);
    assert_key(tree, "amavisd-milter", "connection-spec",
               are_set ? "'unix:/run/amavis.sock'" : "'unix:/var/lib/amavis/amavisd-milter.sock'",
               NULL);
    assert_key(tree, "dkimpy-milter", "connection-spec",
               are_set ? "'inet:8892@localhost'"
                       : "'unix:/var/run/dkimpy-milter/dkimpy-milter.sock'",
               NULL);
    assert_key(tree, "mimedefang", "connection-spec",
               are_set ? "'unix:/run/md.sock'" : "'unix:/var/spool/MIMEDefang/mimedefang.sock'",
               NULL);
    g_assert_cmpuint(mm_harness_n_stages(tree->harness), ==, 3);
    g_assert_null(mm_harness_warning(tree->harness, 0));
}

/* A socket that systemd hands over is nowhere to be found. */
static void
test_handed_over(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put(tree, "/lib/systemd/system/dkimpy-milter.service",
        "[Service]\nExecStart=/usr/bin/dkimpy-milter /etc/dkimpy-milter/dkimpy-milter.conf\n");
    put_link(tree, WANTS "dkimpy-milter.service", "x");
    put(tree, "/etc/dkimpy-milter/dkimpy-milter.conf", "Socket fd:3\n");
    expand(tree);
    assert_key(tree, "dkimpy-milter", "enabled", "false", NULL);
    g_assert_nonnull(strstr(mm_harness_warning(tree->harness, 0), "fd:3"));
}

static void
test_wanted(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put_opendkim(tree);
    put_spamass(tree);
    mm_harness_set(tree->harness, "milters", "['spamass-milter']");
    expand(tree);
    g_assert_cmpuint(mm_harness_n_stages(tree->harness), ==, 1);
    g_assert_cmpstr(mm_harness_stage_name(tree->harness, 0), ==, "spamass-milter");
}

/* Ourselves are no child; a milter nobody knows is worth a line. */
static void
test_unknown(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put(tree, "/lib/systemd/system/milter-manager.service", "[Service]\nExecStart=/x\n");
    put_link(tree, WANTS "milter-manager.service", "x");
    put(tree, "/lib/systemd/system/odd-milter.service", "[Service]\nExecStart=/x\n");
    put_link(tree, WANTS "odd-milter.service", "x");
    expand(tree);
    g_assert_cmpuint(mm_harness_n_stages(tree->harness), ==, 0);
    g_assert_cmpuint(mm_harness_logged(tree->harness, "detect-note"), ==, 1);
    g_assert_nonnull(
        strstr(mm_harness_log_line(tree->harness, "detect-note"), "odd-milter.service"));
}

static void
test_freebsd(Tree *tree, gconstpointer data)
{
    (void)data;
    put(tree, "/etc/rc.conf", "");
    put_opendkim(tree);
    expand(tree);
    g_assert_cmpuint(mm_harness_n_stages(tree->harness), ==, 0);
}

static void
test_nothing(Tree *tree, gconstpointer data)
{
    (void)data;
    expand(tree);
    g_assert_cmpuint(mm_harness_n_stages(tree->harness), ==, 0);
}

/* A file nobody should read costs its milter at most. */
static void
test_hostile(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put_spamass(tree);
    put_opendkim(tree);
    g_autofree char *conf = g_build_filename(tree->root, "/etc/opendkim.conf", NULL);
    g_assert_cmpint(g_unlink(conf), ==, 0);
    g_assert_cmpint(mkfifo(conf, 0600), ==, 0);
    put_link(tree, "/etc/systemd/system/vrfydmn.service", "/etc/systemd/system/vrfydmn.service");
    expand(tree);
    assert_key(tree, "spamass-milter", "enabled", "true", NULL);
    g_assert_nonnull(mm_harness_warning(tree->harness, 0));
}

/* What is not read to its end is not guessed: the usual socket may be another's. */
static void
test_endless(Tree *tree, gconstpointer data)
{
    (void)data;
    put_debian(tree);
    put_spamass(tree);
    put(tree, "/etc/init.d/spamass-milter",
        "f() { f; f; }\nf\n"
        "start-stop-daemon --start --exec /usr/sbin/spamass-milter -- -p /run/own.sock\n");
    expand(tree);
    assert_key(tree, "spamass-milter", "enabled", "false", NULL);
    g_assert_nonnull(mm_harness_warning(tree->harness, 0));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, data, function)                                                                  \
    g_test_add("/debian/" path, Tree, data, set_up, function, tear_down)
    ADD("opendkim", NULL, test_opendkim);
    ADD("sample-socket", NULL, test_sample_socket);
    ADD("drop-in", NULL, test_drop_in);
    ADD("masked", NULL, test_masked);
    ADD("spamass/plain", "'unix:/var/run/spamass/spamass.sock'", test_spamass);
    ADD("spamass/postfix", "'unix:/var/spool/postfix/spamass/spamass.sock'", test_spamass);
    ADD("spamass/default", "'unix:/run/own.sock'", test_spamass);
    ADD("spamass/disabled", NULL, test_spamass_disabled);
    ADD("spamass/masked", NULL, test_spamass_masked);
    ADD("removed", NULL, test_removed);
    ADD("clamav", NULL, test_clamav);
    ADD("without-systemd", NULL, test_without_systemd);
    ADD("others", NULL, test_others);
    ADD("own-defaults", NULL, test_own_defaults);
    ADD("own-keys", "set", test_own_defaults);
    ADD("handed-over", NULL, test_handed_over);
    ADD("wanted", NULL, test_wanted);
    ADD("unknown", NULL, test_unknown);
    ADD("freebsd", NULL, test_freebsd);
    ADD("nothing", NULL, test_nothing);
    ADD("hostile", NULL, test_hostile);
    ADD("endless", NULL, test_endless);
    mm_harness_standard_cases(PLUGIN, NULL);
    return g_test_run();
}
