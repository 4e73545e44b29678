/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The standard cases: sessions. */
#include "private.h"

#define N_SESSIONS 16
/* Longer than any deadline and any pause between tries. */
#define LONG_TIME 4000.0

/* ---- A session in steps. */

static int
step_connect(MmHarnessSession *session)
{
    return mm_harness_connect(session, "mx.example.org", "192.0.2.1");
}

static int
step_helo(MmHarnessSession *session)
{
    return mm_harness_helo(session, "mx.example.org");
}

static int
step_unknown(MmHarnessSession *session)
{
    return mm_harness_unknown(session, "XVERB word");
}

static int
step_mail(MmHarnessSession *session)
{
    return mm_harness_mail(session, "<sender@example.org>", "SIZE=100", "BODY=8BITMIME", NULL);
}

static int
step_rcpt(MmHarnessSession *session)
{
    return mm_harness_rcpt(session, "<recipient@example.net>", NULL);
}

static int
step_header(MmHarnessSession *session)
{
    return mm_harness_header(session, "Subject", "standard\n\tcases");
}

static int
step_body(MmHarnessSession *session)
{
    return mm_harness_body(session, "A line.\r\nAnother.\r\n", -1);
}

typedef int (*Step)(MmHarnessSession *session);

static const Step steps[] = {step_connect,
                             step_helo,
                             step_unknown,
                             step_mail,
                             step_rcpt,
                             step_rcpt,
                             mm_harness_data,
                             step_header,
                             mm_harness_end_of_headers,
                             step_body,
                             mm_harness_end_of_message};
#define N_STEPS G_N_ELEMENTS(steps)
#define STEP_MAIL 3

/* Until the question is answered, if need be by its deadline. */
static void
settle(MmHarnessSession *session)
{
    MmHarness *harness = session->harness;
    if (session->turn == TURN_NONE || mm_harness_await(session) != MM_HARNESS_LATER)
        return;
    while (session->turn != TURN_NONE)
        mm_harness_advance(harness, MAX(mm_harness_deadline(session, NULL), 0));
}

static MmHarnessSession *
open_settled(MmHarness *harness)
{
    MmHarnessSession *session = mm_harness_open(harness);
    settle(session);
    return session;
}

/* From step first up to, not including, last, each answered. */
static void
walk(MmHarnessSession *session, guint first, guint last)
{
    for (guint i = first; i < last; i++) {
        steps[i](session);
        settle(session);
    }
}

/* A session whose question of step is open, if the stage answers it later at all. */
static MmHarnessSession *
open_at(MmHarness *harness, guint step)
{
    MmHarnessSession *session = open_settled(harness);
    walk(session, 0, step);
    mm_harness_hold(harness, TRUE);
    steps[step](session);
    return session;
}

static void
message(MmHarnessSession *session)
{
    walk(session, STEP_MAIL, N_STEPS);
}

/* ---- The cases. */

MmHarness *
cases_harness(const Case *one)
{
    MmHarness *harness = mm_harness_new(one->file);
    if (one->prepare)
        one->prepare(harness, one->data);
    return harness;
}

static MmHarness *
configured(const Case *one)
{
    MmHarness *harness = cases_harness(one);
    if (!mm_harness_configure(harness))
        g_error("harness: configure refused: %s", mm_harness_problem(harness, 0));
    return harness;
}

static void
test_session(gconstpointer data)
{
    MmHarness *harness = configured(data);
    MmHarnessSession *session = open_settled(harness);
    walk(session, 0, N_STEPS);
    message(session);
    mm_harness_close(session);
    session = open_settled(harness); /* one that ends before it began */
    mm_harness_close(session);
    mm_harness_free(harness);
}

/* What comes after the deadline must not disturb. */
static void
go_on(MmHarness *harness, MmHarnessSession *session)
{
    mm_harness_hold(harness, FALSE);
    mm_harness_abort(session);
    message(session);
    mm_harness_advance(harness, LONG_TIME);
}

static void
test_deadlines(gconstpointer data)
{
    for (guint step = 0; step < N_STEPS; step++) {
        MmHarness *harness = configured(data);
        MmHarnessSession *session = open_at(harness, step);
        if (session->turn != TURN_NONE) {
            double seconds = mm_harness_deadline(session, NULL);
            g_assert_cmpfloat(seconds, >=, 0);
            mm_harness_advance(harness, seconds);
            g_assert_cmpint(mm_harness_verdict(session), !=, MM_HARNESS_LATER);
        }
        go_on(harness, session);
        mm_harness_free(harness);
    }
}

