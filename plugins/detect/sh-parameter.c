/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parameters: $name, ${name...}, $1, $@. */
#include "detect/sh-private.h"

#include "detect/text.h"

#include <string.h>

typedef struct Parameter {
    const char *value; /* NULL: not set */
    gboolean known;
    const char *why;
    char room[16];
} Parameter;

gboolean
sh_splits_as_usual(const Sh *sh)
{
    const ShVariable *variable = sh_get(sh, "IFS");
    return !variable || (variable->certain && strcmp(variable->value, " \t\n") == 0);
}

/* ---- Their values. */

static void
forget(Parameter *parameter, const char *why)
{
    parameter->known = FALSE;
    parameter->why = why;
    parameter->value = "";
}

/* Set by who starts the script, or by sh itself. */
static gboolean
is_of_environment(const char *name)
{
    static const char *const names[] = {"PATH",  "HOME",   "PWD",    "OLDPWD",  "LOGNAME", "USER",
                                        "SHELL", "TERM",   "LANG",   "TZ",      "OPTIND",  "OPTARG",
                                        "PPID",  "LINENO", "PS1",    "PS2",     "PS4",     "MAIL",
                                        "UID",   "EUID",   "RANDOM", "SECONDS", "HOSTNAME"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(name, names[i]) == 0)
            return TRUE;
    return g_str_has_prefix(name, "LC_");
}

static gboolean
arguments_are_known(const Sh *sh)
{
    return sh->in_functions == 0 && !sh->arguments_open;
}

static void
look_up_argument(const Sh *sh, const char *name, Parameter *parameter)
{
    guint64 number = g_ascii_strtoull(name, NULL, 10);
    guint n = sh->arguments->len;
    if (!arguments_are_known(sh) && strcmp(name, "0") != 0) {
        forget(parameter, _("the arguments are not known"));
    } else if (*name == '#') {
        g_snprintf(parameter->room, sizeof(parameter->room), "%u", n > 0 ? n - 1 : 0);
        parameter->value = parameter->room;
    } else if (number < n) {
        parameter->value = g_ptr_array_index(sh->arguments, (guint)number);
    }
}

static void
look_up_variable(const Sh *sh, const char *name, Parameter *parameter)
{
    const ShVariable *variable = sh_get(sh, name);
    if (variable && variable->certain)
        parameter->value = variable->value;
    else if (variable)
        forget(parameter, variable->why);
    else if (is_of_environment(name))
        forget(parameter, _("it is known only when the script runs"));
}

static void
look_up(const Sh *sh, const char *name, Parameter *parameter)
{
    *parameter = (Parameter){.known = TRUE};
    if (g_ascii_isdigit(*name) || *name == '#') {
        look_up_argument(sh, name, parameter);
    } else if (*name == '?') {
        /* Behind a $(...) in the same command, one sh shows its status, another the one before. */
        parameter->value = sh->status == SH_TRUE ? "0" : "1";
        if (sh->status == SH_UNKNOWN || sh->substituted)
            forget(parameter, _("the status of a command is not known"));
    } else if (strchr("-$!", *name)) {
        forget(parameter, _("it is known only when the script runs"));
    } else {
        look_up_variable(sh, name, parameter);
    }
}

/* ---- $@ and $*. */

static void
put_arguments(Out *out, const Part *part)
{
    const GPtrArray *arguments = out->sh->arguments;
    gboolean fields = part->quoted && *part->text == '@' && out->fields;
    if (!arguments_are_known(out->sh) || part->operation ||
        (!fields && !sh_splits_as_usual(out->sh))) {
        sh_put_unknown(out, _("the arguments are not known"));
        return;
    }
    for (guint i = 1; i < arguments->len; i++) {
        if (i > 1 && fields)
            sh_end_field(out);
        else if (i > 1)
            sh_put_text(out, " ", part->quoted);
        if (part->quoted)
            out->begun = TRUE;
        sh_put_text(out, g_ptr_array_index(arguments, i), part->quoted);
    }
}

/* ---- Operations. */

