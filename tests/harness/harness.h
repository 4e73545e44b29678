/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     harness.h - a fake host for the tests of one stage
 *
 * DESCRIPTION
 *     A harness loads a plugin from its real file, exactly as the host does, and gives it a
 * MilterHost table of its own: no socket, no thread but those of jobs, no name server, and a clock
 * that stands still until the test turns it. The test drives sessions event by event and looks at
 * verdicts, edits, facts, log lines, counters.
 *
 *         MmHarness *harness = mm_harness_new(PLUGIN_FILE);
 *         mm_harness_set(harness, "mode", "'classic'");
 *         g_assert_true(mm_harness_configure(harness));
 *         mm_harness_name(harness, MILTER_RESOLVE_A, "mx.example.org", "192.0.2.1", NULL);
 *         MmHarnessSession *session = mm_harness_open(harness);
 *         g_assert_cmpint(mm_harness_connect(session, "mx.example.org", "192.0.2.1"), ==,
 *                         MILTER_VERDICT_CONTINUE);
 *         g_assert_cmpstr(mm_harness_fact(session, "s25r"), ==, "rule1");
 *         mm_harness_close(session);
 *         mm_harness_free(harness);
 *
 *     One harness exists at a time. All its functions are called on the thread that made it; that
 * is the control thread and the worker at once.
 *
 *     The rules of stage.h and host.h are checked all the time: a second answer, an answer after
 * close or from another thread, LATER without a deadline, a ticket that is forgotten, a malformed
 * reply, a fact that is not in the descriptor, a blocking descriptor, a watch or timer that
 * outlives its owner, and more. Each broken rule is a violation: it is printed, kept in a list, and
 * fails the test when the harness is freed. What an event points to is overwritten and freed when
 * it has been answered, so that a later use is seen by AddressSanitizer, or by the byte 0xDB where
 * text should be.
 *
 *     Misuse of the harness itself (RCPT before MAIL, an event while a question is open) ends the
 * program with a message. Texts returned live until the harness or session they were asked of is
 * freed or, where that is said, until the next event.
 *
 *     In this tree: the dependency mm_harness_dep, the environment harness_env; the plugin's test()
 * "depends" on the plugin and gets its full_path(). Elsewhere: pkg-config milter-manager-harness.
 * The host's schemas are looked for in $MILTER_MANAGER_SCHEMA_DIR, then where the host was
 * installed.
 */
#ifndef MM_HARNESS_H
#define MM_HARNESS_H

#include <gio/gio.h>
#include <milter-manager/plugin.h>

G_BEGIN_DECLS

typedef struct MmHarness MmHarness;
/* The same as what the stage knows as its session. */
typedef struct MilterSession MmHarnessSession;

/* In place of a verdict: the question is still open. */
#define MM_HARNESS_LATER (-1)

/* ---- The host. */

/* Loads NAME.so; a file that the host would refuse ends the program. */
MmHarness *mm_harness_new(const char *file);
/* Closes what is open, discards the instances, and fails the test if there is a violation. */
void mm_harness_free(MmHarness *harness);
const MilterPlugin *mm_harness_plugin(const MmHarness *harness);

/* A key for the next mm_harness_configure or _expand, in the syntax of the configuration file
 * (GVariant text, or a bare string); value NULL: the default again. Checked against the schemas
 * then. */
void mm_harness_set(MmHarness *harness, const char *key, const char *value);
/* Name of the instance; "stage" if not set. Before configure. */
void mm_harness_set_name(MmHarness *harness, const char *name);
/* Directory of --root; "/" if not set. Before configure. */
void mm_harness_set_root(MmHarness *harness, const char *directory);
/* Makes an instance, its predecessor being the one before. Sessions opened from now on use it; the
 * predecessor is discarded when its last session is closed. FALSE: refused, problems say why, and
 * the one before stays. */
gboolean mm_harness_configure(MmHarness *harness);
/* Problems and warnings of the last configure or expand as "[GROUP] KEY: what (allowed)". i beyond
 * the last: NULL. */
const char *mm_harness_problem(const MmHarness *harness, guint i);
const char *mm_harness_warning(const MmHarness *harness, guint i);

/* Calls expand; FALSE as the stage says, or if the settings are wrong. */
gboolean mm_harness_expand(MmHarness *harness);
guint mm_harness_n_stages(const MmHarness *harness);
const char *mm_harness_stage_name(const MmHarness *harness, guint stage);
/* Value (GVariant text) and origin of a key of an emitted stage, "plugin" being one; NULL: not set.
 */
const char *mm_harness_stage_value(const MmHarness *harness, guint stage, const char *key);
const char *mm_harness_stage_origin(const MmHarness *harness, guint stage, const char *key);

