/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers of the milters' own files, connection specs, records, the tree. */
#include "detect/conf.h"
#include "detect/detect.h"
#include "detect/record.h"
#include "detect/spec.h"
#include "tree.h"

#include <string.h>
#include <sys/stat.h>

typedef struct Case {
    ConfFormat format;
    const char *key;
    const char *text;
    const char *value; /* NULL: none */
    guint line;
} Case;

static const Case cases[] = {
    {CONF_KEYWORD, "Socket", "Socket inet:1@a\n", "inet:1@a", 1},
    {CONF_KEYWORD, "Socket", "# Socket x\n\n  socket\t\tlocal:/s   # why\n", "local:/s", 3},
    {CONF_KEYWORD, "Socket", "Socket a\nSocketMode b\nSOCKET c\n", "c", 3},
    {CONF_KEYWORD, "Socket", "SocketX a\n", NULL, 0},
    {CONF_KEYWORD, "Socket", "Socket\n", "", 1},
    {CONF_KEYWORD, "Socket", "Socket\t\"local:/a b\"\n", "local:/a b", 1},
    {CONF_KEYWORD, "MilterSocket", "#MilterSocket /x\r\nMilterSocket /y\r\n", "/y", 2},
    {CONF_KEYWORD, "Socket", "Socket inet:port@localhost", "inet:port@localhost", 1},
    {CONF_KEYWORD, "Socket", "Include /more\n", "/from/more", 2},
    {CONF_KEYWORD, "Socket", "Include /c\nSocket a\n", "a", 2},
    {CONF_COLON, "milter.socket", "milter.socket: inet:1@127.0.0.1\n", "inet:1@127.0.0.1", 1},
    {CONF_COLON, "milter.socket", "# milter.socket: x\nmilter.socket:/s # c\n", "/s", 2},
    {CONF_COLON, "milter.socket", "no colon\n: empty\n", NULL, 0},
    {CONF_EQUALS, "Socket", "Socket = inet:8893@localhost\n", "inet:8893@localhost", 1},
    {CONF_EQUALS, "Socket", "debug=1\n#Socket = x\nSocket='/s'\n", "/s", 3},
    {CONF_GREYLIST, NULL, "socket \"/s\" 660\n", "/s", 1},
    {CONF_GREYLIST, NULL, "#socket \"/no\"\n\nsocket \\\n  \"/s\"\n", "/s", 4},
    {CONF_GREYLIST, NULL, "list \"socket\" addr { 1.2.3.4 }\n", NULL, 0},
    {CONF_GREYLIST, NULL, "socket \"/open\nsocket", "/open", 1},
    {CONF_GREYLIST, NULL, "socket inet:2525@localhost # x\n", "inet:2525@localhost", 1},
    {CONF_SHELL, "SOCKET", "D=/var\nSOCKET=$D/s\n", "/var/s", 2},
    {CONF_SHELL, "SOCKET", "SOCKET=$(id)\n", NULL, 0},
    {CONF_SHELL, "SOCKET", "#SOCKET=x\n", NULL, 0},
};

static ConfAnswer
answer_for(ConfFormat format, const char *key, const char *text)
{
    char *root = tree_make((const char *const[]){"== /more\n\nSocket /from/more\n", NULL});
    g_autoptr(DetectTree) tree = detect_tree_new(root);
    ConfAnswer answer;
    tree_write(root, "/c", text);
    conf_look_up(tree, format, "/c", key, &answer);
    tree_remove(root);
    return answer;
}

static void
test_formats(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *this = &cases[i];
        ConfAnswer answer = answer_for(this->format, this->key, this->text);
        if (g_strcmp0(answer.value, this->value) != 0) {
            g_test_message("“%s” gives %s", this->text, answer.value);
            g_test_fail();
        }
        g_autofree char *line = g_strdup_printf(":%u", this->line);
        if (this->value && !g_str_has_suffix(answer.place, line)) {
            g_test_message("“%s” is at %s", this->text, answer.place);
            g_test_fail();
        }
        conf_answer_clear(&answer);
    }
}

