/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Variables, messages, limits, files. */
#include "detect/sh-private.h"

#include "detect/text.h"

#include <string.h>

/* What opening a file costs, in bytes: two that read each other twice are soon at an end. */
#define FILE_PRICE 6400u

static void
variable_free(gpointer data)
{
    ShVariable *variable = data;
    g_free(variable->value);
    g_free(variable);
}

Sh *
sh_new(const DetectTree *tree, ShHook hook, gpointer data)
{
    Sh *sh = g_new0(Sh, 1);
    sh->tree = tree;
    sh->hook = hook;
    sh->data = data;
    sh->variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, variable_free);
    sh->constants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    sh->functions =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    sh->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    sh->programs = g_ptr_array_new_with_free_func((GDestroyNotify)sh_program_free);
    sh->arguments = g_ptr_array_new_with_free_func(g_free);
    sh->messages = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(sh->messages, NULL);
    sh_set(sh, "IFS", " \t\n", (ShPlace){NULL, 0});
    return sh;
}

void
sh_free(Sh *sh)
{
    if (!sh)
        return;
    g_hash_table_unref(sh->variables);
    g_hash_table_unref(sh->constants);
    g_hash_table_unref(sh->functions);
    g_hash_table_unref(sh->files);
    g_ptr_array_unref(sh->programs);
    g_ptr_array_unref(sh->arguments);
    g_ptr_array_unref(sh->messages);
    g_free(sh);
}

void
sh_set_hook(Sh *sh, ShHook hook, gpointer data)
{
    sh->hook = hook;
    sh->data = data;
}

void
sh_set_arguments(Sh *sh, const char *const *arguments)
{
    g_ptr_array_set_size(sh->arguments, 0);
    for (; *arguments; arguments++)
        g_ptr_array_add(sh->arguments, g_strdup(*arguments));
    sh->arguments_open = FALSE;
}

/* ---- Limits. */

gboolean
sh_pay(Sh *sh, gsize bytes)
{
    gsize price = 1 + bytes / 64;
    if (!sh->stopped && price <= SH_STEPS_MAX && sh->steps + price <= SH_STEPS_MAX) {
        sh->steps += (guint)price;
        return TRUE;
    }
    if (!sh->stopped)
        sh_message(sh, (ShPlace){sh->file, 0}, _("it takes too long to evaluate"));
    sh->stopped = TRUE;
    sh->flow = FLOW_EXIT;
    return FALSE;
}

gboolean
sh_stopped(const Sh *sh)
{
    return sh->stopped;
}

/* ---- Messages. */

void
sh_message(Sh *sh, ShPlace place, const char *text)
{
    g_autofree char *message = NULL;
    if (!place.file)
        message = g_strdup(text);
    else if (place.line == 0)
        message = g_strdup_printf("%s: %s", place.file, text);
    else
        message = g_strdup_printf("%s:%u: %s", place.file, place.line, text);
    guint n = sh->messages->len - 1;
    for (guint i = 0; i < n; i++)
        if (strcmp(g_ptr_array_index(sh->messages, i), message) == 0)
            return;
    if (n < SH_MESSAGES_MAX)
        g_ptr_array_insert(sh->messages, (gint)n, g_steal_pointer(&message));
}

const char *const *
sh_messages(const Sh *sh)
{
    return (const char *const *)(gpointer)sh->messages->pdata;
}

/* ---- Places. */

const char *
sh_keep_name(Sh *sh, const char *file)
{
    gpointer known;
    if (!file)
        return NULL;
    if (g_hash_table_lookup_extended(sh->files, file, &known, NULL))
        return known;
    char *copy = g_strdup(file);
    g_hash_table_add(sh->files, copy);
    return copy;
}

ShPlace
sh_place(const Sh *sh, guint line)
{
    return (ShPlace){sh->file, line};
}

void
sh_end(Sh *sh, ShPlace place, const char *text)
{
    if (sh->doubt > 0)
        return;
    sh_message(sh, place, text);
    sh->flow = FLOW_EXIT;
}

/* ---- Texts. */

void
sh_text_init(ShText *text)
{
    *text = (ShText){g_string_new(NULL), TRUE, NULL};
}

void
sh_text_clear(ShText *text)
{
    g_string_free(text->text, TRUE);
}

void
sh_text_doubt(ShText *text, const char *why)
{
    if (text->certain)
        text->why = why;
    text->certain = FALSE;
}

/* ---- Variables. */

static gboolean
is_name(const char *name)
{
    if (!sh_is_name_start(*name))
        return FALSE;
    while (sh_is_name_char(*name))
        name++;
    return *name == '\0';
}

/* In doubt: set or not, it is the same value. */
static gboolean
is_same(const ShVariable *variable, const ShText *text)
{
    return variable && variable->certain && text->certain &&
           strcmp(variable->value, text->text->str) == 0;
}

