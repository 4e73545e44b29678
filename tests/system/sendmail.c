/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sendmail.h"

#include "host.h"
#include "smtp.h"

#include <glib/gstdio.h>
#include <string.h>

#define START_TRIES 5u
#define START_SECONDS 30.0
/* get-sendmail: it gives up earlier. */
#define FETCH_SECONDS 240.0
/* get-sendmail: Sendmail cannot be had here. */
#define EXIT_SKIP 77

struct TestSendmail {
    char *folder;
    char *program; /* the script that runs it */
    char *queue, *mail, *cf;
    guint ports[2];
    guint ports_ipv6[2]; /* 0: none */
    TestProcess *daemon;
};

/* ---- The program. */

static char *
sendmail_file(const char *name)
{
    g_autofree char *folder = test_build_file("tests/system/sendmail");
    return g_build_filename(folder, name, NULL);
}

gboolean
test_skip_without_sendmail(void)
{
    static char *reason;
    static gboolean fetched;
    if (!fetched && !reason) {
        g_autofree char *script = g_strdup(g_getenv("MM_TEST_GET_SENDMAIL"));
        g_autofree char *folder = test_build_file("tests/system/sendmail");
        g_autofree char *preload = g_strdup(g_getenv("MM_TEST_HOSTNAME"));
        const char *const argv[] = {"sh", script, folder, preload, NULL};
        g_autofree char *output = NULL;
        g_assert_true(script && preload);
        int status = test_run_for(argv, FETCH_SECONDS, &output);
        if (status != 0 && status != EXIT_SKIP)
            test_fail("get-sendmail ended with %d: %s", status, output);
        fetched = status == 0;
        reason = fetched ? NULL : g_strdup(g_strstrip(output));
    }
    if (!fetched)
        g_test_skip(reason);
    return !fetched;
}

/* ---- Its files. */

/* As an administrator's sendmail.mc, for a folder of its own. Each port names its filters. */
static const char mc_text[] =
    "OSTYPE(`linux')dnl\n"
    "define(`confSERVICE_SWITCH_FILE', `%1$s/service.switch')dnl\n"
    "define(`confHOSTS_FILE', `%1$s/hosts')dnl\n"
    "define(`confDOMAIN_NAME', `mx.test.example')dnl\n"
    "define(`QUEUE_DIR', `%1$s/queue')dnl\n"
    "define(`confPID_FILE', `%1$s/pid')dnl\n"
    "define(`STATUS_FILE', `')dnl\n"
    "define(`HELP_FILE', `')dnl\n"
    "define(`confDONT_PROBE_INTERFACES', `True')dnl\n"
    "define(`confTO_IDENT', `0')dnl\n"
    "define(`confQUEUE_LA', `100000')dnl\n"
    "define(`confREFUSE_LA', `100000')dnl\n"
    "define(`confDELIVERY_MODE', `queueonly')dnl\n"
    "define(`confPRIVACY_FLAGS', `noetrn')dnl\n"
    "define(`confBAD_RCPT_THROTTLE', `0')dnl\n"
    "define(`LOCAL_MAILER_PATH', `/bin/sh')dnl\n"
    "define(`LOCAL_MAILER_ARGS', `sh %1$s/deliver $g $u')dnl\n"
    "define(`LOCAL_MAILER_FLAGS', `SPhn9')dnl\n"
    "MODIFY_MAILER_FLAGS(`LOCAL', `-Aw5:/|')dnl\n"
    "define(`LOCAL_SHELL_PATH', `/bin/sh')dnl\n"
    "FEATURE(`no_default_msa')dnl\n"
    "FEATURE(`nocanonify')dnl\n"
    "FEATURE(`accept_unresolvable_domains')dnl\n"
    "%2$s"
    "MAILER(`local')dnl\n"
    "MAILER_DEFINITIONS\n"
    "Musers, P=/bin/sh, F=lsDFMw, S=EnvFromL/HdrFromL, R=EnvToL/HdrToL, T=DNS/RFC822/X-Unix, "
    "A=sh %1$s/deliver $g $u\n"
    "LOCAL_CONFIG\n"
    "Cw " TEST_DOMAIN "\n"
    "LOCAL_RULE_0\n"
    "Runknown < @ $=w $* >\t$#error $@ 5.1.1 $: \"550 Nobody of that name\"\n"
    "Rnobody.here < @ $=w $* >\t$#users $: nobody.here\n";

static void
append_ports(GString *mc, guint port, guint port_ipv6, const char *prefix,
             const char *const *filters, const char *equates)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; filters[i]; i++) {
        g_string_append_printf(mc, "INPUT_MAIL_FILTER(`%s%u', `S=%s, %s')dnl\n", prefix, i,
                               filters[i], equates);
        g_string_append_printf(names, "%s%s%u", i > 0 ? ";" : "", prefix, i);
    }
    g_string_append_printf(
        mc, "DAEMON_OPTIONS(`Addr=127.0.0.1, Port=%u, Name=MTA, InputMailFilters=%s')dnl\n", port,
        names->str);
    if (port_ipv6 > 0)
        g_string_append_printf(mc,
                               "DAEMON_OPTIONS(`Family=inet6, Addr=::1, Port=%u, Name=MTA, "
                               "InputMailFilters=%s')dnl\n",
                               port_ipv6, names->str);
}