static void
test_negotiation_deadline(gconstpointer data)
{
    MmHarness *harness = configured(data);
    mm_harness_hold(harness, TRUE);
    MmHarnessSession *session = mm_harness_open(harness);
    if (mm_harness_negotiation(session) == MM_HARNESS_LATER)
        mm_harness_advance(harness, mm_harness_deadline(session, NULL));
    g_assert_cmpint(mm_harness_negotiation(session), !=, MM_HARNESS_LATER);
    mm_harness_hold(harness, FALSE);
    walk(session, 0, N_STEPS);
    mm_harness_hold(harness, TRUE);
    session = mm_harness_open(harness); /* the client is gone before it has negotiated */
    mm_harness_close(session);
    mm_harness_free(harness);
}

static void
test_abort(gconstpointer data)
{
    for (guint step = STEP_MAIL; step < N_STEPS; step++) {
        MmHarness *harness = configured(data);
        MmHarnessSession *session = open_at(harness, step);
        mm_harness_abort(session);
        mm_harness_hold(harness, FALSE);
        message(session);
        walk(session, STEP_MAIL, step + 1); /* and again, with nothing open */
        mm_harness_abort(session);
        message(session);
        mm_harness_free(harness);
    }
}

static void
test_close(gconstpointer data)
{
    for (guint step = 0; step < N_STEPS; step++) {
        MmHarness *harness = configured(data);
        MmHarnessSession *session = open_at(harness, step);
        mm_harness_close(session);
        mm_harness_hold(harness, FALSE);
        mm_harness_advance(harness, LONG_TIME);
        session = open_settled(harness);
        walk(session, 0, step + 1);
        mm_harness_close(session);
        mm_harness_free(harness);
    }
}

static void
test_interleaved(gconstpointer data)
{
    MmHarness *harness = configured(data);
    MmHarnessSession *sessions[N_SESSIONS];
    for (guint i = 0; i < N_SESSIONS; i++)
        sessions[i] = open_settled(harness);
    for (guint step = 0; step < N_STEPS; step++) {
        mm_harness_hold(harness, TRUE);
        for (guint i = 0; i < N_SESSIONS; i++)
            steps[step](sessions[i]);
        if (step % 4 == 3)
            mm_harness_abort(sessions[step]);
        mm_harness_hold(harness, FALSE);
        for (guint i = N_SESSIONS; i-- > 0;)
            settle(sessions[i]);
        if (step % 4 == 3)
            walk(sessions[step], STEP_MAIL, step + 1);
    }
    for (guint i = 0; i < N_SESSIONS; i += 2)
        mm_harness_close(sessions[i]);
    for (guint i = 1; i < N_SESSIONS; i += 2)
        message(sessions[i]);
    mm_harness_free(harness);
}

/* The host brings the next event from within finish, where the MTA has sent it already. */
static void
bring_next(MmHarnessSession *session, gpointer data)
{
    guint *step = data;
    while (*step < N_STEPS && session->turn == TURN_NONE)
        steps[(*step)++](session);
}

static void
test_pipelined(gconstpointer data)
{
    MmHarness *harness = configured(data);
    for (guint i = 0; i < 2; i++) {
        guint step = 0;
        MmHarnessSession *session = open_settled(harness);
        mm_harness_on_answer(session, bring_next, &step);
        bring_next(session, &step);
        while (step < N_STEPS || session->turn != TURN_NONE)
            settle(session);
        mm_harness_on_answer(session, NULL, NULL);
        message(session);
        mm_harness_close(session);
    }
    mm_harness_free(harness);
}

static void
test_reload(gconstpointer data)
{
    MmHarness *harness = configured(data);
    MmHarnessSession *old = open_at(harness, STEP_MAIL + 1);
    g_assert_true(mm_harness_configure(harness));
    MmHarnessSession *new = mm_harness_open(harness);
    mm_harness_hold(harness, FALSE);
    settle(old);
    settle(new);
    walk(old, STEP_MAIL + 2, N_STEPS);
    walk(new, 0, N_STEPS);
    message(old);
    mm_harness_close(old);
    message(new);
    g_assert_true(mm_harness_configure(harness)); /* one that never served */
    g_assert_true(mm_harness_configure(harness));
    message(new);
    mm_harness_free(harness);
}

static guint
left_behind(const MmHarness *harness)
{
    return mm_harness_n_timers(harness) + mm_harness_n_watches(harness) +
           mm_harness_n_queries(harness) + mm_harness_n_jobs(harness);
}

static void
run_batch(MmHarness *harness)
{
    for (guint step = 0; step < N_STEPS; step++) {
        MmHarnessSession *session = open_settled(harness);
        walk(session, 0, step + 1);
        mm_harness_close(session);
    }
    mm_harness_pump(harness);
}

/* A worker may keep something, but no more from session to session. */
static void
test_leaks(gconstpointer data)
{
    MmHarness *harness = configured(data);
    run_batch(harness);
    run_batch(harness);
    guint before = left_behind(harness);
    for (guint i = 0; i < 4; i++)
        run_batch(harness);
    g_assert_cmpuint(left_behind(harness), <=, before + N_STEPS - 1);
    mm_harness_free(harness);
}