/* The offer that sessions opened from now on get; preset with version 6 and everything offered. */
MilterOffer *mm_harness_offer(MmHarness *harness);
/* Gives the stage only the first size bytes of the host's table, as an older host would. Before
 * configure. */
void mm_harness_cut_table(MmHarness *harness, gsize size);
/* Lets structures the host fills be larger than the stage knows them, as a newer host would. */
void mm_harness_grow_structs(MmHarness *harness, gboolean grow);

/* ---- Time. It stands still unless it is turned. */

/* Turns the clocks by seconds; what falls due on the way happens in its order: timers, deadlines,
 * names that were delayed. Pumps after each. */
void mm_harness_advance(MmHarness *harness, double seconds);
/* Seconds since 1970 that wall_clock says; 2025-01-01 00:00 UTC if not set. */
void mm_harness_set_wall_clock(MmHarness *harness, double seconds);
/* Lets everything happen that can now, without waiting and without turning the clock: posts, jobs
 * that run inline, names, timers that are due, descriptors that are ready. Events of a session do
 * this by themselves, unless mm_harness_hold(TRUE). */
void mm_harness_pump(MmHarness *harness);
/* As pump, and waits in real time, ten seconds at most, for descriptors and threads until condition
 * says TRUE. FALSE: it never did. */
gboolean mm_harness_wait(MmHarness *harness, gboolean (*condition)(gpointer data), gpointer data);
/* TRUE: names are not answered, jobs not run and descriptors not looked at until FALSE. So every
 * question that can be open is open. */
void mm_harness_hold(MmHarness *harness, gboolean hold);
/* TRUE: jobs run in a thread, and the plugin may have threads of its own: who waits also waits for
 * what they post. FALSE (preset): jobs run inline, when pumped. */
void mm_harness_set_threads(MmHarness *harness, gboolean threads);
guint mm_harness_n_timers(const MmHarness *harness);
guint mm_harness_n_watches(const MmHarness *harness);
guint mm_harness_n_jobs(const MmHarness *harness);
/* Names asked for and not answered. */
guint mm_harness_n_queries(const MmHarness *harness);

/* ---- Names. One that is not in the table does not exist. Case and a dot at the end do not matter.
 */

/* Values end with NULL; at least one. Sets or replaces. */
void mm_harness_name(MmHarness *harness, MilterResolveKind kind, const char *name,
                     ...) G_GNUC_NULL_TERMINATED;
/* NONE or TEMPORARY. */
void mm_harness_name_fails(MmHarness *harness, MilterResolveKind kind, const char *name,
                           MilterResolveStatus status);
/* The answer comes when the clock was turned that far; negative: never. For a name that is set. */
void mm_harness_name_delay(MmHarness *harness, MilterResolveKind kind, const char *name,
                           double seconds);
/* How often the stage asked for it. */
guint mm_harness_name_asked(const MmHarness *harness, MilterResolveKind kind, const char *name);

/* ---- What the stage left behind. */

/* Lines with that id, or all for NULL. */
guint mm_harness_logged(const MmHarness *harness, const char *id);
/* The newest line with that id, or NULL: "LEVEL ID: text (key=value ...)". */
const char *mm_harness_log_line(const MmHarness *harness, const char *id);
void mm_harness_clear_log(MmHarness *harness);
/* Value of a counter, and number and sum of a histogram's observations; 0 for one that was never
 * made. */
guint64 mm_harness_count(const MmHarness *harness, const char *name);
guint64 mm_harness_observed(const MmHarness *harness, const char *name, double *sum);
/* Calls an administration verb and pumps until it is answered. FALSE: there is no such verb, or no
 * answer. *json and *error as the stage gave them; free both. */
gboolean mm_harness_admin(MmHarness *harness, const char *verb, const char *arguments, char **json,
                          char **error);
/* Rules broken so far. i beyond the last: NULL. */
const char *mm_harness_violation(const MmHarness *harness, guint i);
/* Forgets them: for tests that break rules on purpose. */
void mm_harness_forgive(MmHarness *harness);

/* ---- A session. The functions that bring an event return the verdict (MilterVerdictKind), or
 * MM_HARNESS_LATER. An event the host would not show the stage (not negotiated, skipped, its part
 * in the message is over) answers CONTINUE; mm_harness_was_asked says so. */

/* open, then negotiate. */
MmHarnessSession *mm_harness_open(MmHarness *harness);
/* Cancels, aborts, closes, as the host does at a hang-up. */
void mm_harness_close(MmHarnessSession *session);
/* CONTINUE: it has negotiated; FAILED; or LATER. */
int mm_harness_negotiation(const MmHarnessSession *session);
const MilterNegotiation *mm_harness_negotiated(const MmHarnessSession *session);

