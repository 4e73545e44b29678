/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dialogue.h"

#include "postfix.h"

#include <string.h>

/* Bytes: more than a piece of a body, fewer than the host keeps in memory. */
#define LARGE 300000u

/* Lines of a dialogue that stand for DATA and a message. */
static const struct {
    const char *name, *text;
} texts[] = {
    {"@full", "Received: from there by here; Wed, 25 Nov 2026 01:02:03 +0000\n"
              "From: Sender <a@" TEST_DOMAIN ">\n"
              "To: <b@" TEST_DOMAIN ">\n"
              "Date: Wed, 25 Nov 2026 01:02:03 +0000\n"
              "Message-Id: <1@client.example>\n"
              "Subject:  two blanks, \303\244 and a\n\tfold\n"
              "X-A: 1\nX-B: 1\nX-A:2\nX-Empty:\nX-Blank: \nX-Tab:\ttab\nx-a:  3\nX-B: 2\n"
              "\n"
              "A body.\n.With a dot.\n\nlast\n"},
    {"@bare", "Subject: no more\nX-A: 1\n\nA body.\n"},
    {"@header", "X-A: only\n\n"},
    {"@body", "\nOnly a body.\n"},
};

static char *
large_text(void)
{
    GString *text = g_string_new("Subject: large\n\n");
    for (guint line = 0; text->len < LARGE; line++)
        g_string_append_printf(text, "%sline %u\n", line % 7 == 3 ? "." : "", line);
    return g_string_free(text, FALSE);
}

char *
test_dialogue_text(const char *name)
{
    if (strcmp(name, "@large") == 0)
        return large_text();
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (strcmp(texts[i].name, name) == 0)
            return g_strdup(texts[i].text);
    }
    return NULL;
}

static int
say(TestSmtp *smtp, const char *line)
{
    g_autofree char *text = test_dialogue_text(line);
    return text ? test_smtp_data(smtp, text) : test_smtp_say(smtp, "%s", line);
}

char *
test_dialogue_run(TestSmtp *smtp, const char *const *dialogue)
{
    g_autoptr(GString) replies = g_string_new(NULL);
    g_string_append_printf(replies, "%s\n", test_smtp_reply(smtp));
    int code = 1;
    for (; *dialogue && code != 0 && strcmp(*dialogue, "@drop") != 0; dialogue++) {
        code = say(smtp, *dialogue);
        g_string_append_printf(replies, "> %s\n%s\n", *dialogue, test_smtp_reply(smtp));
    }
    if (*dialogue)
        test_smtp_drop(smtp);
    else
        test_smtp_quit(smtp);
    return g_string_free(g_steal_pointer(&replies), FALSE);
}