static void
test_later_host(gconstpointer data)
{
    MmHarness *harness = configured(data);
    mm_harness_grow_structs(harness, TRUE);
    MmHarnessSession *session = open_settled(harness);
    mm_harness_unheard_of(session);
    settle(session);
    for (guint i = 0; i < N_STEPS; i++) {
        walk(session, i, i + 1);
        if (i != STEP_MAIL - 1 && i != N_STEPS - 1 && session->in_message)
            mm_harness_unheard_of(session);
        settle(session);
    }
    message(session);
    mm_harness_free(harness);
}

static void
test_older_host(gconstpointer data)
{
    MmHarness *harness = cases_harness(data);
    mm_harness_cut_table(harness, MILTER_HOST_SIZE_1);
    g_assert_true(mm_harness_configure(harness));
    MmHarnessSession *session = open_settled(harness);
    walk(session, 0, N_STEPS);
    mm_harness_free(harness);
}

static void
test_poor_offer(gconstpointer data)
{
    MmHarness *harness = cases_harness(data);
    *mm_harness_offer(harness) = (MilterOffer){.size = sizeof(MilterOffer), .version = 2};
    g_assert_true(mm_harness_configure(harness));
    MmHarnessSession *session = open_settled(harness);
    walk(session, 0, N_STEPS);
    message(session);
    mm_harness_free(harness);
}

static void
test_report(gconstpointer data)
{
    static const char *const recipients[] = {"<recipient@example.net>", "<>", NULL};
    MmHarness *harness = configured(data);
    MmHarnessSession *session = open_settled(harness);
    mm_harness_report(session, MILTER_VERDICT_REJECT, "<>", NULL, NULL);
    walk(session, 0, N_STEPS);
    for (int kind = MILTER_VERDICT_CONTINUE; kind <= MILTER_VERDICT_FAILED; kind++) {
        mm_harness_report(session, (MilterVerdictKind)kind, "<sender@example.org>", recipients,
                          kind == MILTER_VERDICT_REPLY ? "550 5.7.1 no" : NULL);
        message(session);
    }
    mm_harness_free(harness);
}

/* ---- Registration. */

static const struct {
    const char *name;
    GTestDataFunc function;
} session_cases[] = {
    {"session", test_session},
    {"deadlines", test_deadlines},
    {"negotiation-deadline", test_negotiation_deadline},
    {"abort", test_abort},
    {"close", test_close},
    {"interleaved", test_interleaved},
    {"pipelined", test_pipelined},
    {"reload", test_reload},
    {"leaks", test_leaks},
    {"later-host", test_later_host},
    {"older-host", test_older_host},
    {"poor-offer", test_poor_offer},
    {"report", test_report},
};

static GPtrArray *cases; /* they live until the program ends */

/* The first of a program is /standard/NAME, then come /standard/NAME-2, ... */
void
cases_add(const Case *one, const char *name, GTestDataFunc function)
{
    g_autofree char *plugin = mm_plugin_name_of_file(one->file);
    g_autofree char *number = cases->len > 1 ? g_strdup_printf("-%u", cases->len) : g_strdup("");
    g_autofree char *path = g_strdup_printf("/standard/%s%s/%s", plugin, number, name);
    g_test_add_data_func(path, one, function);
}

void
mm_harness_standard_cases_prepared(const char *file, MmHarnessPrepare prepare, gpointer data)
{
    Case *one = g_new0(Case, 1);
    *one = (Case){g_strdup(file), prepare, data};
    if (!cases)
        cases = g_ptr_array_new();
    g_ptr_array_add(cases, one);
    MmHarness *harness = mm_harness_new(file);
    gboolean has_sessions = MM_STAGE_HAS(harness->stage, open);
    gboolean expands = MM_STAGE_HAS(harness->stage, expand);
    mm_harness_free(harness);
    for (guint i = 0; has_sessions && i < G_N_ELEMENTS(session_cases); i++)
        cases_add(one, session_cases[i].name, session_cases[i].function);
    extremes_add(one, has_sessions, expands);
}

static void
apply_settings(MmHarness *harness, gpointer data)
{
    const GPtrArray *settings = data;
    for (guint i = 0; i + 1 < settings->len; i += 2)
        mm_harness_set(harness, g_ptr_array_index(settings, i), g_ptr_array_index(settings, i + 1));
}

void
mm_harness_standard_cases(const char *file, ...)
{
    GPtrArray *settings = g_ptr_array_new();
    va_list arguments;
    va_start(arguments, file);
    for (const char *text; (text = va_arg(arguments, const char *));)
        g_ptr_array_add(settings, g_strdup(text));
    va_end(arguments);
    if (settings->len % 2 != 0)
        g_error("harness: a key without a value");
    mm_harness_standard_cases_prepared(file, apply_settings, settings);
}