/* What sh reads: no program may be started from /run on many systems. */
static void
write_script(const TestSendmail *sendmail)
{
    g_autofree char *path = g_build_filename(sendmail->folder, "deliver", NULL);
    g_autofree char *text = g_strdup_printf("# A mail on standard input; $1: from, $2: to.\n"
                                            "file=$(mktemp %s/part-XXXXXX) || exit 75\n"
                                            "{ echo \"from $1 to $2\"; cat; } >\"$file\" &&\n"
                                            "    mv \"$file\" \"$file.mail\" || exit 75\n",
                                            sendmail->mail);
    test_file_write(path, text);
}

static void
make_folders(TestSendmail *sendmail)
{
    g_autofree char *hosts = g_build_filename(sendmail->folder, "hosts", NULL);
    g_autofree char *service_switch = g_build_filename(sendmail->folder, "service.switch", NULL);
    test_folder_make(sendmail->queue, 0700, NULL, NULL);
    test_folder_make(sendmail->mail, 0700, NULL, NULL);
    test_file_write(hosts, "127.0.0.1 localhost\n::1 localhost\n");
    test_file_write(service_switch, "hosts files\n");
    write_script(sendmail);
}

static void
write_cf(TestSendmail *sendmail, const char *const *direct, const char *const *through,
         const char *equates)
{
    g_autoptr(GString) ports = g_string_new(NULL);
    g_autofree char *make_cf = sendmail_file("make-cf");
    g_autofree char *mc_path = g_build_filename(sendmail->folder, "sendmail.mc", NULL);
    append_ports(ports, sendmail->ports[0], sendmail->ports_ipv6[0], "direct", direct, equates);
    append_ports(ports, sendmail->ports[1], sendmail->ports_ipv6[1], "through", through, equates);
    g_autofree char *mc = g_strdup_printf(mc_text, sendmail->folder, ports->str);
    test_file_write(mc_path, mc);
    g_autofree char *command = g_strdup_printf("'%s' <'%s' >'%s'", make_cf, mc_path, sendmail->cf);
    const char *const argv[] = {"sh", "-c", command, NULL};
    g_autofree char *output = NULL;
    if (test_run(argv, &output) != 0)
        test_fail("sendmail.cf cannot be made: %s", output);
}

/* ---- The daemon. */

/* A session of its own tells that it listens: of one that is cut off, filters might be shown
 * anything, at any time. */
static gboolean
wait_for_greeting(const TestSendmail *sendmail, guint port)
{
    const gulong pause = 10000;
    gint64 deadline = g_get_monotonic_time() + (gint64)(START_SECONDS * G_USEC_PER_SEC);
    while (test_process_is_running(sendmail->daemon) && g_get_monotonic_time() < deadline) {
        TestSmtp *smtp = test_smtp_try(port);
        if (smtp) {
            test_smtp_quit(smtp);
            return TRUE;
        }
        g_usleep(pause);
    }
    return FALSE;
}

/* Each its own: what was free a moment ago may be given out again. */
static void
choose_ports(TestSendmail *sendmail)
{
    guint ports[4];
    for (guint i = 0; i < G_N_ELEMENTS(ports); i++) {
        gboolean taken;
        do {
            taken = FALSE;
            ports[i] = test_free_port();
            for (guint j = 0; j < i; j++)
                taken = taken || ports[j] == ports[i];
        } while (taken);
    }
    for (guint i = 0; i < 2; i++) {
        sendmail->ports[i] = ports[i];
        sendmail->ports_ipv6[i] = test_has_ipv6() ? ports[2 + i] : 0;
    }
}

static gboolean
start_daemon(TestSendmail *sendmail, const char *const *direct, const char *const *through,
             const char *equates)
{
    const char *const argv[] = {sendmail->program, "-bD", "-C", sendmail->cf, NULL};
    choose_ports(sendmail);
    write_cf(sendmail, direct, through, equates);
    sendmail->daemon = test_process_start(argv);
    if (wait_for_greeting(sendmail, sendmail->ports[0]) &&
        wait_for_greeting(sendmail, sendmail->ports[1]))
        return TRUE;
    g_autofree char *output = test_process_output(sendmail->daemon);
    test_process_stop(g_steal_pointer(&sendmail->daemon));
    if (!strstr(output, "in use"))
        test_fail("Sendmail does not start: %s", output);
    return FALSE;
}

TestSendmail *
test_sendmail_start(const char *const *direct, const char *const *through, const char *equates)
{
    TestSendmail *sendmail = g_new0(TestSendmail, 1);
    sendmail->folder = test_folder_new();
    sendmail->program = sendmail_file("sendmail");
    sendmail->queue = g_build_filename(sendmail->folder, "queue", NULL);
    sendmail->mail = g_build_filename(sendmail->folder, "mail", NULL);
    sendmail->cf = g_build_filename(sendmail->folder, "sendmail.cf", NULL);
    make_folders(sendmail);
    for (guint i = 0; i < START_TRIES; i++) {
        if (start_daemon(sendmail, direct, through, equates))
            return sendmail;
    }
    test_fail("no ports were found for Sendmail");
}