/* address: an IPv4 or IPv6 address, a path for a local client, or NULL for one that is unknown. */
int mm_harness_connect(MmHarnessSession *session, const char *host, const char *address);
int mm_harness_helo(MmHarnessSession *session, const char *name);
/* The address as typed, with its angle brackets; ESMTP parameters follow, ended by NULL. */
int mm_harness_mail(MmHarnessSession *session, const char *sender, ...) G_GNUC_NULL_TERMINATED;
int mm_harness_rcpt(MmHarnessSession *session, const char *recipient, ...) G_GNUC_NULL_TERMINATED;
int mm_harness_data(MmHarnessSession *session);
int mm_harness_unknown(MmHarnessSession *session, const char *text);
/* value without the blank after the colon; the harness puts it there if it is in the offer. */
int mm_harness_header(MmHarnessSession *session, const char *name, const char *value);
int mm_harness_end_of_headers(MmHarnessSession *session);
/* size -1: a text. */
int mm_harness_body(MmHarnessSession *session, const char *data, gssize size);
int mm_harness_end_of_message(MmHarnessSession *session);
/* An event of a kind that these headers do not know. */
int mm_harness_unheard_of(MmHarnessSession *session);
/* Flags (MilterEventFlags) of the next event. */
void mm_harness_set_flags(MmHarnessSession *session, guint32 flags);
/* MAIL to END_OF_MESSAGE with one recipient, one header, one line of body, waiting for each answer;
 * returns the first that is not CONTINUE or SKIP, LATER for one that does not come. */
int mm_harness_message(MmHarnessSession *session, const char *sender, const char *recipient);
/* The message is over without an answer, as at RSET. */
void mm_harness_abort(MmHarnessSession *session);
void mm_harness_report(MmHarnessSession *session, MilterVerdictKind verdict, const char *sender,
                       const char *const *recipients, const char *reply);

/* Waits as mm_harness_wait does until no question is open; returns the verdict. LATER: it stays
 * open unless the clock is turned or what is held is released. */
int mm_harness_await(MmHarnessSession *session);
/* Called from within the stage's call of finish, where the host may bring the next event. function
 * NULL: not any more. */
void mm_harness_on_answer(MmHarnessSession *session,
                          void (*function)(MmHarnessSession *session, gpointer data),
                          gpointer data);

/* The last answer. Until the next event. */
int mm_harness_verdict(const MmHarnessSession *session);
const char *mm_harness_reply(const MmHarnessSession *session);  /* REPLY: the text, else NULL */
const char *mm_harness_detail(const MmHarnessSession *session); /* or NULL */
gboolean mm_harness_was_asked(const MmHarnessSession *session);
gboolean mm_harness_timed_out(const MmHarnessSession *session);
/* The open question: seconds until its deadline (negative: none is open) and label. */
double mm_harness_deadline(const MmHarnessSession *session, const char **label);

/* Macros that come with the next event of that kind, and stay. value NULL: no more. */
void mm_harness_set_macro(MmHarnessSession *session, MilterEventKind kind, const char *name,
                          const char *value);
/* A fact as an earlier stage would set it; value may be NULL. */
void mm_harness_set_fact(MmHarnessSession *session, const char *name, MilterFactState state,
                         const char *value);
/* What the stage or the test set: value, "" for none; NULL: it is not TRUE. */
const char *mm_harness_fact(const MmHarnessSession *session, const char *name);

/* Edits of the message; after END_OF_MESSAGE was answered CONTINUE or ACCEPT, until the next MAIL.
 * A replaced body is not among them. */
guint mm_harness_n_edits(const MmHarnessSession *session);
const MilterEdit *mm_harness_edit(const MmHarnessSession *session, guint i);
/* NULL: not replaced. */
const GString *mm_harness_new_body(const MmHarnessSession *session);
/* Reason, or NULL. */
const char *mm_harness_quarantine(const MmHarnessSession *session);

/* ---- The standard cases: what every stage must pass, as GLib tests under /standard/NAME.
 *
 * A whole session with its settings; each ticket's deadline; abort and close at each event while
 * the question is open; a second message after each; many sessions interleaved; answers from within
 * which the next event comes; reload with sessions of the predecessor; nothing left behind; unknown
 * events, larger structures, an older host's table; an offer of nothing; odd input; each key of the
 * schema at its limits. A plugin that only expands: expand in an empty root, and the keys. What the
 * verdicts are is not looked at: that is for the stage's own tests. */

/* Called for each harness before it is configured: settings, names, files. */
typedef void (*MmHarnessPrepare)(MmHarness *harness, gpointer data);

/* file, then keys and values as for mm_harness_set, ended by NULL. */
void mm_harness_standard_cases(const char *file, ...) G_GNUC_NULL_TERMINATED;
/* data must live until the tests have run. */
void mm_harness_standard_cases_prepared(const char *file, MmHarnessPrepare prepare, gpointer data);

G_END_DECLS

#endif
