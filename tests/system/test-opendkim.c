/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenDKIM as the last child signs what the three before it made of the message; what Postfix
 * delivers verifies, byte for byte ("simple" canonicalization). */
#include "host.h"
#include "postfix.h"
#include "smtp.h"

#include <string.h>

typedef struct Signer {
    char *folder, *key, *keys, *spec, *verify;
    TestProcess *process;
} Signer;

static void
run(const char *const *argv, char **output)
{
    g_autofree char *text = NULL;
    if (test_run(argv, &text) != 0)
        test_fail("%s: %s", argv[0], text);
    if (output)
        *output = g_steal_pointer(&text);
}

/* A key pair, and a file with what the name server would say of it. */
static void
make_keys(Signer *signer)
{
    const char *const generate[] = {"openssl", "genrsa", "-out", signer->key, "2048", NULL};
    const char *const publish[] = {"openssl", "rsa", "-in", signer->key, "-pubout", NULL};
    g_autofree char *pem = NULL;
    run(generate, NULL);
    run(publish, &pem);
    g_auto(GStrv) lines = g_strsplit(pem, "\n", -1);
    g_autoptr(GString) record = g_string_new("test._domainkey." TEST_DOMAIN " v=DKIM1; k=rsa; p=");
    gboolean inside = FALSE;
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, "-----"))
            inside = !inside;
        else if (inside)
            g_string_append(record, *line);
    }
    g_string_append_c(record, '\n');
    test_file_write(signer->keys, record->str);
}

static void
signer_start(Signer *signer)
{
    signer->folder = test_folder_new();
    signer->key = g_build_filename(signer->folder, "key.pem", NULL);
    signer->keys = g_build_filename(signer->folder, "keys", NULL);
    signer->verify = g_build_filename(signer->folder, "verify.conf", NULL);
    signer->spec = g_strdup_printf("unix:%s/opendkim.sock", signer->folder);
    make_keys(signer);
    g_autofree char *sign = g_build_filename(signer->folder, "sign.conf", NULL);
    g_autofree char *sign_text =
        g_strdup_printf("Mode s\nDomain " TEST_DOMAIN
                        "\nSelector test\nKeyFile %s\nCanonicalization simple/simple\n"
                        "RequireSafeKeys false\nSyslog no\nSocket local:%s\nUMask 000\n",
                        signer->key, signer->spec + strlen("unix:"));
    g_autofree char *verify_text = g_strdup_printf(
        "Mode v\nTestPublicKeys %s\nRequireSafeKeys false\nSyslog no\n", signer->keys);
    test_file_write(sign, sign_text);
    test_file_write(signer->verify, verify_text);
    g_autofree char *program = test_find_program("opendkim");
    const char *const argv[] = {program, "-f", "-x", sign, NULL};
    signer->process = test_process_start(argv);
    if (!test_wait_for_socket(signer->spec + strlen("unix:"), signer->process, TEST_PATIENCE))
        test_fail("opendkim does not start");
}

static void
signer_stop(Signer *signer)
{
    test_process_stop(signer->process);
    test_folder_remove(signer->folder);
    g_free(signer->folder);
    g_free(signer->key);
    g_free(signer->keys);
    g_free(signer->verify);
    g_free(signer->spec);
}

static gboolean
verifies(const Signer *signer, const char *mail)
{
    g_autofree char *file = g_build_filename(signer->folder, "mail", NULL);
    g_autofree char *program = test_find_program("opendkim");
    g_autofree char *output = NULL;
    const char *const argv[] = {program, "-vv", "-x", signer->verify, "-t", file, NULL};
    test_file_write(file, mail);
    run(argv, &output);
    gboolean passed = strstr(output, "dkim=pass") != NULL;
    g_assert_true(passed || strstr(output, "dkim=fail"));
    return passed;
}

static const char mail_text[] = "From: A <a@" TEST_DOMAIN ">\nTo: b@" TEST_DOMAIN "\n"
                                "Subject:  two blanks and a\n\tfold\nX-Tight:no blank\n\n"
                                "The first line.\n\n.dots\ntrailing blanks  \n";

static char *
deliver(const char *spec)
{
    g_autofree char *setting = g_strdup_printf("smtpd_milters = %s\n", spec);
    TestPostfix *postfix = test_postfix_start(setting);
    TestSmtp *smtp = test_smtp_connect(test_postfix_port(postfix));
    int code = test_smtp_send(smtp, "a@" TEST_DOMAIN, "b@" TEST_DOMAIN, mail_text);
    if (code != 250)
        test_fail("%s", test_smtp_reply(smtp));
    test_smtp_quit(smtp);
    g_autoptr(GPtrArray) mails = test_postfix_wait_for_mails(postfix, 1);
    char *mail = g_strdup(g_ptr_array_index(mails, 0));
    test_postfix_stop(postfix);
    return mail;
}

static void
test_signs(void)
{
    Signer signer = {0};
    if (test_skip_unless("postfix") || test_skip_unless("opendkim") || test_skip_unless("openssl"))
        return;
    signer_start(&signer);
    TestChild *one =
        test_child_start("--add-header", "X-One:1", "--change-header", "Subject:1:changed", NULL);
    TestChild *two = test_child_start("--insert-header", "1:X-Two:2", NULL);
    TestChild *three = test_child_start("--replace-body", "new\\r\\n\\r\\n.body  \\r\\n", NULL);
    g_autofree char *first = test_relay_stage("one", test_child_spec(one), NULL);
    g_autofree char *second = test_relay_stage("two", test_child_spec(two), NULL);
    g_autofree char *third = test_relay_stage("three", test_child_spec(three), NULL);
    g_autofree char *last = test_relay_stage("opendkim", signer.spec, NULL);
    g_autofree char *stages = g_strconcat(first, second, third, last, NULL);
    TestHost *host = test_host_start(stages, NULL);
    g_autofree char *mail = deliver(test_host_spec(host));
    g_assert_nonnull(
        strstr(mail, "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=" TEST_DOMAIN));
    g_assert_nonnull(strstr(mail, "Subject: changed\n"));
    if (!verifies(&signer, mail))
        test_fail("the signature does not verify: %s", mail);
    /* The check can fail. */
    char *body = strstr(mail, "\n\nnew\n");
    g_assert_nonnull(body);
    body[2] = 'N';
    g_assert_false(verifies(&signer, mail));
    test_host_stop(host);
    test_child_stop(one);
    test_child_stop(two);
    test_child_stop(three);
    signer_stop(&signer);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/opendkim/signs", test_signs);
    return g_test_run();
}
