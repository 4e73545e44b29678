/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random edits and verdicts of three children of a real Sendmail: behind the host as directly. The
 * same ones each time; MM_TEST_SEED and MM_TEST_ROUNDS in the environment ask for others. */
#include "twins.h"

#include <stdlib.h>

static GRand *dice;

static guint
below(guint n)
{
    return (guint)g_rand_int_range(dice, 0, (gint32)n);
}

#define PICK(list) ((list)[below(G_N_ELEMENTS(list))])

static const char *
any_header(void)
{
    static const char *const names[] = {"X-A",        "x-a",       "X-B",     "X-New",  "Subject",
                                        "From",       "Date",      "To",      "X-Tab",  "Received",
                                        "Message-Id", "Full-Name", "X-Empty", "X-New-2"};
    return PICK(names);
}

static char *
any_value(void)
{
    static const char *const values[] = {"v%u", " space %u", "\\ttab %u", "two\\n\\tlines %u",
                                         "",    "  %u"};
    GString *value = g_string_new(PICK(values));
    g_autofree char *number = g_strdup_printf("%u", below(1000));
    g_string_replace(value, "%u", number, 0);
    return g_string_free(value, FALSE);
}

/* One that is in the message, mostly; Sendmail's hidden headers count. */
static guint
any_index(void)
{
    return below(4) > 0 ? below(5) : below(30);
}

static void
append_header_edit(GString *plan, guint message)
{
    g_autofree char *value = any_value();
    switch (below(6)) {
    case 0:
    case 1:
        g_string_append_printf(plan, "%u\tadd\t%s\t%s\n", message, any_header(), value);
        break;
    case 2:
        g_string_append_printf(plan, "%u\tinsert\t%u\t%s\t%s\n", message, any_index(), any_header(),
                               value);
        break;
    case 3:
        g_string_append_printf(plan, "%u\tchange\t%u\t%s\t\n", message, any_index(), any_header());
        break;
    default:
        g_string_append_printf(plan, "%u\tchange\t%u\t%s\t%s\n", message, any_index(), any_header(),
                               value);
        break;
    }
}

/* Sendmail writes the sender that an earlier filter has set into the text of a refusal, which no
 * host can have it do (README): no message has both. */
static gboolean
has_edited_sender(guint message)
{
    return message % 2 == 1;
}

static void
append_other_edit(GString *plan, guint message)
{
    static const char *const edits[] = {"body\tA new body %u\\r\\n.\\r\\n",
                                        "body\tno end %u",
                                        "body\t",
                                        "body\tbare\\nline feeds\\n\\n%u\\n",
                                        "add-recipient\t<more%u@" TEST_DOMAIN ">",
                                        "add-recipient\tb@" TEST_DOMAIN,
                                        "delete-recipient\t<b@" TEST_DOMAIN ">",
                                        "delete-recipient\tc@" TEST_DOMAIN,
                                        "quarantine\treason %u",
                                        "progress"};
    static const char *const senders[] = {"from\t<bounce%u@" TEST_DOMAIN ">", "from\t<>"};
    gboolean sender = has_edited_sender(message) && below(6) == 0;
    g_autoptr(GString) edit = g_string_new(sender ? PICK(senders) : PICK(edits));
    g_autofree char *number = g_strdup_printf("%u", below(1000));
    g_string_replace(edit, "%u", number, 0);
    g_string_append_printf(plan, "%u\t%s\n", message, edit->str);
}

static void
append_verdict(GString *plan, guint message)
{
    static const char *const stages[] = {"envelope-from", "envelope-recipient", "data",
                                         "header",        "end-of-header",      "body",
                                         "end-of-message"};
    static const char *const verdicts[] = {"reject", "tempfail", "discard", "accept", "accept"};
    const char *stage = PICK(stages);
    switch (below(3)) {
    case 0:
        g_string_append_printf(plan, "%u\ttext\t%s\t%s\n", message, stage,
                               below(2) ? "550\t5.7.1\tNot 100%% good" : "451\t\tLater");
        break;
    default:
        g_string_append_printf(plan, "%u\treply\t%s\t%s\n", message, stage, PICK(verdicts));
        break;
    }
}

static char *
any_plan(guint messages)
{
    GString *plan = g_string_new(NULL);
    for (guint message = 1; message <= messages; message++) {
        for (guint n = below(10); n > 0; n--) {
            if (below(5) > 0)
                append_header_edit(plan, message);
            else
                append_other_edit(plan, message);
        }
        if (!has_edited_sender(message) && below(4) == 0)
            append_verdict(plan, message);
    }
    return g_string_free(plan, FALSE);
}

static void
add(GPtrArray *lines, const char *line)
{
    g_ptr_array_add(lines, (gpointer)(guintptr)line);
}

/* Messages of one session, some without an end. */
static GPtrArray *
any_dialogue(guint messages)
{
    static const char *const mails[] = {"@full", "@full", "@full", "@bare", "@header", "@body"};
    GPtrArray *lines = g_ptr_array_new();
    add(lines, "EHLO client.example");
    for (; messages > 0; messages--) {
        add(lines, "MAIL FROM:<a@" TEST_DOMAIN ">");
        add(lines, "RCPT TO:<b@" TEST_DOMAIN ">");
        if (below(2))
            add(lines, "RCPT TO:<c@" TEST_DOMAIN ">");
        if (below(8))
            add(lines, PICK(mails));
        add(lines, "RSET");
    }
    add(lines, NULL);
    return lines;
}

static guint
setting(const char *name, guint otherwise)
{
    const char *text = g_getenv(name);
    return text ? (guint)strtoul(text, NULL, 10) : otherwise;
}

static void
test_random(void)
{
    if (test_skip_without_sendmail())
        return;
    guint seed = setting("MM_TEST_SEED", 1);
    guint rounds = setting("MM_TEST_ROUNDS", 25);
    TestTwins *twins = test_twins_start(NULL, TEST_FILTER);
    dice = g_rand_new_with_seed(seed);
    for (guint round = 0; round < rounds; round++) {
        guint messages = 1 + below(3);
        char *plans[TEST_CHILDREN];
        g_autoptr(GPtrArray) dialogue = any_dialogue(messages);
        for (guint i = 0; i < TEST_CHILDREN; i++)
            plans[i] = any_plan(messages);
        TestOutcome outcome = test_twins_compare(twins, (const char *const *)plans,
                                                 (const char *const *)dialogue->pdata);
        test_outcome_clear(&outcome);
        for (guint i = 0; i < TEST_CHILDREN; i++)
            g_free(plans[i]);
    }
    g_rand_free(dice);
    test_twins_stop(twins);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sendmail/random", test_random);
    return g_test_run();
}