static void
put_trimmed(Out *out, const Part *part, const char *value)
{
    ShText pattern;
    g_autoptr(GString) text = g_string_new(value);
    sh_text_init(&pattern);
    sh_expand_pattern(out->sh, part->word, &pattern);
    if (pattern.certain) {
        sh_trim(out->sh, text, pattern.text->str, part->operation == '%', part->doubled);
        sh_put_text(out, text->str, part->quoted);
    } else {
        sh_put_unknown(out, pattern.why);
    }
    sh_text_clear(&pattern);
}

static void
put_length(Out *out, const Part *part, const char *value)
{
    g_autofree char *text = g_strdup_printf("%" G_GSIZE_FORMAT, strlen(value));
    sh_put_text(out, text, part->quoted);
}

/* "=": the variable is set, too. */
static void
put_and_assign(Out *out, const Part *part)
{
    ShText value;
    sh_text_init(&value);
    sh_expand_value(out->sh, part->word, &value);
    sh_assign(out->sh, part->text, &value, sh_place(out->sh, part->word->line));
    if (value.certain)
        sh_put_text(out, value.text->str, part->quoted);
    else
        sh_put_unknown(out, value.why);
    sh_text_clear(&value);
}

/* An operand that may be needed or not: what it sets is open. */
static void
expand_in_doubt(Sh *sh, const Word *word)
{
    ShText text;
    sh->doubt++;
    sh_text_init(&text);
    sh_expand_value(sh, word, &text);
    sh_text_clear(&text);
    sh->doubt--;
}

/* Which way an operation goes is not known: what it sets is open. */
static void
put_in_doubt(Out *out, const Part *part, const char *why)
{
    if (part->word)
        expand_in_doubt(out->sh, part->word);
    sh_put_unknown(out, why);
}

static void
end_for_want(Out *out)
{
    sh_end(out->sh, sh_place(out->sh, out->line), _("a variable that must be set is not"));
    sh_put_unknown(out, _("a variable that must be set is not"));
}

/* Of nothing, nothing is trimmed. */
static void
put_unset(Out *out, const Part *part)
{
    if (part->operation == '-')
        sh_put_operand(out, part->word);
    else if (part->operation == '=')
        put_and_assign(out, part);
    else if (part->operation == '?' || (part->operation != '+' && out->sh->ends_on_unset))
        end_for_want(out);
    else if (part->operation == 'L')
        put_length(out, part, "");
    else if (part->operation == '#' || part->operation == '%')
        expand_in_doubt(out->sh, part->word);
}

static void
put_set(Out *out, const Part *part, const char *value)
{
    switch (part->operation) {
    case 'L':
        put_length(out, part, value);
        break;
    case '#':
    case '%':
        put_trimmed(out, part, value);
        break;
    case '+':
        sh_put_operand(out, part->word);
        break;
    default:
        sh_put_text(out, value, part->quoted);
        break;
    }
}

void
sh_put_variable(Out *out, const Part *part)
{
    Parameter parameter;
    if (*part->text == '@' || *part->text == '*') {
        put_arguments(out, part);
        return;
    }
    look_up(out->sh, part->text, &parameter);
    gboolean or_empty = part->doubled && part->operation && strchr("-=+?", part->operation);
    if (!parameter.known)
        put_in_doubt(out, part, parameter.why);
    else if (!parameter.value || (or_empty && !*parameter.value))
        put_unset(out, part);
    else
        put_set(out, part, parameter.value);
}

/* ---- Arithmetic. */

void
sh_doubt_arithmetic(Sh *sh, const char *text, guint line)
{
    if (!strchr(text, '=') && !strstr(text, "++") && !strstr(text, "--"))
        return;
    for (const char *at = text; *at;) {
        const char *start = at;
        while (sh_is_name_char(*at))
            at++;
        if (sh_is_name_start(*start)) {
            g_autofree char *name = g_strndup(start, (gsize)(at - start));
            sh_make_uncertain(sh, name, _("it depends on arithmetic"), sh_place(sh, line));
        }
        at += at == start ? 1 : 0;
    }
}
