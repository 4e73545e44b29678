/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "postfix.h"

#include <glib/gstdio.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* Another process may take the port between its choice and the master's bind. */
#define START_TRIES 5u
#define START_SECONDS 30.0

struct TestPostfix {
    char *folder;
    char *inbox; /* where mails appear */
    guint port;
    TestPostfixPort more[TEST_POSTFIX_PORTS];
    guint more_ports[TEST_POSTFIX_PORTS];
    guint n_more;
    TestProcess *master;
};

/* ---- Its folders and files. */

static void
make_queue(const char *queue)
{
    static const struct {
        const char *name;
        guint mode;
        const char *owner, *group;
    } folders[] = {
        {"", 0755, NULL, NULL},
        {"active", 0700, "postfix", NULL},
        {"bounce", 0700, "postfix", NULL},
        {"corrupt", 0700, "postfix", NULL},
        {"defer", 0700, "postfix", NULL},
        {"deferred", 0700, "postfix", NULL},
        {"flush", 0700, "postfix", NULL},
        {"hold", 0700, "postfix", NULL},
        {"incoming", 0700, "postfix", NULL},
        {"private", 0700, "postfix", NULL},
        {"saved", 0700, "postfix", NULL},
        {"trace", 0700, "postfix", NULL},
        {"public", 0710, "postfix", "postdrop"},
        {"maildrop", 0730, "postfix", "postdrop"},
        {"pid", 0755, NULL, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(queue, folders[i].name, NULL);
        test_folder_make(path, folders[i].mode, folders[i].owner, folders[i].group);
    }
}

static void
make_folders(TestPostfix *postfix)
{
    g_autofree char *etc = g_build_filename(postfix->folder, "etc", NULL);
    g_autofree char *queue = g_build_filename(postfix->folder, "queue", NULL);
    g_autofree char *data = g_build_filename(postfix->folder, "data", NULL);
    g_autofree char *mail = g_build_filename(postfix->folder, "mail", NULL);
    test_folder_make(etc, 0755, NULL, NULL);
    test_folder_make(data, 0700, "postfix", NULL);
    test_folder_make(mail, 0755, "nobody", NULL);
    make_queue(queue);
    postfix->inbox = g_build_filename(mail, "new", NULL);
    /* Maildir, so that new can be watched before the first mail comes. */
    static const char *const parts[] = {"new", "cur", "tmp"};
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *part = g_build_filename(mail, parts[i], NULL);
        test_folder_make(part, 0700, "nobody", NULL);
    }
}

static const char main_cf_text[] = "compatibility_level = 3.6\n"
                                   "queue_directory = %1$s/queue\n"
                                   "data_directory = %1$s/data\n"
                                   "maillog_file = %1$s/log\n"
                                   "maillog_file_prefixes = %1$s\n"
                                   "myhostname = mx.test.example\n"
                                   "mydestination =\n"
                                   "inet_interfaces = loopback-only\n"
                                   "inet_protocols = ipv4\n"
                                   "mynetworks = 127.0.0.0/8\n"
                                   "smtpd_peername_lookup = no\n"
                                   "smtp_dns_support_level = disabled\n"
                                   "alias_maps =\n"
                                   "alias_database =\n"
                                   "local_recipient_maps =\n"
                                   "virtual_mailbox_domains = " TEST_DOMAIN "\n"
                                   "virtual_mailbox_base = %1$s\n"
                                   "virtual_mailbox_maps = static:mail/\n"
                                   "virtual_uid_maps = static:%2$u\n"
                                   "virtual_gid_maps = static:%3$u\n"
                                   "virtual_minimum_uid = 1\n"
                                   "virtual_mailbox_limit = 0\n"
                                   "mailbox_size_limit = 0\n"
                                   "message_size_limit = 0\n"
                                   "queue_minfree = 0\n"
                                   "smtpd_relay_restrictions = permit_mynetworks, reject\n"
                                   "smtpd_authorized_xclient_hosts = 127.0.0.0/8\n"
                                   "smtpd_client_connection_count_limit = 0\n"
                                   "smtpd_error_sleep_time = 0\n"
                                   "smtpd_soft_error_limit = 1000\n"
                                   "smtpd_hard_error_limit = 1000\n"
                                   "in_flow_delay = 0\n";

