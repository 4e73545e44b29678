/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"

#include "base/log.h"
#include "chain/services.h"

static void
tell(const MmLogLine *line, gpointer unused)
{
    (void)unused;
    g_test_message("%s", line->text);
}

void
fixture_set_up(Fixture *fixture, gconstpointer unused)
{
    static const char *const path[] = {PROBE_DIR, NULL};
    g_autoptr(GError) error = NULL;
    (void)unused;
    mm_log_set_target(tell, NULL);
    fixture->control = mm_worker_new_here(0, &error);
    g_assert_no_error(error);
    mm_services_set_control(fixture->control);
    fixture->jobs = mm_jobs_new(2);
    fixture->registry = mm_registry_new();
    mm_registry_set_path(fixture->registry, path);
    fixture->schemas = mm_schemas_open(g_getenv("MILTER_MANAGER_SCHEMA_DIR"), &error);
    g_assert_no_error(error);
    fixture->crew = mm_crew_new(fixture->control, fixture->jobs);
}

void
fixture_tear_down(Fixture *fixture, gconstpointer unused)
{
    (void)unused;
    mm_crew_free(fixture->crew);
    mm_snapshot_unref(fixture->snapshot);
    mm_jobs_free(fixture->jobs);
    mm_schemas_free(fixture->schemas);
    mm_registry_free(fixture->registry);
    mm_worker_free(fixture->control);
    g_free(fixture->problems);
    mm_log_set_target(NULL, NULL);
}

MmSnapshot *
fixture_build(Fixture *fixture, const char *text)
{
    g_autoptr(MmProblems) problems = mm_problems_new();
    g_autoptr(MmConfig) config = mm_config_read(fixture->schemas, "c", text, NULL, 0, problems);
    const MmSnapshotArguments arguments = {.control = fixture->control,
                                           .registry = fixture->registry,
                                           .schemas = fixture->schemas,
                                           .host = mm_services(),
                                           .predecessor = fixture->snapshot};
    MmSnapshot *snapshot = mm_snapshot_build(&arguments, config, problems);
    GString *lines = g_string_new(NULL);
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        g_autofree char *line = mm_problem_to_string(mm_problems_get(problems, i));
        g_string_append_printf(lines, "%s\n", line);
    }
    g_free(fixture->problems);
    fixture->problems = g_string_free(lines, FALSE);
    return snapshot;
}

void
fixture_adopt(Fixture *fixture, MmSnapshot *snapshot)
{
    mm_crew_adopt(fixture->crew, snapshot);
    mm_snapshot_unref(fixture->snapshot);
    fixture->snapshot = snapshot;
}

void
fixture_serve(Fixture *fixture, const char *text)
{
    MmSnapshot *snapshot = fixture_build(fixture, text);
    g_assert_cmpstr(fixture->problems, ==, "");
    fixture_adopt(fixture, snapshot);
}