/* FALSE: that ends sh, or it is not to be set. */
static gboolean
may_change(Sh *sh, const char *name, ShPlace place)
{
    if (!is_name(name)) {
        sh_message(sh, place, _("which variable is set here is not known"));
        return FALSE;
    }
    if (!g_hash_table_contains(sh->constants, name))
        return TRUE;
    sh_end(sh, place, _("a variable that is readonly is set"));
    return FALSE;
}

static ShVariable *
make_variable(Sh *sh, const char *name)
{
    ShVariable *variable = g_hash_table_lookup(sh->variables, name);
    if (!variable) {
        variable = g_new0(ShVariable, 1);
        variable->value = g_strdup("");
        variable->certain = TRUE;
        g_hash_table_insert(sh->variables, g_strdup(name), variable);
    }
    return variable;
}

void
sh_assign(Sh *sh, const char *name, const ShText *text, ShPlace place)
{
    if (!sh_pay(sh, text->text->len + strlen(name)) || !may_change(sh, name, place))
        return;
    if (sh->doubt > 0 && is_same(sh_get(sh, name), text))
        return;
    ShVariable *variable = make_variable(sh, name);
    sh->changes += variable->certain ? 1 : 0;
    g_free(variable->value);
    variable->value = g_strndup(text->text->str, text->text->len);
    variable->certain = text->certain && sh->doubt == 0;
    variable->holes = !text->certain && sh->doubt == 0;
    variable->why = text->certain ? _("it is open whether this line is reached") : text->why;
    variable->place = place;
}

void
sh_make_uncertain(Sh *sh, const char *name, const char *why, ShPlace place)
{
    if (!sh_pay(sh, strlen(name)))
        return;
    ShVariable *variable = make_variable(sh, name);
    sh->changes += variable->certain ? 1 : 0;
    variable->certain = FALSE;
    variable->holes = FALSE;
    variable->why = why;
    variable->place = place;
}

void
sh_unset(Sh *sh, const char *name, ShPlace place)
{
    ShVariable *variable = g_hash_table_lookup(sh->variables, name);
    if (!may_change(sh, name, place))
        return;
    if (variable && sh->doubt > 0)
        sh_make_uncertain(sh, name, _("it is open whether this line is reached"), variable->place);
    else if (variable)
        g_hash_table_remove(sh->variables, name);
}

const ShVariable *
sh_get(const Sh *sh, const char *name)
{
    return g_hash_table_lookup(sh->variables, name);
}

const char *
sh_value(const Sh *sh, const char *name)
{
    const ShVariable *variable = sh_get(sh, name);
    return variable && variable->certain && !sh->stopped ? variable->value : NULL;
}

void
sh_set(Sh *sh, const char *name, const char *value, ShPlace place)
{
    ShText text;
    sh_text_init(&text);
    g_string_assign(text.text, value);
    place.file = sh_keep_name(sh, place.file);
    sh_assign(sh, name, &text, place);
    sh_text_clear(&text);
}

static int
by_bytes(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **
sh_names(const Sh *sh)
{
    GPtrArray *names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, sh->variables);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(names, name);
    g_ptr_array_sort(names, by_bytes);
    g_ptr_array_add(names, NULL);
    return (const char **)(gpointer)g_ptr_array_free(names, FALSE);
}

/* ---- Files. */

void
sh_run(Sh *sh, const char *file, const char *text)
{
    guint doubt = sh->doubt;
    sh_run_text(sh, sh_keep_name(sh, file), 1, text);
    sh->doubt = doubt;
    if (sh->flow == FLOW_RETURN)
        sh->flow = FLOW_ON;
}

DetectRead
sh_source(Sh *sh, const char *path)
{
    g_autofree char *text = NULL;
    g_autofree char *why = NULL;
    if (!sh->tree)
        return DETECT_READ_ABSENT;
    if (sh->depth >= SH_DEPTH_MAX) {
        sh_message(sh, (ShPlace){path, 0}, _("files read one another too deeply"));
        return DETECT_READ_FAILED;
    }
    DetectRead result = detect_tree_read(sh->tree, path, &text, &why);
    if (result == DETECT_READ_OK && sh_pay(sh, FILE_PRICE + strlen(text)))
        sh_run(sh, path, text);
    if (result == DETECT_READ_FAILED)
        sh_message(sh, (ShPlace){path, 0}, why);
    return result;
}

ShStatus
sh_yes_or_no(const char *value)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    for (guint i = 0; i < G_N_ELEMENTS(yes); i++) {
        if (g_ascii_strcasecmp(value, yes[i]) == 0)
            return SH_TRUE;
        if (g_ascii_strcasecmp(value, no[i]) == 0)
            return SH_FALSE;
    }
    return SH_UNKNOWN;
}