static const char master_cf_text[] = "127.0.0.1:%u inet n - n - - smtpd\n"
                                     "pickup unix n - n 60 1 pickup\n"
                                     "cleanup unix n - n - 0 cleanup\n"
                                     "qmgr unix n - n 300 1 qmgr\n"
                                     "rewrite unix - - n - - trivial-rewrite\n"
                                     "tlsmgr unix - - n 1000 1 tlsmgr\n"
                                     "bounce unix - - n - 0 bounce\n"
                                     "defer unix - - n - 0 bounce\n"
                                     "trace unix - - n - 0 bounce\n"
                                     "verify unix - - n - 1 verify\n"
                                     "proxymap unix - - n - - proxymap\n"
                                     "error unix - - n - - error\n"
                                     "retry unix - - n - - error\n"
                                     "discard unix - - n - - discard\n"
                                     "virtual unix - n n - - virtual\n"
                                     "smtp unix - - n - - smtp\n"
                                     "relay unix - - n - - smtp\n"
                                     "anvil unix - - n - 1 anvil\n"
                                     "postlog unix-dgram n - n - 1 postlogd\n";

static gboolean
is_set(const char *settings, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " =", 2);
    g_autofree char *start = g_strdup_printf("%s =", words[0]);
    g_auto(GStrv) lines = g_strsplit(settings, "\n", -1);
    gboolean found = FALSE;
    for (char **other = lines; *other; other++)
        found = found || g_str_has_prefix(*other, start);
    return found;
}

/* No setting twice: each process of Postfix logs a warning, and together at their start, while its
 * postlogd starts too, they can fill its socket, which ends in a minute of silence. */
static char *
join_settings(const char *settings, const char *more)
{
    GString *all = g_string_new(more);
    g_auto(GStrv) lines = g_strsplit(settings, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (**line && !is_set(more, *line))
            g_string_append_printf(all, "%s\n", *line);
    }
    return g_string_free(all, FALSE);
}

static void
write_files(TestPostfix *postfix, const char *more)
{
    const struct passwd *nobody = getpwnam("nobody");
    g_assert_nonnull(nobody);
    g_autofree char *main_cf = g_build_filename(postfix->folder, "etc", "main.cf", NULL);
    g_autofree char *master_cf = g_build_filename(postfix->folder, "etc", "master.cf", NULL);
    g_autofree char *main_text =
        g_strdup_printf(main_cf_text, postfix->folder, nobody->pw_uid, nobody->pw_gid);
    g_autofree char *whole = join_settings(main_text, more ? more : "");
    g_autoptr(GString) master_text = g_string_new(NULL);
    for (guint i = 0; i < postfix->n_more; i++) {
        const char *options = postfix->more[i].options;
        const char *address = test_postfix_nth_address(postfix, i);
        g_string_append_printf(master_text, strchr(address, ':') ? "[%s]" : "%s", address);
        g_string_append_printf(master_text, ":%u inet n - n - - smtpd %s\n", postfix->more_ports[i],
                               options ? options : "");
    }
    /* The usual port behind them: when it listens they do. */
    g_string_append_printf(master_text, master_cf_text, postfix->port);
    test_file_write(main_cf, whole);
    test_file_write(master_cf, master_text->str);
}

/* ---- Its master. */

static char *
find_master(void)
{
    const char *const argv[] = {"postconf", "-d", "-h", "daemon_directory", NULL};
    g_autofree char *folder = NULL;
    g_assert_cmpint(test_run(argv, &folder), ==, 0);
    return g_build_filename(g_strstrip(folder), "master", NULL);
}

/* Each its own: what was free a moment ago may be given out again. */
static void
choose_ports(TestPostfix *postfix)
{
    postfix->port = test_free_port();
    for (guint i = 0; i < postfix->n_more; i++) {
        guint port = test_free_port();
        gboolean taken = port == postfix->port;
        for (guint j = 0; j < i; j++)
            taken = taken || port == postfix->more_ports[j];
        if (taken)
            i--;
        else
            postfix->more_ports[i] = port;
    }
}

static gboolean
start_master(TestPostfix *postfix, const char *more)
{
    g_autofree char *master = find_master();
    g_autofree char *etc = g_build_filename(postfix->folder, "etc", NULL);
    const char *const argv[] = {master, "-c", etc, "-s", NULL};
    choose_ports(postfix);
    write_files(postfix, more);
    postfix->master = test_process_start(argv);
    if (test_wait_for_port(postfix->port, postfix->master, START_SECONDS))
        return TRUE;
    g_autofree char *output = test_process_output(postfix->master);
    g_autofree char *log = test_postfix_log(postfix);
    test_process_stop(g_steal_pointer(&postfix->master));
    if (!strstr(output, "already in use") && !strstr(log, "already in use"))
        test_fail("Postfix does not start: %s%s", output, log);
    return FALSE;
}