/* How long milter-greylist may let the MTA wait. */
static void
test_patience(void)
{
    static const struct {
        const char *text;
        double seconds;
    } texts[] = {
        {"racl greylist default\n", 0},
        {"racl whitelist tarpit 65s\n", 65},
        {"racl greylist tarpit 90\nracl greylist tarpit 2m\nracl x tarpit 1s\n", 120},
        {"racl greylist list \"tarpit\" delay 15m\n", 0},
        {"ldapconf \"ldap://localhost\" timeout 3s\n", 3},
        {"timeout 5d\nautowhite 3d\n", 0},
        {"racl greylist \\\n tarpit 1h\n", 3600},
        {"racl greylist tarpit soon\n", 0},
        {"# racl greylist tarpit 5s\n", 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        ConfAnswer answer = answer_for(CONF_GREYLIST, NULL, texts[i].text);
        g_assert_cmpfloat(answer.patience, ==, texts[i].seconds);
        g_assert_cmpint(answer.patience_place != NULL, ==, texts[i].seconds > 0);
        conf_answer_clear(&answer);
    }
}

/* ---- rspamd. */

#define FOLDER "/usr/local/etc/rspamd"
#define MAIN                                                                                       \
    "== " FOLDER "/rspamd.conf\n"                                                                  \
    ".include \"$CONFDIR/common.conf\"\n"                                                          \
    "worker \"rspamd_proxy\" {\n"                                                                  \
    "  bind_socket = \"localhost:11332\";\n"                                                       \
    "  .include \"$CONFDIR/worker-proxy.inc\"\n"                                                   \
    "  .include(try=true; priority=1,duplicate=merge) \"${LOCAL_CONFDIR}/local.d/"                 \
    "worker-proxy.inc\"\n"                                                                         \
    "  .include(try=true; priority=10) \"$LOCAL_CONFDIR/override.d/worker-proxy.inc\"\n"           \
    "}\n== " FOLDER "/worker-proxy.inc\nmilter = yes;\ntimeout = 120s;\n"
#define LOCAL "== " FOLDER "/local.d/worker-proxy.inc\n"
#define OVERRIDE "== " FOLDER "/override.d/worker-proxy.inc\n"

typedef struct Rspamd {
    const char *tree;
    const char *value; /* NULL: none */
    const char *place; /* behind the folder */
    gboolean no_milter, error;
} Rspamd;

static const Rspamd rspamds[] = {
    {MAIN, "inet:11332@localhost", "/rspamd.conf:3", FALSE, FALSE},
    {MAIN LOCAL "# mine\nbind_socket = \"/run/r.sock mode=0660 owner=r\";\n", "unix:/run/r.sock",
     "/local.d/worker-proxy.inc:2", FALSE, FALSE},
    {MAIN LOCAL "bind_socket = \"*:9900\";\n", "inet:9900@*", "/local.d/worker-proxy.inc:1", FALSE,
     FALSE},
    {MAIN LOCAL "bind_socket = \"a:1\";\n" OVERRIDE "bind_socket = b:2\n", "inet:2@b",
     "/override.d/worker-proxy.inc:1", FALSE, FALSE},
    {MAIN LOCAL "bind_socket = [ \"systemd:0\",\n \"[::1]:11332\" ];\n", "inet:11332@[::1]",
     "/local.d/worker-proxy.inc:1", FALSE, FALSE},
    {MAIN LOCAL "milter = no;\n", "inet:11332@localhost", "/rspamd.conf:3", TRUE, FALSE},
    {MAIN LOCAL "enabled = false;\n", "inet:11332@localhost", "/rspamd.conf:3", TRUE, FALSE},
    {MAIN OVERRIDE "milter = false\n" LOCAL "milter = true\n", "inet:11332@localhost",
     "/rspamd.conf:3", TRUE, FALSE},
    {MAIN LOCAL "upstream \"local\" { self_scan = yes; bind_socket = \"no:1\"; }\n"
                "/* bind_socket = \"/* nested */\"; */\n",
     "inet:11332@localhost", "/rspamd.conf:3", FALSE, FALSE},
    {MAIN LOCAL "bind_socket = \"open\n", "inet:11332@open\n", "/local.d/worker-proxy.inc:1", FALSE,
     TRUE},
    {MAIN LOCAL "}\n", "inet:11332@localhost", "/rspamd.conf:3", FALSE, TRUE},
    {MAIN LOCAL "text = <<EOD\nbind_socket = x\nEOD\nbind_socket = /y\n", "unix:/y",
     "/local.d/worker-proxy.inc:4", FALSE, FALSE},
    {"== " FOLDER "/rspamd.conf\nworker normal { bind_socket = \"*:11333\"; }\n", NULL, NULL, TRUE,
     FALSE},
    {"== " FOLDER "/rspamd.conf\nworker rspamd_proxy {\n bind_socket: /z\n milter: yes\n}\n",
     "unix:/z", "/rspamd.conf:2", FALSE, FALSE},
    {LOCAL "bind_socket = \"localhost:7\";\n", "inet:7@localhost", "/local.d/worker-proxy.inc:1",
     FALSE, FALSE},
    {"== /x\n", NULL, NULL, FALSE, FALSE},
    {"== " FOLDER "/rspamd.conf\n.include \"$CONFDIR/rspamd.conf\"\n", NULL, NULL, TRUE, TRUE},
    {MAIN "== " FOLDER "/common.conf\nmodules { path = ; ] }\n", "inet:11332@localhost",
     "/rspamd.conf:3", FALSE, FALSE},
    {"== " FOLDER "/rspamd.conf fifo\n", NULL, NULL, FALSE, TRUE},
};

static void
test_rspamd(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rspamds); i++) {
        const Rspamd *this = &rspamds[i];
        char *root = tree_make((const char *const[]){this->tree, NULL});
        g_autoptr(DetectTree) tree = detect_tree_new(root);
        ConfAnswer answer;
        conf_look_up(tree, CONF_RSPAMD, FOLDER "/rspamd.conf", NULL, &answer);
        tree_remove(root);
        if (g_strcmp0(answer.value, this->value) != 0 || answer.no_milter != this->no_milter ||
            (answer.error != NULL) != this->error ||
            (this->place && !g_str_has_suffix(answer.place, this->place))) {
            g_test_message("%s\ngives %s from %s, %s, error %s", this->tree, answer.value,
                           answer.place, answer.no_milter ? "no milter" : "a milter", answer.error);
            g_test_fail();
        }
        conf_answer_clear(&answer);
    }
}