guint
test_sendmail_port(const TestSendmail *sendmail, gboolean through)
{
    return sendmail->ports[through ? 1 : 0];
}

guint
test_sendmail_port_ipv6(const TestSendmail *sendmail, gboolean through)
{
    return sendmail->ports_ipv6[through ? 1 : 0];
}

void
test_sendmail_stop(TestSendmail *sendmail)
{
    test_process_stop(sendmail->daemon);
    test_folder_remove(sendmail->folder);
    g_free(sendmail->folder);
    g_free(sendmail->program);
    g_free(sendmail->queue);
    g_free(sendmail->mail);
    g_free(sendmail->cf);
    g_free(sendmail);
}

/* ---- What it made of the mail. */

char *
test_sendmail_normalize(const char *text)
{
    static const struct {
        const char *pattern, *word;
    } rules[] = {
        {"\\b[0-9A-Za-x][A-L][1-9A-V][0-9A-N][0-9A-Za-x]{4}\\d{6,7}\\b", "QUEUE-ID"},
        {"\\w{3}, +\\d+ \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d ([+-]\\d{4}( \\(\\w+\\))?|\\w+)",
         "DATE"},
        {"\\b\\d{12}\\.QUEUE-ID", "NUMBER.QUEUE-ID"},
        {"\\b(inet6?:)\\d+@", "\\1PORT@"},
    };
    char *normal = g_strdup(text);
    for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autoptr(GRegex) regex = g_regex_new(rules[i].pattern, G_REGEX_RAW, 0, NULL);
        char *next = g_regex_replace(regex, normal, -1, 0, rules[i].word, 0, NULL);
        g_free(normal);
        normal = next;
    }
    return normal;
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *
read_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

/* The control file without its time (T), last try (K), number of tries (N), priority (P) and file
 * numbers (I): they depend on when and where. */
static void
append_control(GString *out, const char *control)
{
    g_auto(GStrv) lines = g_strsplit(control, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!**line || !strchr("TKNPI", **line))
            g_string_append_printf(out, "%s\n", *line);
    }
}

static char *
read_message(const TestSendmail *sendmail, const char *name)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *body_name = g_strconcat("df", name + 2, NULL);
    g_autofree char *control = read_file(sendmail->queue, name);
    g_autofree char *body = read_file(sendmail->queue, body_name);
    g_string_append_printf(text, "%c\n", name[0]);
    append_control(text, control);
    g_string_append_printf(text, "----\n%s----\n", body);
    return test_sendmail_normalize(text->str);
}

static gboolean
is_control(const char *name)
{
    return g_str_has_prefix(name, "qf") || g_str_has_prefix(name, "hf");
}

char *
test_sendmail_queue(const TestSendmail *sendmail)
{
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    GDir *folder = g_dir_open(sendmail->queue, 0, NULL);
    const char *name;
    g_assert_nonnull(folder);
    while ((name = g_dir_read_name(folder))) {
        if (is_control(name))
            g_ptr_array_add(messages, read_message(sendmail, name));
    }
    g_dir_close(folder);
    g_ptr_array_sort(messages, compare_texts);
    g_ptr_array_add(messages, NULL);
    return g_strjoinv("", (char **)messages->pdata);
}

/* Takes the delivered files away. */
static GPtrArray *
take_mails(const TestSendmail *sendmail)
{
    GPtrArray *mails = g_ptr_array_new_with_free_func(g_free);
    GDir *folder = g_dir_open(sendmail->mail, 0, NULL);
    const char *name;
    g_assert_nonnull(folder);
    while ((name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename(sendmail->mail, name, NULL);
        g_autofree char *text = read_file(sendmail->mail, name);
        g_ptr_array_add(mails, test_sendmail_normalize(text));
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_dir_close(folder);
    g_ptr_array_sort(mails, compare_texts);
    return mails;
}

/* Removes what is left in the queue, which must be quarantined. */
static void
empty_queue(const TestSendmail *sendmail, const char *output)
{
    GDir *folder = g_dir_open(sendmail->queue, 0, NULL);
    const char *name;
    g_assert_nonnull(folder);
    while ((name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename(sendmail->queue, name, NULL);
        if (name[0] == 'q')
            test_fail("%s is not delivered: %s", name, output);
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_dir_close(folder);
}

GPtrArray *
test_sendmail_deliver(TestSendmail *sendmail)
{
    const char *const argv[] = {sendmail->program, "-C", sendmail->cf, "-v", "-q", NULL};
    g_autofree char *queue = test_sendmail_queue(sendmail);
    g_autofree char *output = NULL;
    if (*queue && test_run(argv, &output) != 0)
        test_fail("the queue of Sendmail cannot be run: %s", output);
    empty_queue(sendmail, output);
    return take_mails(sendmail);
}