TestPostfix *
test_postfix_start_ports(const char *main_cf, const TestPostfixPort *ports, guint n)
{
    TestPostfix *postfix = g_new0(TestPostfix, 1);
    g_assert_cmpuint(n, <=, TEST_POSTFIX_PORTS);
    for (; postfix->n_more < n; postfix->n_more++)
        postfix->more[postfix->n_more] = ports[postfix->n_more];
    postfix->folder = test_folder_new();
    make_folders(postfix);
    for (guint i = 0; i < START_TRIES; i++) {
        if (start_master(postfix, main_cf))
            return postfix;
    }
    test_fail("no port was found for Postfix");
}

TestPostfix *
test_postfix_start(const char *main_cf)
{
    return test_postfix_start_ports(main_cf, NULL, 0);
}

guint
test_postfix_nth_port(const TestPostfix *postfix, guint i)
{
    g_assert_cmpuint(i, <, postfix->n_more);
    return postfix->more_ports[i];
}

const char *
test_postfix_nth_address(const TestPostfix *postfix, guint i)
{
    g_assert_cmpuint(i, <, postfix->n_more);
    return postfix->more[i].address ? postfix->more[i].address : "127.0.0.1";
}

const char *
test_postfix_folder(const TestPostfix *postfix)
{
    return postfix->folder;
}

guint
test_postfix_port(const TestPostfix *postfix)
{
    return postfix->port;
}

char *
test_postfix_log(const TestPostfix *postfix)
{
    g_autofree char *path = g_build_filename(postfix->folder, "log", NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

void
test_postfix_stop(TestPostfix *postfix)
{
    test_process_stop(postfix->master);
    test_folder_remove(postfix->folder);
    g_free(postfix->folder);
    g_free(postfix->inbox);
    g_free(postfix);
}

/* ---- What it delivered. */

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *
list_inbox(const TestPostfix *postfix)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *folder = g_dir_open(postfix->inbox, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder)))
        g_ptr_array_add(names, g_build_filename(postfix->inbox, name, NULL));
    if (folder)
        g_dir_close(folder);
    g_ptr_array_sort(names, compare_names);
    return names;
}

guint
test_postfix_count_mails(const TestPostfix *postfix)
{
    g_autoptr(GPtrArray) names = list_inbox(postfix);
    return names->len;
}

/* Looked for again and again: there is no event for it on every system. */
static void
wait_for_count(TestPostfix *postfix, guint n)
{
    const gulong pause = 20000;
    gint64 deadline = g_get_monotonic_time() + (gint64)(TEST_PATIENCE * G_USEC_PER_SEC);
    while (test_postfix_count_mails(postfix) < n && g_get_monotonic_time() < deadline)
        g_usleep(pause);
}

GPtrArray *
test_postfix_wait_for_mails(TestPostfix *postfix, guint n)
{
    wait_for_count(postfix, n);
    g_autoptr(GPtrArray) names = list_inbox(postfix);
    if (names->len < n) {
        g_autofree char *log = test_postfix_log(postfix);
        test_fail("%u mails of %u came; the log of Postfix: %s", names->len, n, log);
    }
    GPtrArray *mails = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < names->len; i++) {
        char *text = NULL;
        g_assert_true(g_file_get_contents(g_ptr_array_index(names, i), &text, NULL, NULL));
        g_ptr_array_add(mails, text);
    }
    return mails;
}

/* ---- All there is, taken away. */

/* The files in a folder or below it. */
static void
add_files(const char *path, GPtrArray *files)
{
    GDir *folder = g_dir_open(path, 0, NULL);
    const char *name;
    g_assert_nonnull(folder);
    while ((name = g_dir_read_name(folder))) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        if (g_file_test(entry, G_FILE_TEST_IS_DIR))
            add_files(entry, files);
        else
            g_ptr_array_add(files, g_steal_pointer(&entry));
    }
    g_dir_close(folder);
}

static GPtrArray *
list_queue(const TestPostfix *postfix, const char *name)
{
    g_autofree char *path = g_build_filename(postfix->folder, "queue", name, NULL);
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    add_files(path, files);
    return files;
}

/* A file moves from a folder to one that is later here. */
static gboolean
is_busy(const TestPostfix *postfix)
{
    static const char *const names[] = {"maildrop", "incoming", "active"};
    gboolean busy = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GPtrArray) files = list_queue(postfix, names[i]);
        busy = files->len > 0 || busy;
    }
    return busy;
}