/* As deep as the file is large. */
static void
test_rspamd_deep(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < 20000; i++)
        g_string_append(text, "a { b [ ");
    ConfAnswer answer = answer_for(CONF_RSPAMD, NULL, text->str);
    g_assert_nonnull(answer.error);
    conf_answer_clear(&answer);
    g_string_truncate(text, 0);
    for (guint i = 0; i < 20000; i++)
        g_string_append(text, "a=1;");
    answer = answer_for(CONF_RSPAMD, NULL, text->str);
    g_assert_nonnull(answer.error);
    conf_answer_clear(&answer);
}

static void
test_absent(void)
{
    g_autoptr(DetectTree) tree = detect_tree_new("/nonexistent");
    for (int format = CONF_KEYWORD; format <= CONF_RSPAMD; format++) {
        ConfAnswer answer;
        conf_look_up(tree, (ConfFormat)format, "/c", "Socket", &answer);
        g_assert_null(answer.value);
        g_assert_null(answer.error);
        conf_answer_clear(&answer);
    }
}

/* ---- Specs. */

static void
test_specs(void)
{
    static const struct {
        const char *written, *spec;
    } specs[] = {
        {"/a/b", "unix:/a/b"},
        {" unix:/a ", "unix:/a"},
        {"local:/a", "unix:/a"},
        {"local:unix:/a", "unix:/a"},
        {"unix:local:/a", "unix:/a"},
        {"inet:25@host", "inet:25@host"},
        {"inet:25", "inet:25@localhost"},
        {"25", "inet:25@localhost"},
        {"25@host", "inet:25@host"},
        {"inet:25@", "inet:25@localhost"},
        {"inet:25@*", "inet:25@localhost"},
        {"inet:25@0.0.0.0", "inet:25@localhost"},
        {"inet6:25@[::]", "inet6:25@localhost"},
        {"inet6:25", "inet6:25@localhost"},
        {"inet6:25@::1", "inet6:25@[::1]"},
        {"inet:25@[::1]", "inet6:25@[::1]"},
        {"inet:25@192.0.2.1", "inet:25@192.0.2.1"},
        {"inet6:25@192.0.2.1", "inet:25@192.0.2.1"},
        {"inet:port@localhost", NULL},
        {"inet:0@localhost", NULL},
        {"inet:65536", NULL},
        {"inet:25@a b", NULL},
        {"inet:25@'x'", NULL},
        {"local:sock", NULL},
        {"fd:3", NULL},
        {"", NULL},
        {"local:", NULL},
        {"/a'b", NULL},
        {"/a\nb", NULL},
        {"\001", NULL},
        {"/a\xff", NULL},
        {"/0123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789012345678901234567890123456789",
         NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(specs); i++) {
        g_autofree char *why = NULL;
        g_autofree char *spec = detect_spec_normalise(specs[i].written, &why);
        g_assert_cmpstr(spec, ==, specs[i].spec);
        g_assert_cmpint(why != NULL, ==, spec == NULL);
    }
}

/* ---- Records. */

static void
test_records(void)
{
    const DetectRecord table[] = {
        {.name = "one", .scripts = DETECT_LIST("one"), .sources = DETECT_LIST("default")}};
    static const char good[] = "# c\n[two]\nscripts = a b # x\nsocket = flag:p conf\n"
                               "conf-format = equals\nconf-key = S\nrank = 3\n"
                               "[one]\nscripts = c\nspec = 25@h\n";
    g_autoptr(DetectRecords) records = detect_records_new(table, 1);
    g_autoptr(GPtrArray) errors = detect_records_add(records, "/r", good);
    g_assert_cmpuint(errors->len, ==, 0);
    g_assert_cmpuint(detect_records_count(records), ==, 2);
    const DetectRecord *two = detect_records_find(records, "two");
    g_assert_cmpstr(two->scripts[1], ==, "b");
    g_assert_null(two->scripts[2]);
    g_assert_cmpint(two->conf_format, ==, CONF_EQUALS);
    g_assert_cmpuint(two->rank, ==, 3);
    g_assert_cmpstr(two->origin, ==, "/r:2");
    g_assert_cmpstr(detect_records_find(records, "one")->spec, ==, "25@h");
    g_assert_null(detect_records_find(records, "three"));
}

static void
test_record_errors(void)
{
    static const struct {
        const char *text, *error;
    } texts[] = {
        {"scripts = a\n", "/r:1: “scripts = a”"},
        {"[a]\nscripts = a\nnonsense\n", "/r:3: “nonsense”"},
        {"[a]\nscripts = a\nfoo = b\n", "/r:3: “foo”"},
        {"[a]\n[b]\nscripts = b\n", "/r:2: “a”"},
        {"[a]\nrank = 5\n", "/r:3: “a”"},
        {"[a/b]\nscripts = a\n", "/r:1: "},
        {"[]\nscripts = a\n", "/r:1: "},
        {"[\n", "/r:1: "},
        {"[a]\nscripts = a\nsocket = flagp\n", "/r:3: “flagp”"},
        {"[a]\nscripts = a\nconf-format = xml\n", "/r:3: “xml”"},
        {"[a]\nscripts = a\nspec = x\n", "/r:3: “x”"},
        {"[a]\nscripts = a\nrank = 100\n", "/r:3: “100”"},
        {"[a]\nscripts = a\nrank = -1\n", "/r:3: “-1”"},
        {"[a]\nscripts = a\nfallback = drop\n", "/r:3: “drop”"},
        {"[a]\nscripts = a\nconditions = \xff\n", "/r:3: "},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(DetectRecords) records = detect_records_new(NULL, 0);
        g_autoptr(GPtrArray) errors = detect_records_add(records, "/r", texts[i].text);
        g_assert_cmpuint(errors->len, ==, 1);
        g_assert_true(g_str_has_prefix(g_ptr_array_index(errors, 0), texts[i].error));
    }
}

/* ---- The tree. */

static void
check_resolved(const DetectTree *tree, const char *path, const char *expected)
{
    g_autofree char *resolved = detect_tree_resolve(tree, path);
    g_assert_cmpstr(resolved, ==, expected);
}

static void
test_tree(void)
{
    char *root =
        tree_make((const char *const[]){"== /a/f\ntext\n== /l -> /a\n== /a/up -> ../../..\n"
                                        "== /loop -> loop\n== /a/abs -> /a/f\n"
                                        "== /p fifo\n== /d/2\n== /d/10\n== /d/.h\n",
                                        NULL});
    g_autoptr(DetectTree) tree = detect_tree_new(root);
    g_autofree char *text = NULL;
    g_autofree char *why = NULL;
    check_resolved(tree, "/l/f", "/a/f");
    check_resolved(tree, "/a/up/a/./f", "/a/f");
    check_resolved(tree, "/../../etc/passwd", "/etc/passwd");
    check_resolved(tree, "/l/abs", "/a/f");
    check_resolved(tree, "/loop/x", NULL);
    check_resolved(tree, "relative", NULL);
    g_assert_cmpint(detect_tree_read(tree, "/l/abs", &text, &why), ==, DETECT_READ_OK);
    g_assert_cmpstr(text, ==, "text\n");
    char *nothing;
    g_assert_cmpint(detect_tree_read(tree, "/none", &nothing, &why), ==, DETECT_READ_ABSENT);
    g_assert_null(why);
    g_assert_cmpint(detect_tree_read(tree, "/p", &nothing, &why), ==, DETECT_READ_FAILED);
    g_assert_nonnull(why);
    g_assert_true(detect_tree_test(tree, 'f', "/l/f"));
    g_assert_true(detect_tree_test(tree, 'L', "/l"));
    g_assert_false(detect_tree_test(tree, 'L', "/a"));
    g_assert_true(detect_tree_test(tree, 'd', "/l"));
    g_assert_true(detect_tree_test(tree, 'p', "/p"));
    g_assert_false(detect_tree_test(tree, 'e', "/loop"));
    g_auto(GStrv) names = detect_tree_list(tree, "/d");
    g_assert_cmpstr(names[0], ==, "10");
    g_assert_cmpstr(names[1], ==, "2");
    g_assert_null(names[2]);
    g_assert_null(detect_tree_list(tree, "/a/f"));
    tree_remove(root);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/detect/conf/formats", test_formats);
    g_test_add_func("/detect/conf/patience", test_patience);
    g_test_add_func("/detect/conf/rspamd", test_rspamd);
    g_test_add_func("/detect/conf/rspamd-deep", test_rspamd_deep);
    g_test_add_func("/detect/conf/absent", test_absent);
    g_test_add_func("/detect/spec", test_specs);
    g_test_add_func("/detect/records/good", test_records);
    g_test_add_func("/detect/records/errors", test_record_errors);
    g_test_add_func("/detect/tree", test_tree);
    return g_test_run();
}
