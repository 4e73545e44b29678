/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/config.h"

#include "base/text.h"

#include "base/text.h"

struct MmProblems {
    GPtrArray *list; /* of MmProblem */
    guint errors;
};

static void
problem_free(gpointer data)
{
    MmProblem *problem = data;
    g_free(problem->file);
    g_free(problem->group);
    g_free(problem->key);
    g_free(problem->text);
    g_free(problem->allowed);
    g_free(problem);
}

MmProblems *
mm_problems_new(void)
{
    MmProblems *problems = g_new0(MmProblems, 1);
    problems->list = g_ptr_array_new_with_free_func(problem_free);
    return problems;
}

void
mm_problems_free(MmProblems *problems)
{
    if (!problems)
        return;
    g_ptr_array_unref(problems->list);
    g_free(problems);
}

void
mm_problems_add(MmProblems *problems, gboolean warning, const char *file, guint line,
                const char *group, const char *key, const char *text, const char *allowed)
{
    MmProblem *problem = g_new0(MmProblem, 1);
    problem->file = g_strdup(file);
    problem->line = line;
    problem->group = g_strdup(group);
    problem->key = g_strdup(key);
    problem->text = mm_text_hide_passwords(text);
    if (!problem->text)
        problem->text = g_strdup(text);
    problem->allowed = g_strdup(allowed);
    problem->warning = warning;
    problems->errors += warning ? 0 : 1;
    g_ptr_array_add(problems->list, problem);
}

guint
mm_problems_count(const MmProblems *problems)
{
    return problems->list->len;
}

gboolean
mm_problems_has_errors(const MmProblems *problems)
{
    return problems->errors > 0;
}

guint
mm_problems_errors(const MmProblems *problems)
{
    return problems->errors;
}

const MmProblem *
mm_problems_get(const MmProblems *problems, guint i)
{
    return g_ptr_array_index(problems->list, i);
}

char *
mm_problem_to_string(const MmProblem *problem)
{
    GString *text = g_string_new(NULL);
    if (problem->file && problem->line > 0)
        g_string_append_printf(text, "%s:%u: ", problem->file, problem->line);
    else if (problem->file)
        g_string_append_printf(text, "%s: ", problem->file);
    if (problem->group)
        g_string_append_printf(text, "[%s] ", problem->group);
    if (problem->key)
        g_string_append_printf(text, "%s: ", problem->key);
    g_string_append(text, problem->text);
    if (problem->allowed && *problem->allowed)
        g_string_append_printf(text, " (%s)", problem->allowed);
    char *hidden = mm_text_hide_passwords(text->str);
    if (!hidden)
        return g_string_free(text, FALSE);
    g_string_free(text, TRUE);
    return hidden;
}