static void
settle(const TestPostfix *postfix)
{
    const gulong pause = 5000;
    gint64 deadline = g_get_monotonic_time() + (gint64)(TEST_PATIENCE * G_USEC_PER_SEC);
    while (is_busy(postfix)) {
        if (g_get_monotonic_time() > deadline) {
            g_autofree char *log = test_postfix_log(postfix);
            test_fail("Postfix does not come to an end; its log: %s", log);
        }
        g_usleep(pause);
    }
}

/* What depends on when and where is left out. */
static char *
show_queued(const TestPostfix *postfix, const char *path)
{
    static const char *const left_out[] = {"*** ENVELOPE", "message_size:", "message_arrival_time:",
                                           "create_time:", "named_attribute:"};
    g_autofree char *etc = g_build_filename(postfix->folder, "etc", NULL);
    const char *const argv[] = {"postcat", "-c", etc, path, NULL};
    g_autofree char *output = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_assert_cmpint(test_run(argv, &output), ==, 0);
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
    for (char **line = lines; *line; line++) {
        gboolean shown = TRUE;
        for (guint i = 0; i < G_N_ELEMENTS(left_out); i++)
            shown = shown && !g_str_has_prefix(*line, left_out[i]);
        if (shown && !strstr(*line, path))
            g_string_append_printf(text, "%s\n", *line);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Appends the files, sorted by what is in them, and removes them. */
static void
take_files(const TestPostfix *postfix, GPtrArray *files, const char *word, GString *all)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < files->len; i++) {
        const char *path = g_ptr_array_index(files, i);
        g_autofree char *text = NULL;
        if (strcmp(word, "delivered") == 0)
            g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        else
            text = show_queued(postfix, path);
        g_ptr_array_add(texts, test_mail_normalize(text));
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_ptr_array_sort(texts, compare_names);
    for (guint i = 0; i < texts->len; i++)
        g_string_append_printf(all, "==== %s\n%s", word, (char *)g_ptr_array_index(texts, i));
}

char *
test_postfix_take(TestPostfix *postfix)
{
    static const char *const folders[][2] = {{"hold", "held"}, {"deferred", "deferred"}};
    GString *all = g_string_new(NULL);
    settle(postfix);
    g_autoptr(GPtrArray) mails = list_inbox(postfix);
    take_files(postfix, mails, "delivered", all);
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autoptr(GPtrArray) files = list_queue(postfix, folders[i][0]);
        take_files(postfix, files, folders[i][1], all);
    }
    return g_string_free(all, FALSE);
}

/* ---- Mail from this machine. */

int
test_postfix_submit(TestPostfix *postfix, const char *arguments, const char *text)
{
    g_autofree char *path = g_build_filename(postfix->folder, "submitted", NULL);
    g_autofree char *command =
        g_strdup_printf("exec \"$(postconf -d -h sendmail_path)\" -C '%s/etc' %s <'%s'",
                        postfix->folder, arguments, path);
    const char *const argv[] = {"sh", "-c", command, NULL};
    test_file_write(path, text);
    return test_run(argv, NULL);
}

/* ---- Texts. */

char *
test_mail_normalize(const char *mail)
{
    static const struct {
        const char *pattern, *word;
    } rules[] = {
        {"with (E?SMTPS?A?) id [0-9A-Za-z]+", "with \\1 id QUEUE-ID"},
        {"\\b(by [a-z.]+ \\(Postfix[^)]*\\)\n\tid|queued as|i=|X-Postfix-Queue-ID:|Postfix, from) "
         "?[0-9A-F]+",
         "\\1 QUEUE-ID"},
        {"\\b[0-9A-F]{9,}\\.\\d{10}/", "BOUNDARY/"},
        {"\\b(inet6?:)\\d+@", "\\1PORT@"},
        {"\\{(client|daemon)_port\\}=\\d+", "{\\1_port}=PORT"},
        {"\\w{3}, +\\d+ \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d [+-]\\d{4}( \\(\\w+\\))?", "DATE"},
        {"127\\.0\\.0\\.1:\\d+", "127.0.0.1:PORT"},
        {"\\d{14}\\.[0-9A-Fa-f]+@", "NUMBER@"},
    };
    char *text = g_strdup(mail);
    for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autoptr(GRegex) regex = g_regex_new(rules[i].pattern, G_REGEX_RAW, 0, NULL);
        char *next = g_regex_replace(regex, text, -1, 0, rules[i].word, 0, NULL);
        g_free(text);
        text = next;
    }
    return text;
}
